"""The wire: an install over 100 Mbit/s, beside the time that the bytes themselves take."""

import os
import shutil

from tests.benchmarks.bench import Bench
from tests.benchmarks.case_install import installing
from tests.benchmarks.measuring import Command, computed
from tests.benchmarks.namespaces import BITS_PER_SECOND, SERVER, joined
from tests.benchmarks.releases import UnavailableError
from tests.benchmarks.rows import Row
from tests.support import nginx

_PORT = 8080
_LIMIT = 1.03
_FRAME, _PAYLOAD = 1514, 1448  # bytes of an Ethernet frame, and of the body in it


def wire(bench: Bench) -> list[Row]:
    """`pyman install` of 17 MB, uv's, and a plain download, each against bytes / rate."""
    if not nginx.program():
        raise UnavailableError(nginx.MISSING)
    folder, work = bench.releases.folder, bench.scratch / "nginx-wire"
    work.mkdir()
    with joined() as ends, nginx.serving(folder, work, _PORT, address=SERVER, prefix=ends.server):
        taken = bench.measure(_commands(bench, ends.client))
    seconds = bench.releases.file(bench.releases.musl_17_mb).stat().st_size * 8 / BITS_PER_SECOND
    bytes_alone, framed = computed(seconds), computed(seconds * _FRAME / _PAYLOAD)
    mine, alone = "`pyman install`, 17 MB", "bytes / rate"
    rows = [
        Row("wire", mine, alone, taken["pyman"], bytes_alone, _LIMIT, note=ends.shape),
        Row("wire", mine, "bytes and headers / rate", taken["pyman"], framed),
        Row("wire", "`uv python install`, 17 MB", alone, taken["uv"], bytes_alone),
    ]
    if "curl" in taken:
        rows.append(Row("wire", "`curl` to /dev/null", alone, taken["curl"], bytes_alone))
        rows.append(Row("wire", mine, "`curl` to /dev/null", taken["pyman"], taken["curl"]))
    return rows


def _commands(bench: Bench, client: tuple[str, ...]) -> dict[str, Command]:
    archive, origin = bench.releases.musl_17_mb, f"http://{SERVER}:{_PORT}"
    installs = installing(bench, bench.home(bench.in_memory), (archive,), origin)
    commands = {name: installs[name] for name in ("pyman", "uv")}
    if shutil.which("curl"):
        url = f"{origin}/{archive.path.replace('+', '%2B')}"
        curl = ("curl", "--silent", "--fail", "--output", os.devnull, url)
        commands["curl"] = Command(curl, bench.home().environment())
    return {name: _moved(command, client) for name, command in commands.items()}


def _moved(command: Command, client: tuple[str, ...]) -> Command:
    """The same command at that end of the wire, where plain http to the other end is allowed."""
    environment = {**command.environment, "PYMAN_ALLOW_INSECURE_HOST": SERVER}
    return Command((*client, *command.arguments), environment, command.prepare)
