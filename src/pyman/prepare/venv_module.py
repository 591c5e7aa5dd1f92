"""Virtual environments that are made by `python3.12`, the link in the directory of links.

CPython's venv records the folder of the link as the home of the environment, and looks for its library from
there, where none is: the environment does not start (python/cpython issue 106045,
astral-sh/python-build-standalone issue 380). The prefix of the running interpreter is right, and by a minor
link it goes by the link: with that as its home the environment works, and follows when the link moves.
"""

import re
from pathlib import Path

from pyman.prepare.rewriting import replace

# The same since 3.8; where it is not found the module stays as it is.
_HOME = re.compile(rb"^(?P<indent> +)executable = sys\._base_executable$", re.MULTILINE)


def settle(stdlib: Path, program: str) -> None:
    """Let the module `venv` make environments of the interpreter `program` in `bin`. Raises OSError."""
    path = stdlib / "venv" / "__init__.py"
    if not path.is_file():
        return
    home = f'\\g<indent>executable = os.path.join(sys.base_prefix, "bin", "{program}")  # by pyman'
    before = path.read_bytes()
    after = _HOME.sub(home.encode(), before)
    if after != before:
        replace(path, after)
