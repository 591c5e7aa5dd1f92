"""The process that reads: it does what threads would do, and ends with its parent, however either ends."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from tests.conftest import ELSEWHERE, Offer, Pyman
from tests.reliability.runs import members
from tests.support.builds import Archive, small_archive
from tests.support.imports import loaded, started
from tests.support.server import (
    Fault,
    cut_body,
    not_found,
    redirect_to,
    stalled_body,
    too_long_length,
    too_short_length,
    unavailable,
    web_page,
    without_ranges,
    wrong_byte,
)
from tests.support.waiting import wait_for

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason=ELSEWHERE + "only Linux has the process that reads"),
    pytest.mark.skipif(
        sys.platform == "linux" and len(os.sched_getaffinity(0)) == 1,
        reason=ELSEWHERE + "on one processor there is no such process",
    ),
]

FOREIGN = "linux-riscv64-gnu"
INSTALL = ("install", "3.13", "--target", FOREIGN)
IN_THREADS = {"PYMAN_ONE_PROCESS": "1"}


FAULTS: dict[str, Fault | None] = {
    "none": None,
    "cut": cut_body,
    "not found": not_found,
    "redirect": redirect_to("http://other.invalid/x"),
    "too long": too_long_length,
    "too short": too_short_length,
    "unavailable": unavailable,
    "web page": web_page,
    "without ranges": without_ranges,
    "wrong byte": wrong_byte,
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_whichever_reads_the_same_comes_of_it(fault: Fault | None, offer: Offer) -> None:
    """What is told, what is asked for, and what is in store and cache afterwards."""
    pyman, server = offer.pyman, offer.server
    archive = small_archive(server.folder, Archive("3.13.5", "20250612", FOREIGN), 300_000)
    offer(archive)
    if fault:
        server.spoil(archive.file, fault)
    seen = []
    for number, env in enumerate(({}, IN_THREADS)):
        user = replace(pyman, root=pyman.root / str(number))
        user.work.mkdir(parents=True)
        cache = user.root / "cache"
        server.asked.clear()
        done = subprocess.run(
            user.command(*INSTALL),
            env=user.measured(user.variables({**env, "PYMAN_CACHE_DIR": str(cache)}), [*INSTALL, *env]),
            cwd=user.work,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        told = re.sub(r"in [\d.]+ m?s", "in time", done.stderr.replace(str(user.root), "~"))
        kept = sorted(path.name for path in cache.rglob("*"))
        asked = [each.headers.get("range") for each in server.asked]
        seen.append((done.returncode, told, kept, asked, user.installed(), user.leftovers()))
    assert seen[0] == seen[1]


@contextmanager
def installing(pyman: Pyman, *requests: str) -> Iterator["subprocess.Popen[str]"]:
    """Install in a session of its own, which has ended afterwards."""
    with subprocess.Popen(
        pyman.command("install", *requests, "--target", FOREIGN),
        env=pyman.variables({"PYMAN_RETRIES": "3"}),  # what breaks off because of a signal is not tried again
        cwd=pyman.work,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=True,
    ) as process:
        yield process
        process.kill()


@pytest.fixture
def stalled(offer: Offer) -> Iterator["subprocess.Popen[str]"]:
    """An install that waits for bytes which do not come, in a session of its own."""
    pyman, server = offer.pyman, offer.server
    archive = small_archive(server.folder, Archive("3.13.5", "20250612", FOREIGN), 300_000)
    offer(archive)
    server.spoil(archive.file, stalled_body)
    pyman.environment["PYMAN_CACHE_DIR"] = str(pyman.root / "cache")
    with installing(pyman, "3.13") as process:
        wait_for(lambda: any(pyman.root.glob("cache/archives/*.part")))
        assert len(members(process.pid)) == 2
        yield process


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGKILL"])
def test_it_ends_with_its_parent(name: str, stalled: "subprocess.Popen[str]", pyman: Pyman) -> None:
    """By a signal to the parent alone, and to nobody else; what it had of the archive is gone then."""
    stalled.send_signal(getattr(signal, name))
    told = stalled.communicate(timeout=60)[1]
    assert stalled.returncode == {"SIGINT": 130, "SIGTERM": 143}.get(name, -signal.SIGKILL), told
    wait_for(lambda: not members(stalled.pid))
    assert not list(pyman.root.glob("cache/archives/*"))
    assert pyman.installed() == []


def test_signals_for_both_are_the_parents(stalled: "subprocess.Popen[str]", pyman: Pyman) -> None:
    """A terminal sends ^C to all."""
    os.killpg(stalled.pid, signal.SIGINT)
    assert stalled.communicate(timeout=60)[1].splitlines()[1:] == []
    assert stalled.returncode == 130
    wait_for(lambda: not members(stalled.pid))
    assert not pyman.leftovers()


def test_that_it_was_killed_is_told(stalled: "subprocess.Popen[str]", pyman: Pyman) -> None:
    (reading,) = members(stalled.pid) - {stalled.pid}
    os.kill(reading, signal.SIGKILL)
    told = stalled.communicate(timeout=60)[1]
    assert stalled.returncode == 1
    assert "error: the process that reads archives was ended by SIGKILL\nhint: Run the command again." in told
    assert pyman.installed() == []
    assert not pyman.leftovers()


def test_who_runs_a_python_is_alone(pyman: Pyman, offer: Offer, real: list[Archive]) -> None:
    """What `pyman run` becomes has no child that it has not started, installed or not."""
    offer(real[0])
    program = "import os\ntry: os.waitpid(-1, 0)\nexcept ChildProcessError: print('alone')"
    for _ in range(2):
        assert pyman("run", real[0].version, "python", "-c", program).stdout == "alone\n"
    assert offer.server.count(real[0].file) == 1


UNWAITED = (
    "import os, signal, sys\n"
    "signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
    "os.execv(sys.argv[1], sys.argv[1:])"
)


@pytest.mark.parametrize(
    "prefix",
    [
        ("sh", "-c", '"$@" <&-', "sh"),
        ("sh", "-c", '"$@" >&-', "sh"),
        (sys.executable, "-c", UNWAITED),
    ],
    ids=["no stdin", "no stdout", "children that nobody waits for"],
)
def test_odd_surroundings(prefix: tuple[str, ...], several: list[Archive], offer: Offer) -> None:
    pyman = replace(offer.pyman, prefix=prefix)
    for requests in (MINORS[:1], MINORS):
        pyman("install", *requests, "--target", FOREIGN)
    assert pyman.installed() == [archive.key for archive in several]


@pytest.mark.parametrize("number", [1, 3], ids=["one that reads", "the second that installs"])
def test_no_more_processes_are_to_be_had(number: int, several: list[Archive], offer: Offer) -> None:
    """Threads do what they would have done."""
    program = (
        "import os\n"
        "left, fork = iter(range(1, 9)), os.fork\n"
        "def refusing():\n"
        f"    if next(left) == {number}: raise BlockingIOError(11, 'Resource temporarily unavailable')\n"
        "    return fork()\n"
        "os.fork = refusing\n"
        "from pyman.__main__ import main\n"
        "main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "install", *MINORS, "--target", FOREIGN],
        env=offer.pyman.variables(),
        check=True,
        capture_output=True,
        encoding="utf-8",
    )
    assert "error" not in done.stderr
    assert offer.pyman.installed() == [archive.key for archive in several]


def test_what_speaks_to_the_network_is_loaded_by_it_alone(offer: Offer) -> None:
    """Loading that was the largest part of an install."""
    archive = small_archive(offer.server.folder, Archive("3.13.5", "20250612", FOREIGN))
    offer(archive)
    done = started(offer.pyman.variables(), "-m", "pyman", *INSTALL)
    assert offer.pyman.installed() == [archive.key]
    assert not loaded(done) & {"httpx", "httpcore", "ssl", "email", "http.client", "netrc", "truststore"}


MINORS = ("3.11.9", "3.12.4", "3.13.5")


@pytest.fixture
def several(offer: Offer) -> list[Archive]:
    """Builds to be installed at once, in processes of their own."""
    folder = offer.server.folder
    archives = [small_archive(folder, Archive(each, "20250612", FOREIGN), 300_000) for each in MINORS]
    offer(*archives)
    offer.pyman.environment["PYMAN_CACHE_DIR"] = str(offer.pyman.root / "cache")
    return archives


def test_of_several_each_is_told_and_done(several: list[Archive], offer: Offer) -> None:
    """One cannot be had, one is there, and one is behind a warning; whether or not processes do it."""
    pyman = offer.pyman
    offer.server.spoil(several[1].file, not_found)
    seen = []
    for number, env in enumerate(({}, IN_THREADS)):
        user = replace(pyman, root=pyman.root / str(number), environment=dict(pyman.environment))
        user.environment["PYMAN_CACHE_DIR"] = str(user.root / "cache")
        user.work.mkdir(parents=True)
        user("install", "3.11", "--target", FOREIGN, env=env)
        done = user("install", *MINORS, "--target", FOREIGN, "--reinstall", "--slim", code=1, env=env)
        assert user.installed() == [several[0].key, several[2].key]
        assert not user.leftovers()
        seen.append(sorted(re.sub(r"in [\d.]+ m?s", "in time", done.stderr).splitlines()))
    assert seen[0] == seen[1]


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGKILL"])
@pytest.mark.parametrize("to_all", [True, False], ids=["all", "it"])
def test_several_that_are_stopped(name: str, to_all: bool, several: list[Archive], offer: Offer) -> None:  # noqa: FBT001
    """None of them goes on, and what was begun is gone, or is swept by the next one."""
    for archive in several[:2]:  # so many at once
        offer.server.spoil(archive.file, stalled_body, times=1)
    pyman = offer.pyman
    with installing(pyman, *MINORS) as process:
        wait_for(lambda: len(list(pyman.root.glob("cache/archives/*.part"))) == 2)
        assert len(members(process.pid)) == 2 + len(MINORS)
        (os.killpg if to_all else os.kill)(process.pid, getattr(signal, name))
        told = process.communicate(timeout=60)[1]
        assert process.returncode == {"SIGINT": 130, "SIGTERM": 143}.get(name, -signal.SIGKILL), told
        assert "error" not in told
        wait_for(lambda: not members(process.pid))
    if not (to_all and name == "SIGKILL"):
        assert not pyman.leftovers()
        assert not list(pyman.root.glob("cache/archives/*"))
    pyman("install", *MINORS, "--target", FOREIGN)
    assert pyman.installed() == [archive.key for archive in several]
    assert not pyman.leftovers()


def test_one_of_several_that_is_killed(several: list[Archive], offer: Offer) -> None:
    """The others come to their end, and that it was killed is told."""
    pyman = offer.pyman
    offer.server.spoil(several[0].file, stalled_body)
    with installing(pyman, *MINORS) as process:
        wait_for(lambda: len(pyman.installed()) == 2)
        wait_for(lambda: len(members(process.pid)) == 3)
        (one,) = members(process.pid) - {process.pid, min(members(process.pid) - {process.pid})}
        os.kill(one, signal.SIGKILL)
        told = process.communicate(timeout=60)[1]
    assert process.returncode == 1
    assert "error: a process that installs was ended by SIGKILL\nhint: Run the command again." in told
    assert pyman.installed() == [several[1].key, several[2].key]
