"""A lock as a POSIX script, which brings its builds without pyman."""

import shlex

from pyman.lockfile.lock import Lock
from pyman.lockfile.tarballs import Tarball, tarballs
from pyman.system.script_parts import assembled

_TEMPLATE = "lockfile/python.sh"
_BUILDS = "@BUILDS@\n"
_KNOWN = "        @KNOWN@/*) known '' '' '' '' z '' 0 '' ;;\n"


def render(lock: Lock) -> tuple[str, list[str]]:
    """Return the script, and why builds are left out of it; PymanError if there is none that can be in it."""
    found, left_out = tarballs(lock)
    text = assembled(_TEMPLATE)
    text = text.replace(_BUILDS, "".join(f"#     {each.locked.key}\n" for each in found))
    return text.replace(_KNOWN, "".join(map(_case, found))), left_out


def _case(tarball: Tarball) -> str:
    locked = tarball.locked
    patterns = " | ".join(shlex.quote(f"{locked.key.target}/{name}") for name in tarball.names)
    facts = (
        str(locked.key),
        tarball.program,
        locked.key.release,
        locked.build.file_name,
        tarball.option,
        locked.build.sha256 or "",
        str(locked.size or 0),
        *tarball.urls,
    )
    return f"        {patterns}) known {shlex.join(facts)} ;;\n"
