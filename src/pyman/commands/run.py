"""`pyman run`."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pyman.cli.configured import environ
from pyman.cli.here import here, missing, project_option, remark
from pyman.cli.networking import handed_on, network_options, refresh_option
from pyman.commands.missing import install_missing
from pyman.discovery.finder import Found, Here, Outcome, find, installed
from pyman.errors import UsageError
from pyman.reading import lanes
from pyman.report import ui
from pyman.requests.request import Request
from pyman.system.execute import CommandError, Python, command_line, environment, execute, is_program

if TYPE_CHECKING:
    from pyman.project.script_file import Script

_SHOWN = 100
# The long options that an interpreter takes.
_OF_PYTHON = {"--check-hash-based-pycs", "--help", "--help-all", "--help-env", "--help-xoptions", "--version"}


@click.command("run", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("words", nargs=-1, metavar="[REQUEST] [--] [COMMAND]...", type=click.UNPROCESSED)
@click.option("-p", "--python", "request", metavar="REQUEST", help="The Python to run with.")
@click.option("--script", "is_script", is_flag=True, help="COMMAND is a Python file, whatever its name.")
@click.option("--no-install", is_flag=True, help="Do not install the Python when it is missing.")
@network_options
@project_option
@refresh_option
@click.option("--dry-run", is_flag=True, help="Only say what would be installed and run.")
@click.option("--quiet", is_flag=True, help="Print no warnings, nor how an install goes.")
@click.pass_context
def command(
    context: click.Context,
    words: tuple[str, ...],
    request: str | None,
    is_script: bool,
    no_install: bool,
    no_project: bool,
    wish: bool | None,
    dry_run: bool,
    quiet: bool,
) -> None:
    """Run a command with a Python version first on PATH.

    COMMAND may be a program, a Python file, or options for the interpreter; without it the interpreter is
    started. The Python is that of --python, or of the first word if that is a request such as 3.12; else the
    one which `pyman find` prints. It is installed if it is missing. The exit code is the command's.

    A Python file gets a version that satisfies the requires-python of its script block. Its first line may be
    `#!/usr/bin/env -S pyman run 3.12` or `#!/usr/bin/env -S pyman run --script`.
    """
    request, words, is_script = _parted(request, words, is_script=is_script)
    script = _script(words, is_script=is_script)
    if script and request is None:
        request = script.request
    options = [*handed_on(), *(["--dry-run"] if dry_run else []), *(["--quiet"] if quiet else [])]
    if wish is not None:
        options.append("--refresh" if wish else "--no-refresh")
    place = here(request, project=not no_project)
    outcome = _outcome(script, request, place)
    found = obtained(outcome, place, options, install=not no_install, dry_run=dry_run)
    if found:
        python = Python(found.path, _minor(found), found.environment)
        line = [str(python.path), *words] if script else command_line(words, python)
        context.exit(_run(line, python, dry_run=dry_run))


def _run(line: Sequence[str], python: Python, *, dry_run: bool) -> int:
    """Become the command; the exit code where it cannot be started, or is only to be named."""
    if dry_run:
        import shlex

        ui.note(f"Would run {shlex.join(line)} with {python.path}")
        return 0
    lanes.end()  # what is started would be its parent
    try:
        return execute(line, environment(python, os.environ))
    except CommandError as error:
        ui.error(error)
        return error.code


def _parted(
    request: str | None, words: tuple[str, ...], *, is_script: bool
) -> tuple[str | None, tuple[str, ...], bool]:
    """The request, the command, and whether that is a script; raises UsageError for an option in between."""
    _refuse_option(words)
    if request is None:
        request, words = _request_first(words)
    if words[:1] == ("--script",):
        is_script, words = True, words[1:]
    _refuse_option(words)
    return request, words[1:] if words[:1] == ("--",) else words, is_script


def _refuse_option(words: tuple[str, ...]) -> None:
    """Raise UsageError for a long option where only pyman's own may be: mistyped or misplaced."""
    first = words[0].partition("=")[0] if words else ""
    if first != "--script" and len(first) > len("--") and first.startswith("--") and first not in _OF_PYTHON:
        raise UsageError(
            f"no such option here: {first}",
            "pyman's options (`pyman run --help` lists them) stand before the request and the command.",
        )


def _request_first(words: tuple[str, ...]) -> tuple[str | None, tuple[str, ...]]:
    """Take the first word as a request if it is one, and neither a file nor a program."""
    if not words or os.access(words[0], os.F_OK) or is_program(words[0]):
        return None, words
    try:
        Request.parse(words[0])
    except UsageError:
        if not words[0].strip():  # a variable that is not set: nothing can be run by that name
            raise
        return None, words
    return words[0], words[1:]


def _script(words: tuple[str, ...], *, is_script: bool) -> "Script | None":
    """The Python file that is to be run, if it is one; a warning where it asks for packages."""
    # It says no where Path.is_file() would raise, to a word that is too long for a name.
    if not words or not os.path.isfile(words[0]):  # noqa: PTH113
        if is_script:
            what = f"there is no file {words[0]}" if words else "--script needs a FILE"
            raise UsageError(what, "A Python file follows --script: `pyman run --script FILE`.")
        return None
    from pyman.project import script_file

    found = script_file.read(Path(words[0])) if is_script else script_file.named(words[0])
    if found and found.dependencies:
        import shlex

        name = shlex.quote(words[0])
        packages = ", ".join(found.dependencies)[:_SHOWN]
        ui.warning(
            f"{found.path}:{found.line} asks for packages ({packages}), and pyman installs none; "
            f"`uv run --script {name}` and `pipx run {name}` do"
        )
    return found


def _outcome(script: "Script | None", text: str | None, place: Here) -> Outcome:
    """What is found for the text, and for what the script says of the Python that it is for."""
    if not script or not script.requirement:
        return find(text, place)
    from pyman.discovery.for_script import find_for

    return find_for(script.requirement, text, place, script.request)


def obtained(
    outcome: Outcome, place: Here, options: list[str], *, install: bool, dry_run: bool = False
) -> Found | None:
    """Return the Python that was found, or install it with these options; PymanError where there is none.

    None where it would be installed, were it not a `dry_run`.
    """
    remark(outcome, quiet="--quiet" in options)
    if outcome.found:
        if outcome.request.full_version:
            from pyman.cli import holes

            holes.mention([outcome.request], place.machine, environ().get("PYMAN_METADATA"))
        return outcome.found
    if not install or outcome.system:
        raise missing(outcome)
    install_missing(outcome, options)
    if dry_run:
        return None
    found = installed(outcome.request, place)
    if not found:
        raise missing(outcome)
    return found


def _minor(found: Found) -> str:
    return f"{found.key.version.major}.{found.key.version.minor}" if found.key else "3"
