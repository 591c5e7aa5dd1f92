"""What every fuzz target needs: atheris, modules loaded under its eyes, a corpus to begin with."""

import hashlib
import importlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import ModuleType
from typing import NoReturn

Target = Callable[[bytes], None]
_LARGEST = 1 << 16


def fuzz(modules: Sequence[str], seeds: Iterable[bytes], load: Callable[[], Target]) -> int:
    """Fuzz what `load` returns, with the command line's options for libFuzzer; returns the exit code.

    `modules` are loaded first, so that their branches are seen. It is done in a process of its own, for that
    ends without cleaning up.
    """
    with tempfile.TemporaryDirectory() as folder:
        for seed in seeds:
            if len(seed) <= _LARGEST:
                Path(folder, hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)
        child = os.fork()
        if child == 0:
            _fuzz(modules, folder, load)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _fuzz(modules: Sequence[str], seeds: str, load: Callable[[], Target]) -> NoReturn:
    atheris = _atheris()
    with atheris.instrument_imports(include=list(modules)):
        for name in modules:
            importlib.import_module(name)
    options = [each for each in sys.argv[1:] if each.startswith("-")]
    folders = [each for each in sys.argv[1:] if not each.startswith("-")]
    # What is found is written to the first folder; those that follow are only read.
    atheris.Setup([sys.argv[0], f"-max_len={_LARGEST}", *options, *folders, seeds], load())
    atheris.Fuzz()
    sys.exit()


def _atheris() -> ModuleType:
    try:
        return importlib.import_module("atheris")
    except ModuleNotFoundError:
        sys.exit("atheris is missing: pip install atheris")
