"""The command line: commands, settings and exit codes. The one place that catches PymanError."""

import importlib
import os
import signal
import sys
from types import FrameType
from typing import NoReturn

import click

from pyman import __version__, ui
from pyman.errors import PymanError

_COMMANDS = {
    "install": "Download and install Python versions.",
    "list": "List the Python versions that are installed and that can be installed.",
    "uninstall": "Remove installed Python versions.",
    "dir": "Print the directory in which Python versions are installed.",
}
_SETTINGS = """\
\b
Settings (environment variables):
  PYMAN_HOME      the store: where Python versions are installed
  PYMAN_BIN_DIR   where links such as python3.12 go (~/.local/bin)
  PYMAN_MIRROR    a URL or folder laid out as the release downloads, tried first
  PYMAN_METADATA  a file or URL to use in place of the bundled download metadata
  PYMAN_TARGET    the target to install for, in place of this machine's
"""
_REPORT = "This is a fault in pyman: please report it, with what PYMAN_DEBUG=1 prints for the same command."
_STOPPED = 130
_TERMINATED = 143


class _Commands(click.Group):
    """Loads a command's module only when it is run; their one-line helps stand above."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        command = importlib.import_module(f"pyman.cli.{cmd_name.replace('-', '_')}").command
        return command if isinstance(command, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(cls=_Commands, epilog=_SETTINGS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", message="pyman %(version)s")
def cli() -> None:
    """Install and manage Python versions."""


def main() -> NoReturn:
    """Run the command line and leave with its exit code (0, 1 failure, 2 wrong usage, 130 stopped)."""
    signal.signal(signal.SIGTERM, _terminate)
    sys.exit(_run())


def _run() -> int:
    try:
        result = cli.main(prog_name="pyman", standalone_mode=False)
        sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except PymanError as error:
        ui.error(error)
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return _STOPPED
    except BrokenPipeError:
        # Whoever read us (`pyman list | head`) has enough; the interpreter must not complain while it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if os.environ.get("PYMAN_DEBUG"):
            raise
        ui.error(PymanError(f"internal error: {type(error).__name__}: {error}", _REPORT))
        return 1


def _terminate(signum: int, frame: FrameType | None) -> NoReturn:
    """Leave through the same clean-up as any other failure."""
    del signum, frame
    raise SystemExit(_TERMINATED)
