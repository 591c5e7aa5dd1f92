"""The names in `bin/`: the interpreter's own, and scripts such as pip that start it."""

import re
from pathlib import Path

from pyman.builds.key import Key
from pyman.builds.target import Os
from pyman.prepare.path_spelling import PREFIX
from pyman.prepare.rewriting import plain_files, replace
from pyman.store.installations import Installation, executable_name

_SCRIPT_START = 512  # bytes; where a script names its interpreter
# `#!/install/bin/python3.12`, or what pip writes where that line would be too long for the kernel.
_NAMED = re.compile(
    rb"#!" + PREFIX.encode() + rb"/bin/(?P<name>[\w.-]+)[^\n]*\n"
    rb"|#!/bin/sh\n'''exec' \"?" + PREFIX.encode() + rb"/bin/(?P<quoted>[\w.-]+)\"? \"\$0\" \"\$@\"\n' '''\n"
)
# A shell reads it as far as `exec`; to Python it is a string. readlink without -f, which older macOS lacks.
_LAUNCHER = """\
#!/bin/sh
'''':
self=$0
while [ -h "$self" ]; do
    link=$(readlink "$self")
    case $link in
        /*) self=$link ;;
        *) self=$(dirname "$self")/$link ;;
    esac
done
exec "$(dirname "$self")/{place}{name}" "$0" "$@"
'''
"""


def settle(tree: Path, stdlib: Path | None) -> None:
    """Let scripts that name the build's interpreter find the one beside them instead. Raises OSError.

    They then work from any path, also through a symbolic link to them.
    """
    for path in plain_files(tree / "bin", "*"):
        _settle(path, "")
    if stdlib is not None:
        for path in plain_files(stdlib, "config-*/python-config.py"):
            _settle(path, "../../../bin/")


def _settle(path: Path, place: str) -> None:
    with path.open("rb") as file:
        start = file.read(_SCRIPT_START)
        found = _NAMED.match(start)
        if not found:
            return
        rest = start[found.end() :] + file.read()
    name = (found["name"] or found["quoted"]).decode()
    replace(path, _LAUNCHER.format(place=place, name=name).encode() + rest)


def name_interpreter(tree: Path, key: Key) -> None:
    """Give the interpreter the names it is looked for by, where they are not taken. Raises OSError.

    `python`, `python3`, `python3.13`, and with `t` or `d`; on Windows `python.exe` only: there a virtual
    environment takes over the name that it is made by, and python3.13 is a name in the directory of links.
    """
    if key.target.os is Os.WINDOWS:
        _name_on_windows(tree, key)
        return
    real = Installation(key, tree).executable
    minor = f"python{key.version.major}.{key.version.minor}"
    if not real.exists():
        return  # what is missing the smoke test says
    for name in ("python", "python3", minor, executable_name(key)):
        link = tree / "bin" / name
        if not link.exists() and not link.is_symlink():
            link.symlink_to(real.name)


def _name_on_windows(tree: Path, key: Key) -> None:
    """Builds without the global interpreter lock, and debug ones, have other names."""
    usual = tree / "python.exe"
    series = f"{key.version.major}.{key.version.minor}"
    suffix = "t" if key.variant.freethreaded else ""
    others = (f"python{series}{suffix}.exe", f"python{series}.exe", "python_d.exe", "python3.exe")
    found = next((tree / name for name in others if (tree / name).is_file()), None)
    if found and not usual.exists():
        usual.hardlink_to(found)
