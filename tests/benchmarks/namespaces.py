"""Two network namespaces joined by a shaped wire: what runs in them reaches one another and nothing else."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from tests.benchmarks.releases import UnavailableError

SERVER, CLIENT = "198.18.0.1", "198.18.0.2"  # RFC 2544: for benchmarks
# Bytes of an Ethernet frame, and of the body in it.
FRAME, PAYLOAD = 1514, 1448


class Rate(NamedTuple):
    """How fast the wire is, in bits per second, and what may pass at once before it counts."""

    bits: int
    burst: str
    name: str


# A burst has to bridge the time until the kernel looks again; with less, 1 Gbit/s is not reached.
RATES = (Rate(100_000_000, "32kb", "100 Mbit/s"), Rate(1_000_000_000, "256kb", "1 Gbit/s"))
_DELAY = "20 ms"


@dataclass(frozen=True, slots=True)
class Wire:
    """What starts a program on each of its ends. It is as fast as this machine until it is `shaped`."""

    names: tuple[str, str]

    @property
    def server(self) -> tuple[str, ...]:
        """What a command begins with that is to run where the server is."""
        return _inside(self.names[0])

    @property
    def client(self) -> tuple[str, ...]:
        """What a command begins with that is to run on the other end."""
        return _inside(self.names[1])

    def shape(self, rate: Rate) -> str:
        """Shape both ends in the first way that the kernel knows, and return what the delay is."""
        # 10 ms each way are 20 ms there and back.
        netem = f"netem delay 10ms rate {rate.bits}bit limit 10000"
        bucket = f"tbf rate {rate.bits}bit burst {rate.burst} latency 50ms"
        for told, words in ((_DELAY, netem), ("no delay", bucket)):
            try:
                for name in self.names:
                    _run("tc", *f"-n {name} qdisc replace dev wire root {words}".split())
            except UnavailableError as error:
                refusal = error
            else:
                return told
        raise refusal

    def received(self) -> int:
        """Return how many bytes have come to the client so far, with the headers of the frames."""
        told = json.loads(_run("ip", *f"-n {self.names[1]} -s -j link show wire".split()))
        return int(told[0]["stats64"]["rx"]["bytes"])


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
        yield Wire((server, client))


def _inside(namespace: str) -> tuple[str, ...]:
    return ("nsenter", f"--net=/run/netns/{namespace}")


def _run(program: str, *arguments: str) -> str:
    command = [_which(program) or program, *arguments]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        raise UnavailableError(f"`{' '.join(command)}` failed: {done.stderr.strip()}")
    return done.stdout


def _which(program: str) -> str | None:
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
