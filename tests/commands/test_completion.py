"""`pyman completion`: the scripts, run by the shells they are for, and what pyman offers when it is asked."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.conftest import ELSEWHERE, Offer, Pyman
from tests.support.builds import Archive
from tests.support.imports import loaded, started
from tests.support.stores import lay
from tests.test_architecture import HEAVY

ARCHIVES = [
    Archive("3.14.1", "20251202", "linux-x86_64-gnu"),
    Archive("3.13.5", "20250612", "linux-x86_64-gnu", variant="freethreaded"),
    Archive("3.13.5", "20250612", "linux-x86_64-gnu"),
    Archive("3.13.4", "20250604", "linux-x86_64-gnu"),
    Archive("3.12.12", "20251202", "linux-aarch64-musl"),
]


@pytest.fixture
def known(offer: Offer) -> Pyman:
    """Pyman with a few builds for its target, one installation, and a home to run shells in."""
    offer(*ARCHIVES)
    offer.pyman.environment["PYMAN_TARGET"] = "linux-x86_64-gnu"
    lay(offer.pyman.store, Archive("3.12.9", "20250317", "linux-x86_64-gnu"), linked=False)
    return offer.pyman


def offered(pyman: Pyman, *words: str) -> list[str]:
    """Ask as bash does for what completes the last of `words`, and return it."""
    variables = {
        "_PYMAN_COMPLETE": "bash_complete",
        "COMP_WORDS": "\n".join(("pyman", *words)),
        "COMP_CWORD": str(len(words)),
    }
    return [line.removeprefix("plain,") for line in pyman(env=variables).stdout.split()]


def in_shell(pyman: Pyman, program: str, code: str) -> list[str]:
    """Run `code` in a shell in which `pyman` is a command, and return the lines that it printed."""
    if sys.platform == "win32":
        pytest.skip(f"{ELSEWHERE}the shells are Unix's")
    if not shutil.which(program):
        pytest.skip(f"{ELSEWHERE}{program} is not installed")
    command = pyman.root / "commands" / "pyman"
    command.parent.mkdir(exist_ok=True)
    command.write_text(f'#!/bin/sh\nexec {shlex.join(pyman.command())} "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    done = subprocess.run(
        [program, "-c", code],
        env=pyman.variables({"PATH": f"{command.parent}{os.pathsep}{os.environ['PATH']}"}),
        cwd=pyman.work,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_bash(known: Pyman) -> None:
    if in_shell(known, "bash", "echo $BASH_VERSINFO") < ["4"]:
        pytest.skip(f"{ELSEWHERE}bash is older than 4.4")
    code = """
        eval "$(pyman completion bash)"
        complete -p pyman
        try() {
            COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
            _pyman_completion pyman
            echo "${COMPREPLY[*]}"
        }
        try pyman un
        try pyman install 3.1
        try pyman install --rei
        try pyman update-shell --shell z
        try pyman update-shell --act
        try pyman activate nu
        try pyman shell 3.1
    """
    registered, *answers = in_shell(known, "bash", code)
    new = ["--activate", "nushell nu", "3.12 3.14 3.13 3.13t"]
    assert registered.endswith("-F _pyman_completion pyman")
    assert answers == ["uninstall", "3.12 3.14 3.13 3.13t", "--reinstall", "zsh", *new]


def test_zsh(known: Pyman) -> None:
    # What the completion system of zsh would be given: it needs a terminal.
    code = """
        compdef() { print registered $2 }
        compadd() { print $completions }
        _describe() { print -l $completions_with_descriptions }
        eval "$(pyman completion zsh)"
        words=(pyman un) CURRENT=2; _pyman_completion
        words=(pyman install 3.13.) CURRENT=3; _pyman_completion
    """
    assert in_shell(known, "zsh", code) == [
        "registered pyman",
        "uninstall:Remove installed Python versions.",
        "3.13.5:can be installed",
        "3.13.5t:can be installed",
        "3.13.4:can be installed",
    ]


def test_fish(known: Pyman) -> None:
    lines = in_shell(
        known,
        "fish",
        "pyman completion fish | source; complete -C 'pyman un'; complete -C 'pyman install 3.13.'",
    )
    assert [line.partition("\t")[0] for line in lines] == ["uninstall", "3.13.4", "3.13.5", "3.13.5t"]


def test_powershell(known: Pyman) -> None:
    code = """
        pyman completion powershell | Out-String | Invoke-Expression
        foreach ($line in 'pyman un', 'pyman install --re') {
            [System.Management.Automation.CommandCompletion]::CompleteInput($line, $line.Length, $null).
                CompletionMatches.CompletionText
        }
    """
    assert in_shell(known, "pwsh", code) == ["uninstall", "--reinstall"]


@pytest.mark.parametrize(
    ("words", "word", "answer"),
    [
        ("pyman", "un", "uninstall\tRemove installed Python versions.\n"),
        ("pyman", "nothing", "\n"),
        ("pyman\nupdate-shell\n'--shell'", "z", "zsh\tzsh\n"),
        ("pyman\ninstall", "3.14.", "3.14.1\tcan be installed\n"),
    ],
)
def test_the_side_of_powershell(words: str, word: str, answer: str, known: Pyman) -> None:
    variables = {"_PYMAN_COMPLETE": "powershell_complete", "COMP_WORDS": words, "COMP_CWORD": word}
    assert known(env=variables).stdout == answer
    script = known("completion", "powershell").stdout
    assert "Register-ArgumentCompleter -Native -CommandName pyman" in script
    assert all(name in script for name in variables)


def test_versions(known: Pyman) -> None:
    assert offered(known, "list", "") == ["3.12", "3.14", "3.13", "3.13t"]
    assert offered(known, "install", "3.13.5", "3.14") == ["3.14"]
    assert offered(known, "install", "cpython-3.14") == [ARCHIVES[0].key]
    assert offered(known, "install", "--target", "linux-aarch64-musl", "3.12.") == ["3.12.9", "3.12.12"]
    # However it is begun.
    assert offered(known, "install", "v3.14") == ["v3.14"]
    assert offered(known, "install", "^3.13.") == ["^3.13.5", "^3.13.5t", "^3.13.4"]
    assert offered(known, "install", ">=3.12") == [">=3.12"]
    assert offered(known, "install", "python3.14") == ["python3.14"]
    assert offered(known, "install", "3.14-") == ["3.14-dev", "3.14-latest"]
    assert offered(known, "install", "l") == ["latest", "linux-x86_64-gnu", "linux-aarch64-musl"]


@pytest.mark.parametrize("command", ["uninstall", "verify"])
def test_offers_what_is_installed(command: str, known: Pyman) -> None:
    assert offered(known, command, "") == ["3.12.9"]
    assert offered(known, command, "cpy") == ["cpython-3.12.9+20250317-linux-x86_64-gnu"]


def test_upgrade_offers_minor_versions(known: Pyman) -> None:
    assert offered(known, "upgrade", "") == ["3.12"]


def test_help_offers_topics_and_commands(known: Pyman) -> None:
    assert offered(known, "help", "re") == ["refresh", "requests"]
    assert offered(known, "help", "se") == ["self", "setup", "settings", "security"]


def test_targets(known: Pyman) -> None:
    assert offered(known, "install", "--target", "") == ["linux-x86_64-gnu", "linux-aarch64-musl"]


def test_errors_offer_nothing_and_are_silent(known: Pyman, tmp_path: Path) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text("{", encoding="utf-8")
    for word in (str(broken), "https://nowhere.invalid/metadata.json", str(tmp_path / "missing")):
        known.environment["PYMAN_METADATA"] = word
        assert offered(known, "list", "3.") == ["3.12"]
    variables = {"_PYMAN_COMPLETE": "bash_complete", "COMP_WORDS": "pyman", "COMP_CWORD": "x"}
    assert known(env=variables, code=1).stderr == ""
    assert known(env={"_PYMAN_COMPLETE": "nushell_complete"}, code=1).stderr == ""


@pytest.mark.parametrize("args", [["nushell"], []])
def test_what_is_supported_is_said(args: list[str], pyman: Pyman) -> None:
    result = pyman("completion", *args, code=2)
    assert all(shell in result.stderr for shell in ("bash", "zsh", "fish", "powershell"))


@pytest.mark.parametrize(
    "variables",
    [{}, {"_PYMAN_COMPLETE": "zsh_complete", "COMP_WORDS": "pyman list 3.1", "COMP_CWORD": "2"}],
    ids=["script", "answer"],
)
def test_it_is_quick(variables: dict[str, str], known: Pyman) -> None:
    environ = {**os.environ, **known.environment, **variables}
    done = started(environ, "-m", "pyman", "completion", "bash")
    assert done.returncode == 0, done.stderr
    assert "click" in loaded(done)
    assert loaded(done) & (HEAVY | {"pyman.commands.install"}) == set()
