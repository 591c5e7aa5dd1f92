"""Two network namespaces joined by a shaped wire: what runs in them reaches one another and nothing else."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from tests.benchmarks.releases import UnavailableError

BITS_PER_SECOND = 100_000_000
SERVER, CLIENT = "198.18.0.1", "198.18.0.2"  # RFC 2544: for benchmarks
_RATE = f"{BITS_PER_SECOND}bit"
# 10 ms each way are 20 ms there and back.
_SHAPES = {
    "100 Mbit/s, 20 ms": ("netem", "delay", "10ms", "rate", _RATE, "limit", "1000"),
    "100 Mbit/s, no delay (this kernel has no netem)": (
        "tbf",
        "rate",
        _RATE,
        "burst",
        "32kb",
        "latency",
        "50ms",
    ),
}


@dataclass(frozen=True, slots=True)
class Wire:
    """What starts a program on each of its ends, and what it is like."""

    server: tuple[str, ...]
    client: tuple[str, ...]
    shape: str


@contextmanager
def joined() -> Iterator[Wire]:
    """Make both, and take them away again; UnavailableError where that cannot be done."""
    missing = [name for name in ("ip", "tc", "nsenter") if not _which(name)]
    if missing:
        raise UnavailableError(f"{', '.join(missing)} is missing (Debian: iproute2, util-linux)")
    if os.geteuid() != 0:
        raise UnavailableError("only root makes network namespaces")
    with ExitStack() as clean_up:
        ends = {f"pyman{os.getpid()}s": SERVER, f"pyman{os.getpid()}c": CLIENT}
        for name in ends:
            _run("ip", "netns", "add", name)
            clean_up.callback(_run, "ip", "netns", "delete", name)
        server, client = ends
        _run("ip", *f"link add wire netns {server} type veth peer name wire netns {client}".split())
        for name, address in ends.items():
            _run("ip", "-n", name, "address", "add", f"{address}/30", "dev", "wire")
            _run("ip", "-n", name, "link", "set", "wire", "up")
        shape = _shaped(list(ends))
        yield Wire(_inside(server), _inside(client), shape)


def _shaped(names: list[str]) -> str:
    """Shape both ends in the first way that the kernel knows, and return what that is."""
    for shape, words in _SHAPES.items():
        try:
            for name in names:
                _run("tc", "-n", name, "qdisc", "replace", "dev", "wire", "root", *words)
        except UnavailableError as error:
            refusal = error
        else:
            return shape
    raise refusal


def _inside(namespace: str) -> tuple[str, ...]:
    return ("nsenter", f"--net=/run/netns/{namespace}")


def _run(program: str, *arguments: str) -> None:
    command = [_which(program) or program, *arguments]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        raise UnavailableError(f"`{' '.join(command)}` failed: {done.stderr.strip()}")


def _which(program: str) -> str | None:
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
