"""Empty text, which is what a variable that is not set leaves of an option's value: it is no value."""

import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from tests.conftest import Pyman
from tests.support.builds import Archive
from tests.support.stores import lay

from pyman.cli import cli
from pyman.cli.configured import is_setting
from pyman.errors import UsageError

REFUSED = "hint: Is a variable not set? Give it a value, or leave it out.\n"


def commands(command: click.Command, *words: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield each command there is, with the words that name it."""
    context = click.Context(command)
    if not isinstance(command, click.Group):
        if not command.hidden:
            yield words, command
        return
    for name in command.list_commands(context):
        inner = command.get_command(context, name)
        assert inner
        yield from commands(inner, *words, name)


def cases() -> Iterator[tuple[list[str], str]]:
    """Yield each command line that gives something as empty text, and what is said of it."""
    for words, command in commands(cli):
        before: list[str] = []
        for each in command.params:
            if isinstance(each, click.Argument):
                name = each.human_readable_name.strip("[].")
                if name == "REQUEST":
                    yield [*words, *before, ""], "an empty request names no Python"
                elif each.type is not click.UNPROCESSED and words != ("venv",):  # which has a test of its own
                    yield [*words, *before, ""], f"{name} is empty"
                before.append("x")
            elif isinstance(each, click.Option) and not (each.is_flag or is_setting(each)):
                asks = each.metavar == "REQUEST"
                said = "an empty request names no Python" if asks else f"{max(each.opts, key=len)} is empty"
                yield [*words, f"{max(each.opts, key=len)}="], said
                yield from (([*words, opt, ""], said) for opt in each.opts)


def test_what_is_empty_is_refused_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = list(cases())
    assert len(found) > 100
    for words, said in found:
        with pytest.raises(UsageError) as refused, cli.make_context("pyman", list(words)) as context:
            cli.invoke(context)
        assert refused.value.message == said, words
        assert refused.value.hint
    assert list(tmp_path.iterdir()) == []


def test_a_variable_that_is_not_set(pyman: Pyman) -> None:
    for line in ("mirror sync DIR 3.13", "install 3.13 --sha256 HEX", "bundle -qo FILE"):
        words = ["" if word.isupper() else word for word in line.split()]
        result = pyman(*words, code=2)
        assert result.stdout == ""
        assert result.stderr.endswith(f" is empty\n{REFUSED}")
    assert list(pyman.work.iterdir()) == []
    assert "dry_run" in pyman("prune", "--dry-run", "--json", "--metadata", "").stdout  # a setting: none
    if sys.platform != "win32":
        lay(pyman.store, Archive("3.12.1", "20240107", "linux-x86_64-gnu"))
        pyman("run", "--no-install", "3.12", "sh", "-c", 'test "$1" = "" && test $# = 2', "sh", "", "--x=")
