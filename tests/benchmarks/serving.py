"""One web server for the archives, by http and by https: Debian's nginx."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.certificates import Certificates, make_certificates
from tests.benchmarks.releases import UnavailableError
from tests.support import nginx

_SERVERS = """server {{
        listen {address}:{plain};
        listen {address}:{secure} ssl;
        ssl_certificate {certificates.certificate};
        ssl_certificate_key {certificates.key};
        root {folder};
    }}"""


@dataclass(frozen=True, slots=True)
class Source:
    """A server's two addresses, and what vouches for it.

    `client` is what a command begins with that is to reach it, and `host` what may be asked by plain http.
    """

    plain: str
    secure: str
    certificates: Certificates
    client: tuple[str, ...] = ()
    host: str = nginx.LOOPBACK


@contextmanager
def serving(
    folder: Path,
    work: Path,
    address: str = nginx.LOOPBACK,
    server: tuple[str, ...] = (),
    client: tuple[str, ...] = (),
) -> Iterator[Source]:
    """Serve `folder`; the logs are in `work`. `server` and `client` start a program on an end of a wire.

    UnavailableError where nginx or openssl is missing.
    """
    if not nginx.program():
        raise UnavailableError(nginx.MISSING)
    work.mkdir()
    certificates = make_certificates(work / "certificates", address)
    plain, secure = nginx.free_port(), nginx.free_port()
    servers = _SERVERS.format(
        address=address, plain=plain, secure=secure, certificates=certificates, folder=folder
    )
    with nginx.configured(servers, work, server):
        urls = f"http://{address}:{plain}", f"https://{address}:{secure}"
        yield Source(*urls, certificates, client, address)
