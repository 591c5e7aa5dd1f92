"""Stores and virtual environments laid by hand: nothing is downloaded, nothing in them runs."""

from pathlib import Path

from tests.support.builds import Archive


def lay(store: Path, *archives: Archive, linked: bool = True) -> list[str]:
    """Make installations of three files each in the store, and minor links to the last of their kind.

    Returns the keys.
    """
    for archive in archives:
        minor = archive.version.rpartition(".")[0]
        files = {
            f"bin/python{minor}": "#!/bin/sh\n",
            f"lib/python{minor}/os.py": "x = 1\n",
            ".pyman.json": "{}",
        }
        for name, content in files.items():
            path = store / archive.key / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
            path.chmod(0o755)
        if linked:
            link = store / link_name(archive)
            link.unlink(missing_ok=True)
            link.symlink_to(archive.key)
    return [archive.key for archive in archives]


def link_name(archive: Archive) -> str:
    """Return the name of the minor link: `cpython-3.12-linux-x86_64-gnu`."""
    variant = f"+{archive.variant}" if archive.variant else ""
    return f"cpython-{archive.version.rpartition('.')[0]}{variant}-{archive.target}"


def environment(folder: Path, home: Path, *lines: str) -> Path:
    """Make a virtual environment whose Python is in the folder `home`, and return its folder."""
    (folder / "bin").mkdir(parents=True)
    (folder / "pyvenv.cfg").write_text(
        "\n".join([f"home = {home}", *lines, ""]), encoding="utf-8", errors="surrogateescape"
    )
    python = next(iter(sorted(home.glob("python*"))), home / "python3")
    (folder / "bin" / "python").symlink_to(python)
    return folder


def noted(store: Path, *folders: Path) -> None:
    """Put environments into the index by hand, as it is laid out on disk."""
    index = store / ".environments"
    index.mkdir(exist_ok=True)
    for number, folder in enumerate(folders):
        (index / f"{number:016x}").write_text(str(folder), encoding="utf-8")


def staged(store: Path, archive: Archive) -> None:
    """Lay what dead processes leave: a stage that one of them had, and one that was being deleted."""
    for name in (archive.key, f"{archive.key}~1-2"):
        stage = store / ".staging" / name
        (stage / "new-0123abcd" / "bin").mkdir(parents=True)
        (stage / "new-0123abcd" / "bin" / "python3").touch()
        (stage / "new-0123abcd.made").write_text(archive.key, encoding="utf-8")
