"""The tests reach neither the network nor the real home directory, and a skip can be made a failure."""

import os
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from tests.conftest import REAL_HOME, Pyman
from tests.support.server import Server


def python(code: str) -> subprocess.CompletedProcess[str]:
    """Run `code` in a Python such as the tests start."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def told_of(refused: Path) -> str:
    """Return what the seal noted, and forget it: here it is what was asked for."""
    notes = refused.read_text(encoding="utf-8")
    refused.unlink()
    return notes


@pytest.mark.parametrize(
    ("code", "note"),
    [
        ("import socket; socket.create_connection(('192.0.2.1', 80), timeout=1)", "192.0.2.1"),
        ("import urllib.request; urllib.request.urlopen('http://example.invalid/')", "example.invalid"),
        ("import httpx; httpx.get('http://192.0.2.1/', timeout=1)", "192.0.2.1"),
        (
            "import socket; s = socket.socket(type=socket.SOCK_DGRAM); s.sendto(b'x', ('192.0.2.1', 9))",
            "192.0.2.1",
        ),
    ],
)
def test_network_is_refused(code: str, note: str, refused: Path) -> None:
    done = python(code)
    assert done.returncode == 1
    assert "the tests are sealed" in done.stderr
    assert note in told_of(refused)


def test_loopback_is_open(server: Server) -> None:
    (server.folder / "hello").write_text("hello", encoding="utf-8")
    done = python(f"import urllib.request; print(urllib.request.urlopen('{server.url}/hello').read())")
    assert done.stdout.strip() == "b'hello'", done.stderr


@pytest.mark.parametrize(
    "code",
    [
        "open(home + '/.pyman-test', 'w')",
        "pathlib.Path(home, '.pyman-test').write_bytes(b'')",
        "os.mkdir(home + '/.pyman-test')",
        "os.symlink('x', home + '/.pyman-test')",
        "os.rename(os.devnull, home + '/.pyman-test')",
        "os.open(home + '/.pyman-test', os.O_CREAT | os.O_WRONLY)",
    ],
)
def test_real_home_is_refused(code: str, refused: Path) -> None:
    done = python(f"import os, pathlib; home = {str(REAL_HOME)!r}; {code}")
    assert "the tests are sealed" in done.stderr
    assert ".pyman-test" in told_of(refused)
    assert not (REAL_HOME / ".pyman-test").exists()


def test_home_is_elsewhere() -> None:
    assert Path.home() != REAL_HOME
    assert python("import pathlib; print(pathlib.Path.home())").stdout.strip() == str(Path.home())


def test_no_settings_or_proxies_of_the_user(pyman: Pyman) -> None:
    ours = {"PYMAN_HOME", "PYMAN_BIN_DIR", "PYMAN_REFRESH", "PYMAN_RETRIES"}
    kept = [name for name in pyman.variables() if re.match(r"PYMAN_(?!TEST_)|.*_proxy$", name, re.IGNORECASE)]
    assert set(kept) == ours
    assert not urllib.request.getproxies_environment()


def test_pyman_runs_with_its_own_store(pyman: Pyman) -> None:
    assert pyman("dir").stdout.strip() == str(pyman.store)
    assert pyman("dir", "--bin").stdout.strip() == str(pyman.bin)


@pytest.mark.parametrize(
    ("setting", "reason", "outcome"),
    [
        ("1", "there is no nginx", "1 failed"),
        ("", "there is no nginx", "1 skipped"),
        ("1", "not on this platform: no root", "1 skipped"),
    ],
)
def test_a_skip_is_a_failure_on_request(setting: str, reason: str, outcome: str, tmp_path: Path) -> None:
    test = f"import pytest\ndef test() -> None:\n    pytest.skip({reason!r})\n"
    (tmp_path / "test_skip.py").write_text(test, encoding="utf-8")
    options = ["-p", "no:cacheprovider", "-p", "tests.conftest", "--rootdir", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(tmp_path)],
        env={**os.environ, "PYMAN_TEST_NO_SKIPS": setting},
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome in done.stdout, done.stdout
