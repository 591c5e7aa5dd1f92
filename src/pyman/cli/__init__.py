"""The command line: commands, settings and exit codes. The one place that catches PymanError."""

import importlib
import io
import os
import sys
from typing import TYPE_CHECKING, NoReturn, TextIO

import click

from pyman import __version__
from pyman.errors import PymanError, UsageError
from pyman.report import ui
from pyman.system import stopping

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_COMMANDS = {
    "install": "Download and install Python versions.",
    "list": "List the Python versions that are installed and that can be installed.",
    "find": "Print the path of the Python that would be used.",
    "run": "Run a command with a Python version.",
    "venv": "Make a virtual environment that follows upgrades.",
    "pin": "Show or set the Python version of a project.",
    "lock": "Write down the exact builds of a project, for several targets.",
    "upgrade": "Install the newest patch of what is installed.",
    "refresh": "Bring newer builds without a newer pyman.",
    "outdated": "List what has a newer patch or build, or is no longer maintained.",
    "audit": "Report known vulnerabilities, known-bad builds and ended support.",
    "verify": "Tell what was changed in installed Python versions.",
    "sbom": "Print what an installed Python consists of, as CycloneDX JSON.",
    "bundle": "Put builds into one file, for where there is no network.",
    "uninstall": "Remove installed Python versions.",
    "prune": "Remove superseded installations that nothing uses.",
    "explain": "Tell which build a request gets, and why not the others.",
    "mirror": "Fill, check, add to and serve a mirror for others.",
    "config": "Show every setting, and where it came from.",
    "doctor": "Tell what is wrong with this machine's set-up, and what mends it.",
    "dir": "Print the directory in which Python versions are installed.",
    "shims": "Let `python` be the project's Python where there is no prompt.",
    "update-shell": "Put the directory of links on the PATH of your shell.",
    "activate": "Print what a shell evaluates, so that `python` is the project's.",
    "shell": "Choose the Python of this shell alone.",
    "which": "Print what `python` is here, and why.",
    "self": "Update or remove this pyman itself.",
    "completion": "Print the completion script for a shell.",
    "help": "Show the help of pyman, of a command, or a text on a topic.",
}
_SETTINGS = """\
\b
Settings (environment variables):
  PYMAN_HOME      the store: where Python versions are installed
  PYMAN_SYSTEM_HOME
                  a store that is read as well and never changed
  PYMAN_BIN_DIR   where links such as python3.12 go (~/.local/bin)
  PYMAN_MIRROR    a URL or folder laid out as the release downloads, tried first
  PYMAN_METADATA  a file or URL to use in place of the bundled download metadata
  PYMAN_REFRESH   auto, always or never: whether newer builds are looked for
  PYMAN_REFRESH_URL
                  a URL or file in place of the release index of the build project
  PYMAN_TARGET    the target to install for, in place of this machine's
  PYMAN_NO_PROJECT
                  set to 1, the files of a project do not say which Python is wanted
  PYMAN_AUTO_INSTALL
                  set to 1, what finds a Python for other tools installs a missing one
  PYMAN_OFFLINE   set to 1, no connection is opened
  PYMAN_CACHE_DIR where archives are kept to be installed again; not at all unless set
  PYMAN_RETRIES   how often a source is asked again without progress (3)
  PYMAN_CONNECT_TIMEOUT, PYMAN_READ_TIMEOUT, PYMAN_STALL_TIMEOUT
                  seconds to wait: a connection (10), the next byte (30), 64 KiB (60)
  PYMAN_ALLOWED_HOSTS
                  the only hosts that may be connected to; all unless set
  PYMAN_ALLOW_INSECURE_HOST
                  hosts that may be spoken to by plain http
  PYMAN_FSYNC     set to 0, an install does not wait until all of it is on the disk
  PYMAN_ONE_PROCESS
                  set to 1, an install starts no process that reads for it
  PYMAN_DEBUG     set to 1, an internal error shows where in pyman it happened
What variables set may stand in config.toml as well, the user's or the site's: pyman config
"""
_REPORT = "This is a fault in pyman: please report it, with what PYMAN_DEBUG=1 prints for the same command."


class _Commands(click.Group):
    """Loads a command's module only when it is run; their one-line helps stand above."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command = importlib.import_module(f"pyman.commands.{cmd_name.replace('-', '_')}").command
        if not isinstance(command, click.Command):
            return None
        if not ctx.resilient_parsing:
            return command
        from pyman.cli import complete

        return complete.attach(command)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] in _COMMANDS or ctx.resilient_parsing:
            name, command, words = super().resolve_command(ctx, args)
            if command and any(not word or word.endswith("=") for word in words):
                from pyman.cli.unknown import refuse_empty

                refuse_empty(command, ctx, words)
            return name, command, words
        from pyman.cli.unknown import unknown

        raise unknown(args[0], _COMMANDS)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        from pyman.report import manual

        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))
        with formatter.section("Topics (pyman help TOPIC)"):
            formatter.write_dl(list(manual.TOPICS.items()))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem]":
        from click.shell_completion import CompletionItem

        names = [
            CompletionItem(name, help=text) for name, text in _COMMANDS.items() if name.startswith(incomplete)
        ]
        # Not the group's own, which would load every command for its help.
        return names + click.Command.shell_complete(self, ctx, incomplete)


@click.group(
    cls=_Commands,
    epilog=_SETTINGS,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, "-V", "--version", message="pyman %(version)s")
@click.pass_context
def cli(context: click.Context) -> None:
    """Install and manage Python versions."""
    if context.invoked_subcommand is None:
        ui.data(context.get_help())


def main() -> NoReturn:
    """Run the command line and leave with its exit code (0, 1 failure, 2 wrong usage, 130 stopped)."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        ui.let_bytes_through(sys.stdout)
    sys.exit(_run())


def _run() -> int:
    """Run and return the exit code, also where even an error cannot be printed."""
    try:
        return _outcome()
    except (click.Abort, KeyboardInterrupt):
        return stopping.INTERRUPTED
    except BrokenPipeError:
        # Whoever read us (`pyman list | head`) has enough.
        _drop(sys.stdout)
        return 0
    except OSError as error:
        _drop(sys.stdout)
        _try_to_print(error)
        return 1


def _outcome() -> int:
    """Run, print the error if there is one, and return the exit code."""
    try:
        result = _invoke()
        if sys.stdout:
            sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except PymanError as error:
        ui.error(error)
        return error.exit_code
    except click.UsageError as error:
        ui.error(_usage(error))
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, OSError):
        raise
    except Exception as error:
        if stopping.exit_code() or os.environ.get("PYMAN_DEBUG"):
            raise
        ui.error(PymanError(f"internal error: {type(error).__name__}: {error}", _REPORT))
        return 1


def _invoke() -> object:
    instruction = os.environ.get("_PYMAN_COMPLETE")
    if not instruction:
        return _command()
    from pyman.cli import complete

    return complete.run(cli, instruction)


def _command() -> object:
    """What click's main() does, which would answer a reader that has gone away with exit code 1."""
    try:
        with cli.make_context("pyman", sys.argv[1:]) as context:
            return cli.invoke(context)
    except click.exceptions.Exit as ending:
        return ending.exit_code


def _usage(error: click.UsageError) -> UsageError:
    """What click found wrong with the command line, as pyman says it."""
    text = " ".join(error.format_message().split()).rstrip(".")
    command = error.ctx.command_path if error.ctx else "pyman"
    return UsageError(text[:1].lower() + text[1:], f"`{command} --help` tells what it takes.")


def _try_to_print(error: OSError) -> None:
    where = f": {error.filename}" if error.filename else ""
    problem = PymanError(f"{error.strerror or error}{where}")
    if isinstance(error, FileNotFoundError) and not where:
        problem = _lost() or problem
    try:
        ui.error(problem)
    except OSError:
        _drop(sys.stderr)


def _lost() -> PymanError | None:
    """Return the error for a current folder that is gone, which the system reports without a name."""
    from pyman.system.userdirs import current_dir

    try:
        current_dir()
    except PymanError as error:
        return error
    return None


def _drop(stream: TextIO | None) -> None:
    """Let what is still held back go nowhere: the interpreter must not complain while it exits."""
    if stream:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
