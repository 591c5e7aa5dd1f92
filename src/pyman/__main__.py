"""`python -m pyman` and `pyman`: signals are taken over before what takes its time is loaded."""

import gc
import sys

from pyman import stopping

# Nearly all that is made while pyman loads stays to the end. To look through it for cycles as often as Python
# does by default took an eighth of the time in which an install loads.
_BETWEEN_COLLECTIONS = 100_000


def main() -> None:
    """Run the command line, and leave with its exit code."""
    stopping.listen()
    gc.set_threshold(_BETWEEN_COLLECTIONS)
    try:
        from pyman import cli  # noqa: PLC0415 - ^C while it loads is one like any other

        cli.main()
    except KeyboardInterrupt:
        sys.exit(stopping.INTERRUPTED)


if __name__ == "__main__":
    main()
