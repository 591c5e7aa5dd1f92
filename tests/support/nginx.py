"""A real web server: Debian's nginx, serving one folder on this machine alone."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

LOOPBACK = "127.0.0.1"
MISSING = "nginx is not installed (Debian: nginx-light)"
_CONFIGURATION = """
daemon off;
master_process off;
pid nginx.pid;
error_log error.log;
events {{ }}
http {{
    access_log access.log;
    client_body_temp_path temporary;
    proxy_temp_path temporary;
    fastcgi_temp_path temporary;
    uwsgi_temp_path temporary;
    scgi_temp_path temporary;
    default_type application/octet-stream;
    sendfile on;
    {servers}
}}
"""
_SERVER = """server {{
        listen {address}:{port};
        root {root};
    }}"""
_PATIENCE = 10.0  # seconds until it must listen


def program() -> str | None:
    """Return the path of nginx; None where it is not installed. Debian has it where users do not look."""
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


def free_port() -> int:
    """Return a port which was free a moment ago."""
    with socket.create_server((LOOPBACK, 0)) as probe:
        return int(probe.getsockname()[1])


@contextmanager
def serving(
    folder: Path, work: Path, port: int, *, address: str = LOOPBACK, prefix: Sequence[str] = ()
) -> Iterator[None]:
    """Serve `folder` at `address`; its logs are in `work`. `prefix` starts it somewhere else."""
    with configured(_SERVER.format(address=address, port=port, root=folder), work, prefix):
        yield


@contextmanager
def configured(servers: str, work: Path, prefix: Sequence[str] = ()) -> Iterator[None]:
    """Run nginx with these servers; its logs are in `work`. `prefix` starts it somewhere else."""
    path = program()
    if not path:
        raise FileNotFoundError(MISSING)
    (work / "nginx.conf").write_text(_CONFIGURATION.format(servers=servers), encoding="utf-8")
    command = [*prefix, path, "-p", str(work), "-c", "nginx.conf", "-e", "error.log"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as process:
        try:
            _wait_until_it_listens(work / "nginx.pid", process)
            yield
        finally:
            process.terminate()


def _wait_until_it_listens(pid_file: Path, process: "subprocess.Popen[bytes]") -> None:
    # It is written when the sockets are open, which may be in a network that this process is not in.
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError("nginx has stopped")
        if pid_file.exists():
            return
        time.sleep(0.02)
    raise RuntimeError("nginx does not listen")
