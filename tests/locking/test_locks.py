"""One at a time changes a build, also where the file system has no locks; who waits is told for whom."""

import errno
import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from subprocess import Popen
from threading import Event

import pytest
from tests.conftest import CHECKOUT, ELSEWHERE, Offer, Pyman
from tests.support.builds import Archive, small_archive
from tests.support.server import slow, stalled_body

from pyman.locking import locks
from pyman.locking.claims import Claim
from pyman.locking.owner import Owner

FOREIGN = "linux-riscv64-gnu"
BUILD = Archive("3.13.5", "20250612", FOREIGN)
INSTALL = ("install", "3.13", "--target", FOREIGN)
# What systems answer where flock does not work; the empty one is where it does.
NAME = f"name.{0:016x}.claim"
ERRORS = ["ENOLCK", "ENOSYS", "EOPNOTSUPP"]

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason=ELSEWHERE + "flock and SIGKILL are of POSIX, and locks always work there"
)


@pytest.fixture(params=["", *ERRORS])
def at_hand(request: pytest.FixtureRequest, pyman: Pyman) -> str:
    """Pyman where flock works, and where it fails in each of the usual ways."""
    failure: str = request.param
    if failure:
        pyman.environment |= without_flock(failure)
    return failure


def without_flock(failure: str = ERRORS[0]) -> dict[str, str]:
    folder = CHECKOUT / "tests" / "support" / "without_flock"
    return {"PYTHONPATH": f"{folder}{os.pathsep}{os.environ['PYTHONPATH']}", "PYMAN_TEST_FLOCK": failure}


def claims(pyman: Pyman) -> list[Path]:
    return list((pyman.store / ".locks").glob("*.claim"))


def ended(processes: list[Popen[str]]) -> list[str]:
    told = [process.communicate(timeout=100)[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes), told
    return told


def test_many_want_the_same_and_one_downloads_it(at_hand: str, pyman: Pyman, offer: Offer) -> None:
    archive = small_archive(offer.server.folder, BUILD)
    offer(archive)
    offer.server.spoil(archive.file, slow, times=1)
    processes = [pyman.start(*INSTALL) for _ in range(5)]
    told = ended(processes)
    assert offer.server.count(archive.file) == 1
    assert sum(f"Installed {archive.key}" in text for text in told) == 1
    assert pyman.installed() == [archive.key]
    assert not pyman.leftovers()
    assert not claims(pyman), at_hand


def wait_until(true: "Iterator[bool]") -> None:
    for done in true:
        if done:
            return
        time.sleep(0.05)


def is_downloading(offer: Offer, file: str) -> Iterator[bool]:
    for _ in range(1000):
        yield offer.server.count(file) > 0
    pytest.fail("it downloads nothing")


def test_who_waits_is_told_for_whom(at_hand: str, pyman: Pyman, offer: Offer) -> None:
    archive = small_archive(offer.server.folder, BUILD)
    offer(archive)
    offer.server.spoil(archive.file, stalled_body, times=1)
    first = pyman.start(*INSTALL)
    wait_until(is_downloading(offer, archive.file))
    second = pyman.start(*INSTALL)
    assert second.stderr
    told = second.stderr.readline()
    assert f"another process (pid {first.pid})" in told, at_hand
    first.send_signal(signal.SIGKILL)
    first.communicate()
    ended([second])
    assert pyman.installed() == [archive.key]
    assert not pyman.leftovers()
    assert not claims(pyman)


def one_that_ended() -> Owner:
    """Return a process of this system which has ended."""
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    here = Owner.here()
    return Owner(child, here.system, here.host)


def test_the_claim_of_a_process_that_ended_does_not_count(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text(str(one_that_ended()), encoding="utf-8")
    assert Claim(tmp_path, "name").acquire()
    assert not (tmp_path / NAME).exists()


@pytest.mark.parametrize("text", ["1\nelsewhere\nbuild7\n", "", "nonsense\n"])
def test_an_owner_that_cannot_be_seen_is_gone_when_it_gives_no_sign_of_life(
    text: str, tmp_path: Path
) -> None:
    other = tmp_path / NAME
    other.write_text(text, encoding="utf-8")
    patient, impatient = Claim(tmp_path, "name"), Claim(tmp_path, "name", lease=0)
    for second in range(3):
        os.utime(other, (second, second))
        assert not impatient.acquire()
        assert not patient.acquire()
    assert not patient.acquire()
    assert impatient.acquire()
    assert not patient.acquire()
    impatient.release()
    assert patient.acquire()


def test_an_owner_elsewhere_is_named_with_its_host(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text(str(Owner(7, "elsewhere", "build7")), encoding="utf-8")
    assert Claim(tmp_path, "name").owner() == "another process (pid 7 on build7)"


def test_a_claim_to_another_name_does_not_count(tmp_path: Path) -> None:
    assert Claim(tmp_path, "cpython-3.13.5").acquire()
    assert Claim(tmp_path, "cpython-3.13").acquire()
    assert not Claim(tmp_path, "cpython-3.13").acquire()


def count_up(folder: Path, times: int) -> None:
    """Count in a file, which goes wrong as soon as two do it at once; some die while they hold the lock."""
    for round_ in range(times):
        with locks.held(folder, "name", lambda _: None, Event()):
            number = int((folder / "count").read_text(encoding="utf-8"))
            time.sleep(0.001)
            (folder / "count").write_text(str(number + 1), encoding="utf-8")
            if round_ == times - 1:
                os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("failure", ERRORS)
def test_never_two_at_once_though_owners_die(
    failure: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_flock(_file: object, _operation: int) -> None:
        raise OSError(getattr(errno, failure), "no locks here")

    monkeypatch.setattr("fcntl.flock", no_flock)
    (tmp_path / "count").write_text("0", encoding="utf-8")
    children = []
    for _ in range(6):
        children.append(os.fork())
        if children[-1] == 0:
            count_up(tmp_path, 5)
            os._exit(1)
    ends = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    assert ends == [-signal.SIGKILL] * 6
    assert (tmp_path / "count").read_text(encoding="utf-8") == "30"


def test_a_lock_that_cannot_be_had_is_an_error_with_a_hint(pyman: Pyman, offer: Offer) -> None:
    archive = small_archive(offer.server.folder, BUILD)
    offer(archive)
    (pyman.store / ".locks" / f"{archive.key}.lock").mkdir(parents=True)
    told = pyman(*INSTALL, code=1).stderr
    assert re.search(r"error: cannot lock .*\nhint: Check", told)
    assert pyman.installed() == []


def test_a_fleeting_lock_leaves_no_file(tmp_path: Path) -> None:
    with locks.held(tmp_path, "name", lambda _: None, Event(), fleeting=True):
        with locks.held_if_free(tmp_path, "name", fleeting=True) as other:
            assert not other
        assert (tmp_path / "name.lock").exists()
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "name.lock").write_text("somebody's", encoding="utf-8")
    with locks.held(tmp_path, "name", lambda _: None, Event(), fleeting=True):
        pass
    assert [path.read_text(encoding="utf-8") for path in tmp_path.iterdir()] == ["somebody's"]


def test_a_note_that_was_only_begun_is_written_anew(tmp_path: Path) -> None:
    (tmp_path / "name.owner").touch()
    with locks.held(tmp_path, "name", lambda _: None, Event()):
        assert (tmp_path / "name.owner").stat().st_size > 0
    assert not (tmp_path / "name.owner").exists()
