"""`pyman doctor`: what is wrong with a machine, and that the commands it names mend it."""

import json
import os
import subprocess
import sys
import time
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

import pytest
from tests.conftest import ELSEWHERE, Offer, Pyman
from tests.support import become
from tests.support.builds import Archive, release_index, small_archive
from tests.support.interpreters import alone, script
from tests.support.repack import MINOR, this_target
from tests.support.server import Server
from tests.support.stores import environment, link_name, noted

from pyman.doctor import metadata_age
from pyman.doctor.finding import Setup

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason=f"{ELSEWHERE}the faults are those of POSIX")
TARGET = this_target()
OLD, NEW = (Archive(version, "20250612", TARGET) for version in ("3.13.4", "3.13.5"))
INSTALL = ("install", "--no-smoke-test", "--target", TARGET)
OTHER = "windows-x86_64-none"


@pytest.fixture
def machine(pyman: Pyman, offer: Offer) -> Pyman:
    """A healthy machine: 3.13 is installed, its links are on PATH, and a refresh has just worked."""
    offer(*(small_archive(offer.server.folder, each) for each in (OLD, NEW)))
    with_itself(pyman)
    pyman(*INSTALL, "3.13")
    refreshed(pyman, time.time())
    offer.pyman.environment["OFFER"] = pyman.environment.pop("PYMAN_METADATA")
    return pyman


def with_itself(pyman: Pyman) -> None:
    """Let `pyman` be a command that is on PATH, beside the links and the programs of the system."""
    script(pyman.bin / "pyman", f'exec {sys.executable} -X dev -W error -m pyman "$@"')
    alone(pyman, pyman.bin, Path("/usr/bin"), Path("/bin"))
    del pyman.environment["PYENV_ROOT"]


def refreshed(pyman: Pyman, when: float) -> None:
    """Let the last refresh have been then, and nobody else's Pythons be known."""
    path = pyman.store / ".metadata" / "refresh.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    rest = {"source": "", "failed": 0, "warned": 0, "basis": "", "answers": {}}
    path.write_text(json.dumps({"format": 1, "refreshed": when, **rest}), encoding="utf-8")


def found(pyman: Pyman, **env: str) -> list[dict[str, str]]:
    told = pyman("doctor", "--json", env=env, code=1).json["findings"]
    assert isinstance(told, list)
    return told


def whats(findings: list[dict[str, str]]) -> list[str]:
    return [f"{each['check']}: {each['what']}" for each in findings]


def mend(pyman: Pyman, findings: list[dict[str, str]], after: str = "", **env: str) -> list[str]:
    """Run the commands in a shell, `pyman doctor` after them, and return what that finds."""
    commands = [each["command"] for each in findings]
    done = subprocess.run(
        ["sh", "-ec", "\n".join([*commands, after, "pyman doctor --json || true"])],
        env=pyman.variables(env),
        cwd=pyman.work,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count('"findings"') == 1
    return whats(json.loads(done.stdout)["findings"])


def everything(pyman: Pyman) -> dict[str, tuple[int, int]]:
    paths = [path for place in (pyman.store, pyman.home, pyman.bin) for path in place.rglob("*")]
    return {str(path): (path.lstat().st_mtime_ns, path.lstat().st_size) for path in paths}


def test_a_healthy_machine(machine: Pyman) -> None:
    before = everything(machine)
    done = machine("doctor")
    assert (done.stdout, done.stderr) == ("", "Nothing is wrong with the set-up of this machine.\n")
    assert machine("doctor", "--json", env={"PYMAN_TEST_NO_SOCKETS": "1"}).json == {"findings": []}
    assert everything(machine) == before, "nothing is changed"


def test_a_machine_on_which_nothing_is_installed(pyman: Pyman) -> None:
    """There are no links that PATH could miss."""
    refreshed(pyman, time.time())
    assert pyman("doctor", "--json").json == {"findings": []}


# Settings, what is found of them, and what mends it; each row is a machine with that fault.
SETTINGS = {
    "PYMAN_RETRIES=many": ("settings: PYMAN_RETRIES is not a number of times: 'many'", "unset PYMAN_RETRIES"),
    "PYMAN_CONNECT_TIMEOUT=-1": (
        "settings: PYMAN_CONNECT_TIMEOUT is not a number",
        "unset PYMAN_CONNECT_TIMEOUT",
    ),
    "PYMAN_REFRESH=daily": ("settings: PYMAN_REFRESH is 'daily'", "unset PYMAN_REFRESH"),
    "PYMAN_SYSTEM_HOME=/nowhere": (
        "settings: PYMAN_SYSTEM_HOME is /nowhere: there is no such",
        "unset PYMAN_SYSTEM_HOME",
    ),
    "PYMAN_CACHE_DIR=~nobody-such/x": ("settings: PYMAN_CACHE_DIR begins with ~", "unset PYMAN_CACHE_DIR"),
    "PYMAN_METADATA=none.json": (
        "settings: PYMAN_METADATA is none.json: there is no such file",
        "unset PYMAN_METADATA",
    ),
    "PYMAN_MIRROR=http://u:secret@host/x": (
        "settings: PYMAN_MIRROR is http://host/x: ",
        "unset PYMAN_MIRROR",
    ),
    "PYMAN_REFRESH_URL=gone": (
        "settings: PYMAN_REFRESH_URL is gone: there is no such",
        "unset PYMAN_REFRESH_URL",
    ),
    "PYMAN_RETRYS=3": (
        "settings: PYMAN_RETRYS means nothing to pyman",
        'export PYMAN_RETRIES="$PYMAN_RETRYS"; unset PYMAN_RETRYS',
    ),
    f"PYMAN_TARGET={OTHER}": (
        f"settings: PYMAN_TARGET is {OTHER}, and this machine is",
        "unset PYMAN_TARGET",
    ),
    "PYMAN_TARGET=nonsense": ("settings: PYMAN_TARGET is nonsense: not a target", "unset PYMAN_TARGET"),
    "PYMAN_OFFLINE=1 PYMAN_REFRESH=always": (
        "settings: PYMAN_OFFLINE is set, and PYMAN_REFRESH is always",
        "unset PYMAN_OFFLINE",
    ),
    "PYMAN_OFFLINE=1 PYMAN_MIRROR=https://host": (
        "settings: PYMAN_OFFLINE is set, and PYMAN_MIRROR is an address",
        "unset PYMAN_OFFLINE",
    ),
    "PYMAN_METADATA=/dev/null PYMAN_REFRESH=always": (
        "settings: PYMAN_METADATA is set, and PYMAN_REFRESH is always",
        "unset PYMAN_REFRESH",
    ),
    "PYMAN_METADATA=/dev/null PYMAN_REFRESH_URL=/dev/null": (
        "settings: PYMAN_METADATA and PYMAN_REFRESH_URL are set",
        "unset PYMAN_REFRESH_URL",
    ),
    "SSL_CERT_FILE=/nowhere.pem": (
        "certificates: SSL_CERT_FILE names /nowhere.pem: there is nothing",
        "unset SSL_CERT_FILE",
    ),
    "REQUESTS_CA_BUNDLE=/dev/null": (
        "certificates: REQUESTS_CA_BUNDLE names /dev/null: no certificates",
        "unset REQUESTS_CA_BUNDLE",
    ),
    "SSL_CERT_DIR=/nowhere:/nor/here": (
        "certificates: SSL_CERT_DIR names /nowhere:/nor/here: there is",
        "unset SSL_CERT_DIR",
    ),
    "HTTPS_PROXY=ftp://u:secret@host": (
        "proxy: HTTPS_PROXY is ftp://host: ftp is no kind",
        "unset HTTPS_PROXY",
    ),
    "ALL_PROXY=socks5://host": (
        "proxy: ALL_PROXY is socks5://host: pyman speaks to no SOCKS",
        "unset ALL_PROXY",
    ),
    "http_proxy=http://host:port": (
        "proxy: http_proxy is http://host:port: it is no address",
        "unset http_proxy",
    ),
    "https_proxy=http://": ("proxy: https_proxy is http://: it names no host", "unset https_proxy"),
    "http_proxy=http://a HTTP_PROXY=http://b": (
        "proxy: http_proxy and HTTP_PROXY name different proxies",
        'export HTTP_PROXY="$http_proxy"',
    ),
}


def together() -> list[dict[str, tuple[str, str]]]:
    """Group the rows so that no variable is in a group twice: one run shows what several rows say."""
    groups: list[dict[str, tuple[str, str]]] = []
    for row, expected in SETTINGS.items():
        names = {word.partition("=")[0].lower() for word in row.split()}
        fitting = (each for each in groups if names.isdisjoint({name.lower() for name in variables(each)}))
        group = next(fitting, None)
        if group is None:
            groups.append({row: expected})
        else:
            group[row] = expected
    return groups


def variables(rows: dict[str, tuple[str, str]]) -> dict[str, str]:
    words = (word.partition("=") for row in rows for word in row.split())
    return {name: value for name, _, value in words}


def test_settings(machine: Pyman) -> None:
    del machine.environment["OFFER"]
    for rows in together():
        env = {"PYMAN_REFRESH": "", "PYMAN_INSTALL_TO": "/opt", "PYMAN_OF_OTHERS": "1", **variables(rows)}
        findings = found(machine, **env)
        for what, command in rows.values():
            told = [each for each in findings if f"{each['check']}: {each['what']}".startswith(what)]
            assert [each["command"] for each in told] == [command], (what, whats(findings))
        assert "secret" not in json.dumps(findings)
        assert mend(machine, findings, **env) == []


def test_the_order_of_path(machine: Pyman) -> None:
    """Another manager's shims first, a program of the same name, and the directory of links twice."""
    own, others = machine.bin, machine.root / "others"
    for name in ("pyenv/shims/python3.9", "rye/shims/python", "conda/bin/python3", "plain/python3.13"):
        script(others / name, "exit 1")
    (others / "conda" / "conda-meta").mkdir()
    first = [others / name for name in ("pyenv/shims", "rye/shims", "conda/bin", "plain")]
    path = os.pathsep.join(map(str, [*first, own, machine.environment["PATH"], own]))
    env = {"PATH": path, "PYENV_ROOT": str(others / "pyenv")}
    findings = found(machine, **env)
    assert whats(findings) == [
        f"path: {others}/pyenv/shims (pyenv's) stands before {own} on PATH",
        f"path: {others}/rye/shims (rye's) stands before {own} on PATH",
        f"path: {others}/conda/bin (conda's) stands before {own} on PATH",
        f"path: {others}/plain stands before {own} on PATH",
        f"path: {own} is 3 times on PATH",
    ]
    assert "python3.9" in findings[0]["why"]
    assert mend(machine, findings[:1], **env) == []


def test_links_that_are_not_on_path(machine: Pyman) -> None:
    env = {"PATH": "/usr/bin:/bin", "SHELL": "/bin/sh"}
    findings = found(machine, **env)
    assert whats(findings) == [f"path: {machine.bin} is not on PATH"]
    assert "python3.13" in findings[0]["why"]
    login = 'exec sh -lc "pyman doctor"'
    told = subprocess.run(
        ["sh", "-ec", f"{machine.bin}/{findings[0]['command']}\n{login}"],
        env=machine.variables(env),
        cwd=machine.work,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert "Nothing is wrong" in told.stderr


def test_what_is_on_the_disk(pyman: Pyman, real: list[Archive], server: Server, tmp_path: Path) -> None:
    """All these faults at once; then each of the commands is run."""
    cache, store, (old, new) = tmp_path / "cache", pyman.store, real
    (tmp_path / "index").write_bytes(release_index(real, server.url))
    pyman.environment |= {"PYMAN_REFRESH_URL": str(tmp_path / "index"), "PYMAN_CACHE_DIR": str(cache)}
    with_itself(pyman)
    pyman("refresh")
    pyman("install", old.key.removesuffix(f"-{TARGET}").removeprefix("cpython-"), new.key)
    assert pyman("doctor").stdout == ""

    unfinished = f"{'1' * 64}.{'2' * 16}.part"
    for name in ("0" * 64, unfinished):
        (cache / "archives" / name).write_text("damaged", encoding="utf-8")
    store.chmod(0o777)
    (store / ".metadata" / "learned.json").write_text("{", encoding="utf-8")
    (store / old.key / ".pyman.json").write_text("{", encoding="utf-8")
    (store / f"cpython-3.9.1+20250612-{TARGET}").mkdir()
    (store / f"cpython-3.8-{TARGET}").symlink_to(f"cpython-3.8.1+20250612-{TARGET}")
    minor, link = store / link_name(new), pyman.bin / f"python{MINOR}"
    for path, target in ((minor, old.key), (link, "/usr/bin/env")):
        path.unlink()
        path.symlink_to(target)
    (pyman.bin / "python3.8").symlink_to(store / f"cpython-3.8-{TARGET}" / "bin" / "python3.8")
    met = environment(tmp_path / "met", tmp_path / "gone", f"version = {new.version}")
    here = environment(pyman.work / ".venv", tmp_path / "gone", f"version = {new.version}")
    noted(store, met, tmp_path / "no more")

    findings = found(pyman)
    assert whats(findings) == [
        f"store: every user of this machine may write to the store {store}",
        f"metadata: {findings[1]['what']}",
        f"store: {store}/cpython-3.9.1+20250612-{TARGET} is no installation: it has no record .pyman.json",
        f"store: {old.key}: its record is damaged",
        f"links: {pyman.bin}/python3.8 leads nowhere: what it points at is gone",
        f"links: {store}/cpython-3.8-{TARGET} leads nowhere: what it points at is gone",
        f"links: {link} is not pyman's: it leads to {os.path.realpath('/usr/bin/env')}",
        f"links: {minor} does not lead to the newest installation, {new.key}",
        f"cache: 2 of the archives in the cache are damaged or were never finished, such as {unfinished}",
        f"environments: the Python of the virtual environment {met} is gone",
        f"environments: the Python of the virtual environment {here} is gone",
    ]
    assert "learned.json" in findings[1]["what"]
    for each in findings[-2:]:
        each["command"] += " --without-pip"  # which takes seconds
    assert mend(pyman, findings, PYTHONPATH="") == []
    assert (store / f"cpython-3.9.1+20250612-{TARGET}.aside").is_dir(), (
        "what is not pyman's is nowhere removed"
    )


def test_what_is_closed(machine: Pyman, tmp_path: Path) -> None:
    store, cache, own = machine.store, tmp_path / "cache", machine.home / ".cache" / "pyman"
    env = {"PYMAN_CACHE_DIR": str(cache)}
    minor = store / link_name(NEW)
    minor.unlink()
    for folder in (minor, cache, own):
        folder.mkdir(parents=True)
    for folder in (store, cache, own):
        folder.chmod(0o555)
    if os.geteuid() == 0:
        machine.prefix = become.without(become.WRITING)
    findings = found(machine, **env)
    assert whats(findings) == [
        f"store: this user may not write to the store {store}",
        f"links: {machine.bin}/python3.13 leads nowhere: what it points at is gone",
        f"links: {minor} has the name of a minor link, and is not pyman's",
        f"cache: this user may not write to the cache {cache}",
        f"cache: this user may not write to the cache {own}",
    ]
    assert mend(machine, findings, **env) == []
    machine.prefix = ()
    elsewhere = {"PYMAN_HOME": "/dev/null/store", "PYMAN_CACHE_DIR": "/dev/null"}
    findings = found(machine, **elsewhere)
    assert [each["command"] for each in findings] == [
        "unset PYMAN_CACHE_DIR", "export PYMAN_HOME='~/.pyman'", "unset PYMAN_CACHE_DIR",
    ]  # fmt: skip


def test_places_that_cannot_be(machine: Pyman, tmp_path: Path) -> None:
    """A store in which nobody can replace what another made, links in the store, a cache of gigabytes."""
    store, archives = machine.store, tmp_path / "cache" / "archives"
    archives.mkdir(parents=True)
    with (archives / ("a" * 64)).open("wb") as file:
        file.truncate(6_000_000_000)
    store.chmod(0o1777)
    env = {"PYMAN_CACHE_DIR": str(archives.parent), "PYMAN_BIN_DIR": str(store / "bin")}
    findings = found(machine, **env)
    told = {each["command"]: each["what"] for each in findings}
    assert list(told) == [
        "unset PYMAN_BIN_DIR",
        f"chmod o-w {store}",
        f"export PYMAN_HOME={store}/pyman",
        "pyman prune --cache --max-size 2GB --yes",
    ]
    assert "is sticky" in told[f"export PYMAN_HOME={store}/pyman"]
    assert "6.0 GB" in told["pyman prune --cache --max-size 2GB --yes"]


def test_metadata_that_are_old(pyman: Pyman, monkeypatch: pytest.MonkeyPatch) -> None:
    class Later(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Later":
            return cls.fromtimestamp(time.time(), tz) + timedelta(days=31)

    refreshed(pyman, time.time())
    setup = Setup(pyman.variables({"PYMAN_OFFLINE": "1"}), frozenset())
    assert list(metadata_age.old(setup)) == []
    monkeypatch.setattr(metadata_age, "datetime", Later)
    (finding,) = metadata_age.old(setup)
    assert finding.what.endswith(", 31 days ago")
    assert finding.command == "env -u PYMAN_OFFLINE pyman refresh"
