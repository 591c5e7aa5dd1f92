"""A current folder that is gone: what needs it says so by name, what does not works."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from tests.conftest import ELSEWHERE, Pyman, Result, checked
from tests.support.builds import Archive
from tests.support.repack import this_target
from tests.support.stores import lay

BUILD = Archive("3.13.5", "20250612", this_target())
GONE = "error: the current folder is gone, somebody has removed it"
HINT = "hint: Change to one that exists"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason=ELSEWHERE + "what is in use stays on Windows")


def lost(pyman: Pyman, words: str, code: int, **env: str) -> Result:
    """Run pyman in a folder that is gone."""
    line = f'mkdir gone && cd gone && rmdir ../gone && exec {shlex.join(pyman.command())} "$@"'
    done = subprocess.run(
        ["sh", "-c", line, "sh", *words.split()],
        env=pyman.variables(env),
        cwd=pyman.work,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    return checked(Result(done.stdout, done.stderr, done.returncode), code)


@pytest.fixture
def laid(pyman: Pyman) -> Pyman:
    lay(pyman.store, BUILD)
    return pyman


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("--version", 0),
        ("help list", 0),
        ("completion bash", 0),
        ("dir", 0),
        ("list --only-installed", 0),
        ("list --only-available 3.13", 0),
        ("find 3.13", 0),
        ("run 3.13 -V", 0),
        ("install 3.13.5", 0),
        ("explain 3.13", 0),
        ("verify", 1),  # what was laid by hand has no list of files
        ("outdated --offline", 1),
        ("audit", 1),
        ("prune --yes", 0),
        ("update-shell --dry-run", 0),
        ("pin --global 3.13", 0),
        ("uninstall --all", 0),
    ],
)
def test_what_does_not_need_it_works(words: str, code: int, laid: Pyman) -> None:
    told = lost(laid, words, code)
    assert "current folder" not in told.stderr


@pytest.mark.parametrize(
    "words", ["find", "run -- python -V", "pin", "pin 3.13", "pin --rm", "install", "find ./x", "find x/y"]
)
def test_what_needs_it_says_so(words: str, laid: Pyman) -> None:
    told = lost(laid, words, 1)
    assert told.stdout == ""
    assert told.stderr.startswith(GONE)
    assert HINT in told.stderr


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        *(
            ("PYMAN_HOME", words)
            for words in (
                "list",
                "find 3.13",
                "run 3.13 -V",
                "install 3.13",
                "uninstall 3.13",
                "prune --yes",
                "upgrade",
                "verify",
                "dir",
                "audit",
                "outdated",
                "explain 3.13",
                "pin --global 3.13",
            )
        ),
        ("PYMAN_BIN_DIR", "install 3.13.5"),
        ("PYMAN_SYSTEM_HOME", "list"),
        ("PYMAN_CACHE_DIR", "install --reinstall 3.13.5"),
        ("PYMAN_MIRROR", "install --reinstall 3.13.5"),
        ("PYMAN_METADATA", "list"),
    ],
)
def test_a_setting_that_is_told_from_it(setting: str, words: str, laid: Pyman) -> None:
    told = lost(laid, words, 1, **{setting: "some/where"})
    assert GONE in told.stderr
    assert "some/where is told from it" in told.stderr
    assert HINT in told.stderr
    assert not Path(laid.work, "some").exists()
