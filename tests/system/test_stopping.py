"""Who stops pyman stops all that it has started, and a terminal that is closed is a reason to stop."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.conftest import ELSEWHERE, Offer, hanging_up
from tests.support.builds import Archive, small_archive, write_archive
from tests.support.repack import this_target
from tests.support.server import stalled_body
from tests.support.waiting import wait_for

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason=ELSEWHERE + "signals are of POSIX")

FOREIGN = "linux-riscv64-gnu"
# An interpreter that starts another program, and comes to no end.
ENDLESS = b"""#!/bin/sh
sleep 300 &
echo $! >"$PYMAN_TEST_NOTE.new"
mv "$PYMAN_TEST_NOTE.new" "$PYMAN_TEST_NOTE"
wait
"""


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except ProcessLookupError:
        return False
    except OSError:  # without /proc, as on macOS, kill has answered; with it, it ended in between
        return not Path("/proc/self").exists()
    return state != "Z"


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
@pytest.mark.usefixtures("usual_hangup")
def test_what_is_being_tested_is_ended(name: str, code: int, offer: Offer, tmp_path: Path) -> None:
    pyman, note = offer.pyman, tmp_path / "note"
    members = {"python/bin/python3.13": ENDLESS, "python/lib/python3.13/os.py": b""}
    offer(write_archive(offer.server.folder, Archive("3.13.5", "20250612", this_target()), members))
    pyman.environment["PYMAN_TEST_NOTE"] = str(note)
    process = pyman.start("install", "3.13")
    wait_for(note.exists)
    child = int(note.read_text(encoding="utf-8"))
    assert is_alive(child)
    process.send_signal(getattr(signal, name))
    told = process.communicate(timeout=100)[1]
    assert process.returncode == code, told
    assert "Traceback" not in told
    wait_for(lambda: not is_alive(child))
    assert pyman.installed() == []
    assert not pyman.leftovers()


# Interpreters that end, but not all that they have started: it keeps their output open, or closes it.
LEAVES = b"""#!/bin/sh
sleep 300 &
echo $! >"$PYMAN_TEST_NOTE.new"
mv "$PYMAN_TEST_NOTE.new" "$PYMAN_TEST_NOTE"
exit 3
"""
LEAVES_QUIETLY = LEAVES.replace(b"sleep 300 &", b"sleep 300 >/dev/null 2>&1 &")


@pytest.mark.parametrize("program", [LEAVES, LEAVES_QUIETLY], ids=["open", "closed"])
def test_what_it_left_running_is_ended(program: bytes, offer: Offer, tmp_path: Path) -> None:
    pyman, note = offer.pyman, tmp_path / "note"
    members = {"python/bin/python3.13": program, "python/lib/python3.13/os.py": b""}
    offer(write_archive(offer.server.folder, Archive("3.13.5", "20250612", this_target()), members))
    pyman.environment["PYMAN_TEST_NOTE"] = str(note)
    began = time.monotonic()
    assert "exit code 3" in pyman("install", "3.13", code=1).stderr
    assert time.monotonic() - began < 30, "what it started was waited for"  # it would for 60 s
    child = int(note.read_text(encoding="utf-8"))
    wait_for(lambda: not is_alive(child))
    assert not pyman.leftovers()


def test_a_test_that_takes_long_is_announced(offer: Offer, tmp_path: Path) -> None:
    pyman, note = offer.pyman, tmp_path / "note"
    members = {"python/bin/python3.13": ENDLESS, "python/lib/python3.13/os.py": b""}
    archive = write_archive(offer.server.folder, Archive("3.13.5", "20250612", this_target()), members)
    offer(archive)
    pyman.environment["PYMAN_TEST_NOTE"] = str(note)
    process = pyman.start("install", "3.13")
    wait_for(note.exists)
    began = time.monotonic()
    assert process.stderr
    lines = iter(process.stderr.readline, "")
    told = next(line for line in lines if "takes long" in line)
    assert 2 < time.monotonic() - began < 5
    assert archive.key in told
    assert "60 s" in told
    process.terminate()
    assert process.communicate(timeout=20)[1].count("takes long") == 0
    assert process.returncode == 143
    child = int(note.read_text(encoding="utf-8"))
    wait_for(lambda: not is_alive(child))


@pytest.mark.skipif(sys.platform != "linux", reason=ELSEWHERE + "signals to one thread")
@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
@pytest.mark.usefixtures("usual_hangup")
def test_signal_that_another_thread_gets(name: str, code: int, offer: Offer) -> None:
    """Any thread may get it: one that has just been started, say. The main thread is then not woken."""
    pyman, server = offer.pyman, offer.server
    archive = small_archive(server.folder, Archive("3.13.5", "20250612", FOREIGN), 300_000)
    offer(archive)
    server.spoil(archive.file, stalled_body)
    process = pyman.start("install", "3.13", "--target", FOREIGN)
    wait_for(lambda: bool(pyman.leftovers()))
    threads = {int(entry.name) for entry in Path(f"/proc/{process.pid}/task").iterdir()} - {process.pid}
    os.kill(max(threads), getattr(signal, name))  # kill(2) prefers the thread that it is given
    told = process.communicate(timeout=20)[1]
    assert process.returncode == code, told
    assert "Traceback" not in told
    assert not pyman.leftovers()


def test_these_tests_hold_under_nohup() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with hanging_up():
            done = subprocess.run(["sh", "-c", "kill -HUP $$"], check=False)
        assert done.returncode == -signal.SIGHUP
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_what_was_started_with_nohup_goes_on(offer: Offer, tmp_path: Path) -> None:
    pyman, note, go_on = offer.pyman, tmp_path / "note", tmp_path / "go_on"
    waits = f'#!/bin/sh\ntouch "{note}"\nwhile [ ! -e "{go_on}" ]; do sleep 0.1; done\nexit 3\n'.encode()
    members = {"python/bin/python3.13": waits, "python/lib/python3.13/os.py": b""}
    offer(write_archive(offer.server.folder, Archive("3.13.5", "20250612", this_target()), members))
    pyman.prefix = ("nohup",)
    process = pyman.start("install", "3.13")
    wait_for(note.exists)
    process.send_signal(signal.SIGHUP)
    go_on.touch()
    assert "does not run here" in process.communicate(timeout=100)[1]
    assert process.returncode == 1


# Waits for a thread as an install does, and is stopped at one step of that after the other.
WAITS = """\
import os, signal, sys, threading
from concurrent.futures import ThreadPoolExecutor
from pyman.system import stopping
from pyman.archive.pipeline import awaited

stopping.listen()

def stopped_at(step):
    left = step

    def trace(frame, event, argument):
        nonlocal left
        left -= 1
        if left == 0:
            sys.settrace(None)
            os.kill(os.getpid(), signal.SIGTERM)
        return trace

    go_on = threading.Event()
    pool = ThreadPoolExecutor(1)
    result = pool.submit(go_on.wait)
    try:
        sys.settrace(trace)
        awaited(result)
    except SystemExit:
        pass
    finally:
        sys.settrace(None)
    assert left == 0
    go_on.set()
    worker = next(iter(pool._threads))
    pool.shutdown(wait=False)
    worker.join(5)
    return not worker.is_alive()

stuck = [step for step in range(1, 150) if not stopped_at(step)]
print("waits for ever if stopped at", stuck, flush=True)
os._exit(bool(stuck))
"""


def test_nobody_waits_for_a_lock_of_who_was_stopped() -> None:
    """A signal may come at any moment, also in one in which a lock is taken that an exception would leave."""
    done = subprocess.run(
        [sys.executable, "-c", WAITS], capture_output=True, encoding="utf-8", timeout=110, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


# pyman, with a signal that comes in the call of one function, or in a finaliser that runs then.
STOPPED_IN = """\
import os, signal, sys
from pyman.__main__ import main

where, how = sys.argv.pop(1), sys.argv.pop(1)

class Dropped:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)

def trace(frame, event, argument):
    if frame.f_code.co_qualname == where and callable(signal.getsignal(signal.SIGTERM)):
        sys.settrace(None)
        Dropped() if how == "finaliser" else os.kill(os.getpid(), signal.SIGTERM)

sys.settrace(trace)
main()
"""


@pytest.mark.parametrize(
    ("where", "how"),
    [("Field.__set_name__", "there"), ("_command", "there"), ("_command", "finaliser")],
)
def test_signal_whose_exception_gets_lost(where: str, how: str, offer: Offer) -> None:
    """Python 3.11 makes a RuntimeError of what ends a __set_name__; any prints what ends a finaliser."""
    pyman, server = offer.pyman, offer.server
    archive = small_archive(server.folder, Archive("3.13.5", "20250612", FOREIGN), 300_000)
    offer(archive)
    server.spoil(archive.file, stalled_body)
    command = [sys.executable, "-c", STOPPED_IN, where, how, "install", "3.13", "--target", FOREIGN]
    done = subprocess.run(
        command, env=pyman.variables(), capture_output=True, encoding="utf-8", timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (143, "")
    assert not pyman.leftovers()


# pyman, begun again and again, with a signal at one step after the other of how it begins and ends.
STOPPED_AT_STEPS = """\
import os, signal, sys, tempfile, traceback
import pyman.commands.install, pyman.reading.server  # loaded once, for all
from pyman.__main__ import main

OURS = ("/__main__.py", "/reading/lanes.py", "/system/stopping.py", "/system/forked_child.py")
name = sys.argv.pop(1)
signum = getattr(signal, name)
allowed = {0, 128 + signum} | ({-signum} if name != "SIGINT" else set())  # before it is taken over

def stopped_at(step, came):
    left = step

    def trace(frame, event, argument):
        nonlocal left
        if not frame.f_code.co_filename.endswith(OURS):
            return None
        # Before the first call in it, a signal is seen only where nothing can catch what it raises.
        if frame.f_code is not main.__code__ or left < step:
            left -= 1
            if left == 0:
                sys.settrace(None)
                os.write(came, b"+")
                os.kill(os.getpid(), signum)
        return trace

    try:
        sys.settrace(trace)
        main()
    except BaseException:
        sys.settrace(None)
        traceback.print_exc()
    finally:
        os._exit(1)

def told_at(step):
    with tempfile.TemporaryFile() as told, tempfile.TemporaryFile() as came:
        pid = os.fork()
        if pid == 0:
            os.dup2(told.fileno(), 1)
            os.dup2(told.fileno(), 2)
            stopped_at(step, came.fileno())
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        told.seek(0)
        return code, told.read().decode(), bool(came.seek(0, 2))

steps, wrong = 0, []
while True:
    code, told, has_come = told_at(steps + 1)
    if not has_come:
        break
    steps += 1
    if code not in allowed or "Traceback" in told or "Error" in told:
        wrong.append(f"step {steps}: exit code {code}: {told}")
print(f"{len(wrong)} of {steps} steps")
print(*wrong[:3], sep="\\n")
os._exit(bool(wrong) or steps < 50 or code != 0)
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_signal_while_pyman_begins_or_ends(name: str) -> None:
    """From the first step to the last: what is there to catch it while a command runs is not there then."""
    command = [sys.executable, "-c", STOPPED_AT_STEPS, name, "install", "--help"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=110, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
