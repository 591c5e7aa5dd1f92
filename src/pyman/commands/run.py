"""`pyman run`."""

import os
import shlex
from shutil import which

import click

from pyman.cli import settings
from pyman.cli.configured import environ
from pyman.cli.here import here, missing
from pyman.cli.networking import handed_on, network_options
from pyman.discovery.finder import Found, find, installed
from pyman.errors import UsageError
from pyman.report import ui
from pyman.requests.request import Request
from pyman.requests.spelling import spelled
from pyman.system.execute import CommandError, Python, command_line, environment, execute

# The long options that an interpreter takes.
_OF_PYTHON = {"--check-hash-based-pycs", "--help", "--help-all", "--help-env", "--help-xoptions", "--version"}


@click.command("run", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("words", nargs=-1, metavar="[REQUEST] [--] [COMMAND]...", type=click.UNPROCESSED)
@click.option("-p", "--python", "request", metavar="REQUEST", help="The Python to run with.")
@click.option("--no-install", is_flag=True, help="Do not install the Python when it is missing.")
@network_options
@settings.refresh_option
@click.option("--dry-run", is_flag=True, help="Only say what would be installed and run.")
@click.pass_context
def command(
    context: click.Context,
    words: tuple[str, ...],
    request: str | None,
    no_install: bool,
    wish: bool | None,
    dry_run: bool,
) -> None:
    """Run a command with a Python version first on PATH.

    COMMAND may be a program, a Python file, or options for the interpreter; without it the interpreter is
    started. The Python is that of --python, or of the first word if that is a request such as 3.12; else the
    one which `pyman find` prints. It is installed if it is missing. The exit code is the command's.
    """
    _refuse_option(words)
    if request is None:
        request, words = _request_first(words)
        _refuse_option(words)
    if words[:1] == ("--",):
        words = words[1:]
    options = [*handed_on(), *(["--dry-run"] if dry_run else [])]
    if wish is not None:
        options.append("--refresh" if wish else "--no-refresh")
    found = _python(request, options, install=not no_install, dry_run=dry_run)
    if not found:
        return
    python = Python(found.path, _minor(found), found.environment)
    if dry_run:
        ui.note(f"Would run {shlex.join(command_line(words, python))} with {python.path}")
        return
    try:
        context.exit(execute(command_line(words, python), environment(python, os.environ)))
    except CommandError as error:
        ui.error(error)
        context.exit(error.code)


def _refuse_option(words: tuple[str, ...]) -> None:
    """Raise UsageError for a long option where only pyman's own may be: mistyped or misplaced."""
    first = words[0].partition("=")[0] if words else ""
    if len(first) > len("--") and first.startswith("--") and first not in _OF_PYTHON:
        raise UsageError(
            f"no such option here: {first}",
            "pyman's options (`pyman run --help` lists them) stand before the request and the command.",
        )


def _request_first(words: tuple[str, ...]) -> tuple[str | None, tuple[str, ...]]:
    """Take the first word as a request if it is one, and neither a file nor a program."""
    if not words or os.access(words[0], os.F_OK) or which(words[0]):
        return None, words
    try:
        Request.parse(words[0])
    except UsageError:
        return None, words
    return words[0], words[1:]


def _python(text: str | None, options: list[str], *, install: bool, dry_run: bool) -> Found | None:
    """The Python to run with, installed if it is missing, with these options; PymanError where there is none.

    None where it would be installed, were it not a `dry_run`.
    """
    place = here(text)
    outcome = find(text, place)
    for warning in outcome.warnings:
        ui.warning(warning)
    if outcome.found:
        if outcome.request.full_version:
            from pyman.cli import holes

            holes.mention([outcome.request], place.machine, environ().get("PYMAN_METADATA"))
        return outcome.found
    if not install or outcome.system:
        raise missing(outcome)
    _install(outcome.request, options)
    if dry_run:
        return None
    found = installed(outcome.request, here(text))
    if not found:
        raise missing(outcome)
    return found


def _install(request: Request, options: list[str]) -> None:
    """Install as `pyman install` does, but without links in the user's directory."""
    from pyman.commands.install import command as install

    code = install.main(
        ["--no-bin", *options, spelled(request)], prog_name="pyman install", standalone_mode=False
    )
    if code:
        raise click.exceptions.Exit(code)


def _minor(found: Found) -> str:
    return f"{found.key.version.major}.{found.key.version.minor}" if found.key else "3"
