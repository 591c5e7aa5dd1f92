"""`python -m pyman` and `pyman`: signals are taken over before what takes its time is loaded."""

import sys

from pyman import stopping


def main() -> None:
    """Run the command line, and leave with its exit code."""
    stopping.listen()
    try:
        from pyman import cli  # noqa: PLC0415 - ^C while it loads is one like any other

        cli.main()
    except KeyboardInterrupt:
        sys.exit(stopping.INTERRUPTED)


if __name__ == "__main__":
    main()
