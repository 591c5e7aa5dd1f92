"""What starts the portable pyman: a program for Linux, a shell script for macOS, a batch file for Windows.

For Linux it is a program of two kilobytes, since there are images without a shell. It was compiled from
`launcher.c` for each architecture by `python -m pyman.bootstrap.launchers`, which says how.
"""

from pathlib import Path

from pyman.builds.target import Os, Target

_HERE = Path(__file__).parent
_SHELL = """\
#!/bin/sh
# Becomes the interpreter beside this folder, through whatever symbolic links lead here; -I: isolated from the
# user's PYTHON* variables, which are handed on as they are, and so is LC_CTYPE (see launcher.c).
program=$0
while [ -h "$program" ]; do
    link=$(readlink "$program") || exit 127
    case $link in
        /*) program=$link ;;
        *) program=$(dirname "$program")/$link ;;
    esac
done
folder=$(CDPATH='' cd -P "$(dirname "$program")/.." && pwd) || exit 127
exec "$folder/python/bin/python3" -I -X utf8 -X "lc_ctype${LC_CTYPE+=$LC_CTYPE}" -m pyman "$@"
"""
_BATCH = '@"%~dp0..\\python\\python.exe" -I -X utf8 -m pyman %*\r\n'


def put_launcher(folder: Path, target: Target) -> None:
    """Put the launcher for `target` into `folder`, which is made."""
    folder.mkdir(parents=True)
    if target.os is Os.WINDOWS:
        (folder / "pyman.cmd").write_bytes(_BATCH.encode())
        return
    path = folder / "pyman"
    path.write_bytes(_SHELL.encode() if target.os is Os.MACOS else (_HERE / target.arch).read_bytes())
    path.chmod(0o755)
