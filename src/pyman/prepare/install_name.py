"""The name by which programs that embed Python find libpython on macOS: its path, written into it."""

import shutil
import subprocess
from pathlib import Path

from pyman.prepare import macho
from pyman.prepare.rewriting import plain_files

_SIGN_SECONDS = 60


def settle(tree: Path, final: Path) -> None:
    """Let each libpython in `tree` say that it is in `final`. Raises OSError.

    As it is shipped it says `@executable_path/../lib/...`, which is true for the interpreter's own program
    only. Apple's processors run nothing whose signature does not fit: where it cannot be signed anew (not on
    macOS), and where there is no room for the name, the library is left as it was, and that program works.
    """
    for path in plain_files(tree / "lib", "libpython*.dylib"):
        with path.open("rb") as file:
            renaming = macho.renaming(file, f"{final.as_posix()}/lib/{path.name}")
        if renaming and renaming.edits:
            _rename(path, renaming)


def _rename(path: Path, renaming: macho.Renaming) -> None:
    """Work on a copy, which takes the library's place when all is done."""
    codesign = shutil.which("codesign")
    if renaming.signed and not codesign:
        return
    waiting = path.with_name(f".{path.name}.new")
    try:
        shutil.copy2(path, waiting)
        with waiting.open("r+b") as file:
            for offset, data in renaming.edits:
                file.seek(offset)
                file.write(data)
        if not renaming.signed or _sign(str(codesign), waiting):
            waiting.replace(path)
    finally:
        waiting.unlink(missing_ok=True)


def _sign(codesign: str, path: Path) -> bool:
    """Sign ad hoc, as the linker did; tell whether that worked."""
    try:
        done = subprocess.run(  # noqa: S603 - the system's own tool
            [codesign, "--force", "--sign", "-", str(path)],
            check=False,
            input=b"",
            capture_output=True,
            timeout=_SIGN_SECONDS,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0
