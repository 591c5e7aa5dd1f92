"""Scripts that say which Python they are for: by their block (PEP 723), and by their first line."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.conftest import ELSEWHERE, Offer, Pyman
from tests.support.builds import Archive
from tests.support.interpreters import TARGET, alone, script, unpack_others

from pyman.errors import UsageError
from pyman.project import script_file

WHO = "import sys; print(*sys.version_info[:2], *sys.argv)"
on_linux = pytest.mark.skipif(sys.platform != "linux", reason=f"{ELSEWHERE}the interpreters are for Linux")


def with_block(path: Path, *lines: str, first: str = "") -> Path:
    block = "".join(f"# {line}\n" if line else "#\n" for line in ("/// script", *lines, "///"))
    path.write_text(f"{first}{block}{WHO}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.fixture
def runner(pyman: Pyman, fixtures: Path, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Pyman:
    """A pyman with a 3.12 and a 3.13 to run with, none of its own, which is a command on PATH."""
    pyenv = unpack_others(fixtures, tmp_path_factory.getbasetemp())
    command = script(tmp_path / "commands" / "pyman", f'exec {shlex.join(pyman.command())} "$@"')
    alone(pyman, command.parent, Path("/usr/bin"), Path("/bin"), pyenv=pyenv)
    pyman.environment["PYTHONPATH"] = ""  # what is run is outside of the seal
    return pyman


@on_linux
def test_the_first_line_starts_it_once(runner: Pyman) -> None:
    for name, first, version in (
        ("one", "#!/usr/bin/env -S pyman run 3.12\n", "3 12"),
        ("three.py", "#!/usr/bin/env -S pyman run --script\n", "3 13"),
        ("four", "#!/usr/bin/env -S pyman run 3 --script\n", "3 13"),
    ):
        path = with_block(runner.work / name, 'requires-python = ">=3.12"', first=first)
        done = subprocess.run(
            [path, "-x", "--script"],
            env=runner.variables(),
            capture_output=True,
            encoding="utf-8",
            check=True,
        )
        assert (done.stdout, done.stderr) == (f"{version} {path} -x --script\n", "")
    # As a command of pyman's, also of a name without a slash, and with another Python.
    assert runner("run", "one").stdout == "3 12 one\n"
    assert runner("run", "3.13", "--", "./one", "a").stdout == "3 13 ./one a\n"
    assert runner("run", "3.12", "--script", "./four", "-c").stdout == "3 12 ./four -c\n"
    assert "env -S pyman run 3.12`" in runner("run 3.12", "./one", code=2).stderr


@on_linux
def test_its_block_counts(runner: Pyman, offer: Offer) -> None:
    offer(Archive("3.14.0", "20260101", TARGET))
    runner.environment["PYMAN_TARGET"] = TARGET
    path = with_block(runner.work / "script.py", 'requires-python = ">=3.12,<3.13"')
    assert runner("run", "script.py", "--x").stdout == "3 12 script.py --x\n"
    assert runner("run", "3", "script.py").stdout == "3 12 script.py\n"
    error, hint = runner("run", "3.13", "script.py", code=1).stderr.splitlines()
    assert error == "error: 3.13 does not satisfy requires-python of script.py: >=3.12,<3.13"
    assert "`pyman run script.py`" in hint
    # What the project asks for counts where it satisfies it.
    pin = runner.work / ".python-version"
    pin.write_text("3.12\n", encoding="utf-8")
    with_block(path, 'requires-python = ">=3.12"', 'dependencies = ["rich", "httpx>=0.28"]')
    told = runner("run", "script.py")
    assert told.stdout == "3 12 script.py\n"
    assert "script.py:3 asks for packages (rich, httpx>=0.28), and pyman installs none" in told.stderr
    assert "`uv run --script script.py`" in told.stderr
    with_block(path, "", 'requires-python = ">=3.13"')
    assert runner("run", "script.py").stdout == "3 13 script.py\n"
    # What is missing is installed.
    with_block(path, 'requires-python = ">=3.14"')
    assert "Would install cpython-3.14.0" in runner("run", "--dry-run", "script.py").stderr
    assert "(script.py asks for it)" in runner("run", "--no-install", "script.py", code=1).stderr
    # Where its first line contradicts the block, the hint is no way back to the same error.
    with_block(
        runner.work / "s", 'requires-python = ">=3.12,<3.13"', first="#!/usr/bin/env -S pyman run 3.13\n"
    )
    error, hint = runner("run", "s", code=1).stderr.splitlines()
    assert error == "error: 3.13 does not satisfy requires-python of s: >=3.12,<3.13"
    assert runner(*shlex.split(hint.split("`")[1])[1:]).stdout == "3 12 s\n"
    python = runner("find", "3.12").stdout.strip()
    assert "3.12.1 does not satisfy" in runner("run", "-p", python, "script.py", code=1).stderr
    with_block(path, "requires-python = ")
    assert "error: cannot read script.py:2: " in runner("run", "script.py", code=2).stderr


BROKEN = [
    ("# /// script\n# requires-python = '>=3.11'\nimport os\n# ///", 1, "has no end"),
    ("x\n# /// script", 2, "has no end"),
    ("# /// script\n#requires-python = '>=3.11'\n# ///", 1, "has no end"),
    ("# /// script\n# a = 1\n# b = [\n# ///", 3, "cannot read"),
    ("\n\n# /// script\n#\n# a = = 1\n# ///", 5, "Invalid value"),
    ("# /// script\n# requires-python = '3.11'\n# ///", 2, "has no operator"),
    ("# /// script\n#\n# requires-python = 'new'\n# ///", 3, "not a Python request"),
    ("# /// script\n# requires-python = 3.11\n# ///", 2, "is not a text"),
    ("# /// script\n# dependencies = 'rich'\n# ///", 2, "is not a list"),
    ("# /// script\n# dependencies = [1]\n# ///", 2, "is not a list"),
    ("# /// script\n# ///\nx\n# /// script\n# ///", 4, "a second script block"),
    ("# /// script\n# a = " + "[" * 100_000 + "\n# ///", 2, "nested too deeply"),
    ("# /// script\n# a = '\udcff'\0\n# ///", 2, "cannot read"),
]


@pytest.mark.parametrize(("text", "line", "why"), BROKEN)
def test_a_broken_block_is_an_error_with_its_line(text: str, line: int, why: str, tmp_path: Path) -> None:
    path = tmp_path / "script.py"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(UsageError) as caught:
        script_file.read(path)
    assert f"{path}:{line}: " in caught.value.message
    assert why in caught.value.message


@pytest.mark.parametrize(
    "text",
    [
        "# /// script\r\n# requires-python = '>=3.11'\r\n# ///\r\n",
        "\ufeff# /// script\n# requires-python = '>=3.11'\n# ///",
        "print()\n\n# /// script  \n#\n# requires-python = '>=3.11' # why\n# [tool.uv]\n# ///\n# more",
        "# /// other\n# x\n# ///\n# /// script\n# requires-python = '>=3.11'\n# ///\n",
    ],
)
def test_a_block_is_read_wherever_it_stands(text: str, tmp_path: Path) -> None:
    path = tmp_path / "script.py"
    path.write_bytes(text.encode())
    found = script_file.read(path)
    assert found.requirement
    assert found.requirement.text == ">=3.11"


@pytest.mark.parametrize(
    ("first", "request_text"),
    [
        ("#!/usr/bin/env -S pyman run 3.12", "3.12"),
        ("#!/usr/bin/env -S pyman run --python '>=3.11' --quiet", ">=3.11"),
        ("#!/usr/bin/env -S pyman.pyz run -p 3.12 --script", "3.12"),
        ("#!/opt/bin/pyman run pypy@3.11", "pypy@3.11"),
        ("#!/usr/bin/env -S python3 -m pyman run --python=3.12", "3.12"),
        ("#!/usr/bin/env -S pyman run --script", None),
        ("#!/usr/bin/env -S pyman run '", None),
    ],
)
def test_what_its_first_line_asks_for(first: str, request_text: str | None, tmp_path: Path) -> None:
    path = tmp_path / "command"
    path.write_text(f"{first}\n", encoding="utf-8")
    found = script_file.named(str(path))
    assert found
    assert found.request == request_text


@pytest.mark.parametrize(
    "first", ["#!/usr/bin/env python3", "#!/bin/sh", "pyman run 3.12", "#!/bin/notpyman run"]
)
def test_other_programs_are_no_scripts(first: str, tmp_path: Path) -> None:
    path = tmp_path / "command"
    path.write_text(f"{first}\n# /// script\n", encoding="utf-8")
    assert script_file.named(str(path)) is None
    os.mkfifo(tmp_path / "pipe.py")
    assert script_file.named(str(tmp_path / "pipe.py")) is None


@given(
    st.lists(
        st.sampled_from(
            ["# /// script", "# ///", "#", "# a = 1", "# x", "# requires-python = '>=3'", "y", ""]
        )
    )
    | st.lists(st.text())
)
def test_any_script_is_read_or_an_error(lines: list[str]) -> None:
    path = Path(os.environ["HOME"]) / "any.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("\n".join(lines).encode("utf-8", "surrogatepass"))
    try:
        script_file.read(path)
    except UsageError as error:
        problem = error
    else:
        return
    assert f"{path}:" in problem.message
