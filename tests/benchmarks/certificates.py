"""An authority for the time of a run, which vouches for the addresses of the benchmark's own servers."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.releases import UnavailableError

# What a machine trusts already is read by a client as well: what that takes belongs to TLS.
_SYSTEM = Path("/etc/ssl/certs/ca-certificates.crt")
_SIGNS = ("-addext", "keyUsage=critical,keyCertSign")
_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "7")


@dataclass(frozen=True, slots=True)
class Certificates:
    """Files: what a client trusts, and a server's certificate and key."""

    trusted: Path
    certificate: Path
    key: Path

    def environment(self) -> dict[str, str]:
        """Return the variables by which pyman and uv trust the authority as well."""
        return {"SSL_CERT_FILE": str(self.trusted)}


def make_certificates(folder: Path, *addresses: str) -> Certificates:
    """Make them in `folder`; UnavailableError where openssl is missing or too old."""
    if not shutil.which("openssl"):
        raise UnavailableError("openssl is missing")
    folder.mkdir()
    own, authority_key = folder / "authority.pem", folder / "authority.key"
    made = Certificates(folder / "trusted.pem", folder / "server.pem", folder / "server.key")
    names = ",".join(f"IP:{address}" for address in addresses)
    _request("authority", own, authority_key, "basicConstraints=critical,CA:TRUE", *_SIGNS)
    signed = ("-CA", own, "-CAkey", authority_key, "-addext", "basicConstraints=critical,CA:FALSE")
    _request("server", made.certificate, made.key, f"subjectAltName={names}", *signed)
    known = _SYSTEM.read_text(encoding="ascii") if _SYSTEM.exists() else ""
    made.trusted.write_text(known + own.read_text(encoding="ascii"), encoding="ascii")
    return made


def _request(name: str, certificate: Path, key: Path, extension: str, *more: str | Path) -> None:
    subject = ("-subj", f"/CN=pyman benchmark {name}", "-addext", extension)
    files = ("-out", certificate, "-keyout", key)
    command = ("openssl", "req", "-x509", *_KEY, *subject, *files, *more)
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        raise UnavailableError(f"openssl made no certificate: {done.stderr.strip()[-200:]}")
