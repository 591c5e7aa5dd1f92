"""Loaded by a Python that is to find no working flock, as on some network file systems.

`PYMAN_TEST_FLOCK` names the error that the system gives. The seal of the tests is loaded as well.
"""

import errno
import fcntl
import os
import runpy
from pathlib import Path


def _flock(_file: object, _operation: int) -> None:
    number = getattr(errno, os.environ["PYMAN_TEST_FLOCK"])
    raise OSError(number, os.strerror(number))


fcntl.flock = _flock
runpy.run_path(str(Path(__file__).parents[1] / "sealed" / "sitecustomize.py"))
