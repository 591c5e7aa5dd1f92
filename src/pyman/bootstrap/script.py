"""`install.sh`, with the digest of each portable pyman inside."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from pyman import __version__
from pyman.bootstrap.portables import Order, Portable
from pyman.system.script_parts import assembled

_PLACEHOLDER = "        @PORTABLES@) known 0 0 0 ;;\n"


def write(path: Path, portables: Iterable[Portable], order: Order) -> None:
    """Write the script that installs one of the portables."""
    text = assembled("bootstrap/install.sh")
    text = text.replace("@VERSION@", __version__).replace("@ADDRESS@", order.address)
    path.write_text(text.replace(_PLACEHOLDER, "".join(map(_case, portables))), encoding="utf-8")
    path.chmod(0o755)


def _case(portable: Portable) -> str:
    """What is known of one: its file, digest, and sizes packed and unpacked in bytes."""
    data = portable.path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    return f"        {portable.target}) known {digest} {len(data)} {portable.unpacked} ;;\n"
