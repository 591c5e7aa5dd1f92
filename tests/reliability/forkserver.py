"""pyman in processes that are forked from one in which its modules are loaded already: a tenth of the time.

    python -m tests.reliability.forkserver

It prints its port on 127.0.0.1. Each connection is one run: a line of JSON in, a line of JSON out. The run
is a process and a session of its own, with its own environment, and can be told to meet a fault. What it does
not show is how an interpreter starts and ends: where that matters, processes are started as users start them.
"""

import importlib
import json
import os
import resource
import signal
import socketserver
import sys
import tempfile
import time
from mmap import mmap
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from tests.reliability.injection import Fault, Steps

import pyman.__main__
import pyman.cli
import pyman.commands

_LOADED = (
    "installer.sequence",
    "network.download",
    "store.changes",
    "store.removal",
    "upkeep.conditions",
    "environments.entrances",
    "discovery.finder",
    "report.plain_lines",
)
_TICK = 0.002  # seconds


class _Handler(socketserver.StreamRequestHandler):
    """One run, in a process of its own already, so that many can be waited for at once."""

    def handle(self) -> None:
        job = json.loads(self.rfile.readline())
        counter = mmap(-1, 8)
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            child = os.fork()
            if child == 0:
                _become(job, counter, out, err)
            code, in_time = _waited(child, job["seconds"])
            answer = {
                "code": code,
                "in_time": in_time,
                "steps": int.from_bytes(counter[:8], "little"),
                "stdout": _text(out),
                "stderr": _text(err),
            }
        self.wfile.write(json.dumps(answer).encode() + b"\n")


class _Server(socketserver.ForkingMixIn, socketserver.TCPServer):
    request_queue_size = 128
    max_children = 100


def _become(job: dict[str, Any], counter: mmap, out: BinaryIO, err: BinaryIO) -> NoReturn:
    """Be the pyman that was asked for."""
    code: object = 70
    try:
        os.setsid()
        os.environ.clear()
        os.environ.update(job["environment"])
        os.chdir(job["cwd"])
        for target, file in ((0, os.open(os.devnull, os.O_RDONLY)), (1, out.fileno()), (2, err.fileno())):
            os.dup2(file, target)
        sys.argv = ["pyman", *job["arguments"]]
        if job["largest_file"] is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (job["largest_file"],) * 2)
        if job["fault"]:
            Steps(job["root"], counter, Fault(**job["fault"])).arm()
        pyman.__main__.main()
    except SystemExit as end:
        code = end.code
    except BaseException:  # noqa: BLE001 - a traceback is what is looked for
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 0)


def _waited(child: int, seconds: float) -> tuple[int, bool]:
    """Return how the child ended, and whether that was in time; if not it is killed."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status), True
        time.sleep(_TICK)
    os.killpg(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), False


def _text(file: BinaryIO) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "replace")


def _load() -> None:
    """Import what a run would import, so that none of it is done or counted in the runs."""
    for name in _LOADED:
        importlib.import_module(f"pyman.{name}")
    for package in (pyman.cli, pyman.commands):
        for path in Path(str(package.__file__)).parent.glob("[a-z]*.py"):
            importlib.import_module(f"{package.__name__}.{path.stem}")


def main() -> None:
    """Serve until whoever started this ends it."""
    _load()
    with _Server(("127.0.0.1", 0), _Handler) as server:
        print(server.server_address[1], flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
