"""Settings in files: who has the say, what the site fixes, and what is wrong is named with file and line."""

import os
import re
import sys
from pathlib import Path

import pytest
from tests.conftest import Offer, Pyman
from tests.support.builds import Archive, small_archive
from tests.support.imports import loaded, started
from tests.support.server import Server, redirect_to

from pyman.report import manual

MUSL = Archive("3.13.5", "20250708", "linux-aarch64-musl")


@pytest.fixture
def user(pyman: Pyman) -> Path:
    """The user's file, which is not there yet."""
    path = pyman.home / ".config" / "pyman" / "config.toml"
    if sys.platform != "linux":
        pytest.skip("not on this platform: the folder of settings is that of Linux")
    path.parent.mkdir(parents=True)
    return path


@pytest.fixture
def site(pyman: Pyman, tmp_path: Path) -> Path:
    """The site's file, which is not there yet."""
    path = tmp_path / "site" / "config.toml"
    path.parent.mkdir()
    pyman.environment["PYMAN_SITE_CONFIG"] = str(path)
    return path


def values(pyman: Pyman, **env: str) -> dict[str, tuple[object, str, bool]]:
    """Return value, origin and whether it is fixed, of each setting that somebody set."""
    rows = pyman("config", "--json", env=env).json["settings"]
    return {each["name"]: (each["value"], each["origin"], each["fixed"]) for each in rows if each["origin"]}


def test_the_stronger_one_has_the_say(pyman: Pyman, user: Path, site: Path) -> None:
    user.write_text('mirror = "https://user.invalid"\noffline = false\n', encoding="utf-8")
    site.write_text(
        '# ours\nmirror = "https://site.invalid"\noffline = true\ncache-dir = "~/cache"\n'
        'retries = 1\nallowed-hosts = [\n  "b.invalid",\n  "a.invalid",\n]\nrefresh-url = ""\n'
        'refresh = "always"\nfixed = ["refresh"]\n',
        encoding="utf-8",
    )
    address = "https://name:secret@variable.invalid/?sig=secret"
    found = values(pyman, PYMAN_MIRROR=address, PYMAN_REFRESH="never", PYMAN_RETRIES="")
    expected = {
        "mirror": ("https://variable.invalid/", "PYMAN_MIRROR", False),
        "offline": (False, f"{user}, line 2", False),
        "cache-dir": ("~/cache", f"{site}, line 4", False),
        "retries": ("1", f"{site}, line 5", False),
        "allowed-hosts": (["a.invalid", "b.invalid"], f"{site}, line 6", False),
        "refresh": ("always", f"{site}, line 11", True),
    }
    assert {name: found[name] for name in expected} == expected
    shown = pyman("config", env={"PYMAN_MIRROR": address}).stdout
    assert f"{site}, line 11, fixed\n" in shown
    assert "secret" not in shown
    told = pyman("explain", "3.13", "--json").json["settings"]
    (mirror,) = (each for each in told if each["name"] == "mirror")
    assert mirror["value"] == "https://user.invalid"
    assert mirror["passed_over"] == [{"value": "https://site.invalid", "origin": f"{site}, line 2"}]
    assert f"  offline         false ({user}, line 2)\n" in pyman("explain", "3.13").stdout


def test_an_install_heeds_them(offer: Offer, pyman: Pyman, user: Path, site: Path, server: Server) -> None:
    archive = small_archive(server.folder, MUSL)
    offer(archive)
    metadata = Path(pyman.environment.pop("PYMAN_METADATA"))
    store, cache = pyman.root / "elsewhere", pyman.home / "cache"
    user.write_text(
        f'metadata = "{metadata}"\ntarget = "linux-aarch64-musl"\nsystem-home = "{store}"\n', encoding="utf-8"
    )
    site.write_text(f'cache-dir = "~/cache"\nmirror = "{server.url}"\n', encoding="utf-8")
    pyman("install", "3.13", "--no-bin")
    assert pyman.installed() == [archive.key]
    assert [path.name for path in (cache / "archives").iterdir()] == [archive.sha256]
    assert pyman("dir", "--system").stdout == f"{store}\n"


def test_what_is_fixed_stays(offer: Offer, pyman: Pyman, site: Path, server: Server) -> None:
    offer(archive := small_archive(server.folder, MUSL))
    site.write_text(
        f'mirror = "{server.url}"\ntarget = "{MUSL.target}"\nfixed = ["mirror", "offline", "target"]\n',
        encoding="utf-8",
    )
    told = pyman("install", "3.13", "--mirror", "https://other.invalid", code=2).stderr
    assert told.startswith(f"error: --mirror is not allowed: mirror is fixed in {site}, line 1\n")
    assert "--offline is not allowed" in pyman("install", "3.13", "--offline", code=2).stderr
    done = pyman(
        *("install", "3.13", "--no-bin", "--mirror", server.url),
        env={"PYMAN_MIRROR": "/nowhere", "PYMAN_OFFLINE": "1", "PYMAN_TARGET": MUSL.target},
    )
    assert f"offline is fixed in {site}: what PYMAN_OFFLINE says is passed over" in done.stderr
    assert "target is fixed" not in done.stderr
    assert pyman.installed() == [archive.key]


def test_no_variable_undoes_the_file_in_etc(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from pyman.config import layers  # noqa: PLC0415 - its one constant is what is moved

    monkeypatch.setattr(layers, "_ETC", tmp_path)
    given = {"PYMAN_SITE_CONFIG": "/given.toml"}
    assert layers.site_path(given) == Path("/given.toml")
    (tmp_path / "config.toml").touch()
    assert layers.site_path(given) == tmp_path / "config.toml"


def test_connections_go_to_allowed_hosts_alone(
    offer: Offer, pyman: Pyman, site: Path, server: Server
) -> None:
    offer(archive := small_archive(server.folder, MUSL))
    port = server.url.rpartition(":")[2]
    site.write_text(f'\nallowed-hosts = ["127.0.0.1:{port}", "*.allowed.invalid"]\n', encoding="utf-8")
    install = ("install", "3.13", "--no-bin", "--target", MUSL.target)
    server.spoil(archive.file, redirect_to(f"http://localhost:{port}/{archive.path}"), times=1)
    told = pyman(*install, code=1).stderr
    assert "localhost is not one of the allowed hosts" in told
    assert f"allowed-hosts names those that may be connected to ({site}, line 2)" in told
    assert server.count(archive.file) == 1
    told = pyman(*install, code=1, env={"PYMAN_ALLOWED_HOSTS": "example.invalid"}).stderr
    assert "127.0.0.1 is not one of the allowed hosts" in told
    assert "(PYMAN_ALLOWED_HOSTS)" in told
    assert server.count(archive.file) == 1
    pyman(*install)


FAULTY = {
    'mirror = "https://a.invalid"\nretries = "3"\n': (2, "retries should be a whole number, such as 3"),
    "a = 1\n[mirror]\n": (2, "mirror should be a URL, or a path in full"),
    'cache-dir = "cache"\n': (1, "cache-dir should be the path of a folder in full"),
    'note = """\nread-timeout = 1\n"""\nread-timeout = 0\n': (
        4,
        "read-timeout should be a number of seconds",
    ),
    'target = "linux-x87"\n': (1, "target should be a target in quotes"),
    'refresh = "daily"\n': (1, 'refresh should be "auto", "always", "never"'),
    "allowed-hosts = []\n": (1, "allowed-hosts should be a list of one host or more"),
    'offline = "yes"\n': (1, "offline should be true or false"),
    "\nmirror = https://a.invalid\n": (2, "it is no TOML: Invalid value"),
    'mirror = "': (1, "it is no TOML"),
    "# \udcff": (1, "it is not UTF-8"),
}


def test_what_is_wrong_is_named_with_its_line(pyman: Pyman, user: Path, site: Path) -> None:
    for text, (line, what) in FAULTY.items():
        user.write_bytes(os.fsencode(text))
        found = pyman("config", code=1).stderr
        assert f"{user}, line {line}: {what}" in found, text
    assert "it is not UTF-8" in pyman("list", "--only-installed", code=2).stderr
    assert pyman("--version").stderr == ""
    found = pyman("doctor", code=1).stdout
    assert f"settings: {user}, line 1: it is not UTF-8\n" in found
    user.unlink()
    site.write_text('cache_dir = "/x"\nfixed = ["mirorr", "retries"]\nretries = 2\n', encoding="utf-8")
    told = pyman("list", "--only-installed").stderr
    assert (
        f"{site}, line 1: there is no setting cache_dir; it is passed over. Did you mean cache-dir?" in told
    )
    assert f"{site}, line 2: there is no setting mirorr to be fixed" in told
    rows = pyman("config", "--json", code=1).json["settings"]
    assert [(each["name"], each["value"]) for each in rows if each["fixed"]] == [("retries", "2")]


def test_where_there_is_no_file_nothing_is_loaded_for_it(tmp_path: Path) -> None:
    variables = {**os.environ, "PYMAN_HOME": str(tmp_path), "PYMAN_TARGET": "linux-x86_64-gnu"}
    done = started(variables, "-m", "pyman", "list", "--only-available", "3.13")
    assert done.returncode == 0, done.stderr
    assert not loaded(done) & {"tomllib", "pyman.config.config_file"}


def test_every_variable_that_is_a_setting_is_one_in_a_file(pyman: Pyman) -> None:
    told = set(re.findall(r"\bPYMAN_[A-Z_]+\b", manual.source("settings")))
    rows = pyman("config", "--json").json["settings"]
    of_one_run = {"PYMAN_SITE_CONFIG", "PYMAN_FSYNC", "PYMAN_ONE_PROCESS", "PYMAN_DEBUG", "PYMAN_INSTALL_"}
    assert {each["variable"] for each in rows} == told - of_one_run
