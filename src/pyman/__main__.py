"""The process of the command `pyman`, and of `python -m pyman`: how it begins, and how it ends."""

import gc
import os
import sys
from typing import NoReturn

from pyman.system import stopping

# Objects more than there were, before Python looks for garbage. Nearly all that is made while pyman loads
# stays to the end: looking through it as often as Python does was an eighth of the time an install loads in.
_GARBAGE_LOOKED_FOR = 100_000


def main() -> None:
    """Run the command line and leave with its exit code, also where a signal comes as it begins or ends."""
    try:
        try:
            stopping.listen()
            _run()
        finally:
            stopping.ignore()
    except KeyboardInterrupt:
        _leave(stopping.INTERRUPTED)
    except SystemExit as ending:
        if not isinstance(ending.code, int):
            raise
        _leave(ending.code)
    except Exception:
        if not stopping.exit_code():
            raise
        _leave(stopping.exit_code())


def _run() -> None:
    """Fork the process that reads, before there is more to load, and do what the command line says."""
    from pyman.reading import lanes  # noqa: PLC0415 - ^C while it loads is one like any other

    lanes.begin(sys.argv[1:])
    _take_back_locale()
    gc.set_threshold(_GARBAGE_LOOKED_FOR)
    from pyman import cli  # noqa: PLC0415 - the same

    cli.main()


def _take_back_locale() -> None:
    """Give what pyman starts the user's own LC_CTYPE, which the launcher of a portable pyman tells.

    In the C locale Python has set another, for itself and for all that it starts (PEP 538).
    """
    told = sys._xoptions.get("lc_ctype")  # noqa: SLF001 - there is no public name for them
    if told is True:
        os.environ.pop("LC_CTYPE", None)
    elif told is not None:
        os.environ["LC_CTYPE"] = str(told)


def _leave(code: int) -> NoReturn:
    """End the process. Python would free every object one by one, which is a tenth of a short run."""
    if lanes := sys.modules.get("pyman.reading.lanes"):
        lanes.end()
    if sys.flags.dev_mode:
        sys.exit(code)  # then Python tells what was left open
    for stream in (sys.stdout, sys.stderr):
        if stream:
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
