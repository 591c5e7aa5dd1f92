"""`pyman update-shell`."""

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from pyman.cli import settings
from pyman.commands.activate import surroundings
from pyman.errors import StoreError, UsageError
from pyman.report import ui
from pyman.shell import ancestors, shells, startup_file, user_path
from pyman.shell.shells import Shell
from pyman.shell.startup_file import StartupFile


@click.command("update-shell")
@click.option(
    "--shell",
    "name",
    type=click.Choice([shell.value for shell in Shell]),
    help="The shell to set up, in place of the one that pyman is run from.",
)
@click.option(
    "--activate/--no-activate",
    "activating",
    default=None,
    help="Let PATH follow the project that you are in as well, or no longer: `pyman activate`.",
)
@click.option("--dry-run", is_flag=True, help="Show what would be written, and write nothing.")
def command(name: str | None, activating: bool | None, dry_run: bool) -> None:
    """Put the directory of links, such as python3.12, on the PATH of your shell.

    Writes a marked block into the files which the shell reads when it starts, and shows it. Run again, it
    changes nothing, unless the directory is another one by then: `pyman dir --bin` prints it. With
    --activate, `python` is the project's in its folder; that stays until it is taken away by --no-activate.
    """
    directory = settings.bin_dir()
    if sys.platform == "win32":
        _refuse_hook(activating=activating)
        _update_registry(directory, dry_run=dry_run)
        return
    shell = Shell(name) if name else ancestors.user_shell(os.environ)
    files = [startup_file.read(path) for path in shells.startup_files(shell, _home(), os.environ)]
    lines = shells.path_lines(shell, directory)
    if any(map(startup_file.has_hook, files)) if activating is None else activating:
        lines += _hook(shell, directory)
    contents = [startup_file.with_block(file, lines) for file in files]
    changes = [(file, new) for file, new in zip(files, contents, strict=True) if file.content != new]
    for file, new in changes:
        _show(file, lines, dry_run=dry_run)
        if not dry_run:
            startup_file.write(file, new)
    if not changes:
        ui.note(f"Nothing to change in {' and '.join(str(file.path) for file in files)}.")
    if not (changes and dry_run):
        _conclude(directory)


def _hook(shell: Shell, directory: Path) -> tuple[str, ...]:
    """The lines that activate; pyman is called by its name where the shell will find it by that."""
    from pyman.shell import activation

    around = surroundings()
    # A login shell begins with the system's own PATH, whatever is on it here.
    if shutil.which("pyman", path=os.pathsep.join([str(directory), "/usr/local/bin", os.defpath])):
        return activation.lines(shell, around, "pyman")
    return activation.lines(shell, around, str(around.program or "pyman"))


def _refuse_hook(*, activating: bool | None) -> None:
    if activating:
        raise UsageError(
            "on Windows pyman writes into no start-up file",
            "Put into $PROFILE: pyman activate powershell | Out-String | Invoke-Expression",
        )


def _update_registry(directory: Path, *, dry_run: bool) -> None:
    """Windows has one PATH for all shells."""
    if not shells.can_stand_on_path(str(directory)):
        raise UsageError(f"{directory} cannot stand on PATH", "Choose another one with PYMAN_BIN_DIR.")
    old = user_path.read()
    new = user_path.with_directory(old.text, str(directory))
    if new == old.text:
        ui.note(f"{directory} is on your PATH.")
        return
    ui.note(f"{'Would put' if dry_run else 'Putting'} {directory} first on your PATH, for all shells.")
    if not dry_run:
        user_path.write(user_path.Value(new, old.type))
        ui.note("Windows that are open keep the old one: open a new one.")


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:
        raise StoreError("cannot find the home directory of this user", "Set HOME.") from None


def _show(file: StartupFile, lines: Sequence[str], *, dry_run: bool) -> None:
    verb = "create" if file.content is None else "change"
    ui.note(f"{f'Would {verb}' if dry_run else f'{verb[:-1].title()}ing'} {file.path}:")
    for line in lines:
        ui.note(f"    {line}")


def _conclude(directory: Path) -> None:
    if str(directory) in os.environ.get("PATH", "").split(os.pathsep):
        ui.note(f"{directory} is on your PATH.")
    else:
        ui.note(f"Open a new shell: {directory} is on its PATH.")
