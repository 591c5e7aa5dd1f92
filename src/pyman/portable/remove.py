"""Removes the portable pyman, and nothing else."""

import shutil
from pathlib import Path
from tempfile import mkdtemp

from pyman.errors import StoreError
from pyman.portable import place


def remove(root: Path) -> list[Path]:
    """Remove the portable pyman at `root` and the link to it that was made with it; returns what is gone.

    Raises StoreError, with everything as it was, if there is more than pyman in the folder or it cannot be.
    """
    place.check_alone(root)
    command = place.receipt(root).get("command")
    link = Path(str(command)) if command else None
    goes_too = link and place.is_ours(link, root)
    grave = None
    try:
        # Out of sight in one step: half a pyman would be worse than all of it.
        grave = Path(mkdtemp(prefix=".pyman-removed-", dir=root.parent))
        root.rename(grave / root.name)
    except OSError as error:
        if grave:
            grave.rmdir()
        raise StoreError.of("remove", root, error, "Whoever put pyman there can remove it.") from None
    gone = [root]
    if link and goes_too:
        link.unlink(missing_ok=True)
        gone.append(link)
    shutil.rmtree(grave, ignore_errors=True)
    return gone
