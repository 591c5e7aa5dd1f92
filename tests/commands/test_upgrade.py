"""`pyman upgrade`: the newest patch of what is installed, and environments that follow."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.conftest import Offer, Pyman
from tests.support.builds import Archive, small_archive
from tests.support.repack import MINOR
from tests.support.server import Server
from tests.support.stores import lay, link_name

GNU, MUSL = "linux-riscv64-gnu", "linux-aarch64-musl"


def builds(names: str, target: str = GNU) -> list[Archive]:
    """Return the builds named `3.12.9+20250317` or `3.13.2+freethreaded+20250409`."""
    made = []
    for name in names.split():
        version, *variant, release = name.split("+")
        made.append(Archive(version, release, target, "+".join(variant)))
    return made


def published(offer: Offer, *archives: Archive) -> None:
    offer(*(small_archive(offer.server.folder, archive) for archive in archives))


@pytest.mark.skipif(sys.platform == "win32", reason="not on this platform: an environment there is a copy")
def test_environments_follow(pyman: Pyman, real: list[Archive], offer: Offer) -> None:
    old, new = real
    offer(old)
    pyman("install", MINOR)
    minor = pyman.store / link_name(old)
    follower, exact = pyman.root / "follower", pyman.root / "exact"
    make_environment(minor / "bin" / f"python{MINOR}", follower)
    make_environment(pyman.store / old.key / "bin" / f"python{MINOR}", exact)
    assert python_of(follower) == python_of(exact) == old.key
    offer(old, new)
    result = pyman("upgrade")
    assert f"Installed {new.key}" in result.stderr
    assert f"Still there: {old.key}. `pyman prune`" in result.stderr
    assert pyman.installed() == sorted([old.key, new.key])
    assert python_of(follower) == new.key
    assert python_of(exact) == old.key
    assert (pyman.bin / f"python{MINOR}").resolve().is_relative_to(pyman.store / new.key)
    # The old one stays until nothing uses it.
    pyman("prune", "--yes", "--scan", pyman.root)
    assert python_of(exact) == old.key
    (exact / "pyvenv.cfg").unlink()
    pyman("prune", "--yes")
    assert pyman.installed() == [new.key]
    assert python_of(follower) == new.key
    # What is left is the only one the environment has.
    assert str(follower) in pyman("uninstall", MINOR, code=1).stderr


def make_environment(python: Path, folder: Path) -> None:
    subprocess.run(
        [python, "-m", "venv", "--without-pip", folder], env=outside(), check=True, capture_output=True
    )


def python_of(folder: Path) -> str:
    """Run the environment's Python and return the key of the installation that it runs from."""
    code = "import os, sys, json; print(os.path.realpath(json.__file__))"
    done = subprocess.run(
        [folder / "bin" / "python", "-c", code],
        env=outside(),
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    return Path(done.stdout.strip()).parents[3].name


def outside() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


# What is to be installed has a star before it.
@pytest.mark.parametrize(
    ("installed", "offered", "minors"),
    [
        pytest.param("3.12.1+20240107", "*3.12.9+20250317 3.13.2+20250317", "", id="patch"),
        pytest.param("3.12.9+20250317", "*3.12.9+20250409", "", id="build"),
        pytest.param("3.12.1+20240107 3.13.1+20250101", "*3.12.9+20250317 3.13.2+20250317", "3.12", id="one"),
        pytest.param("3.12.1+20240107 3.13.1+20250101", "*3.12.9+20250317 *3.13.2+20250317", "", id="all"),
        pytest.param("3.12.1+20240107 3.12.8+20250101", "3.12.8+20250101 *3.12.9+20250317", "", id="newest"),
        pytest.param(
            "3.13.1+20250101 3.13.1+freethreaded+20250101",
            "3.13.2+20250317 *3.13.2+freethreaded+20250317",
            "3.13t",
            id="freethreaded",
        ),
        pytest.param(
            "3.13.1+20250101 3.13.1+debug+20250101",
            "*3.13.2+20250317 *3.13.2+debug+20250317",
            "3.13",
            id="every-variant",
        ),
        pytest.param("3.13.1+20250101", "3.13.2rc1+20250317 3.13.0+20250317", "", id="nothing"),
    ],
)
def test_what_is_installed(installed: str, offered: str, minors: str, offer: Offer) -> None:
    pyman = offer.pyman
    here = builds(installed)
    lay(pyman.store, *here)
    published(offer, *builds(offered.replace("*", "")))
    pyman("upgrade", *minors.split())
    starred = [name.lstrip("*") for name in offered.split() if name.startswith("*")]
    assert pyman.installed() == sorted(each.key for each in [*here, *builds(" ".join(starred))])
    for archive in builds(" ".join(starred)):
        assert pyman.minor_links()[link_name(archive)] == archive.key


def test_the_target_stays(offer: Offer) -> None:
    pyman = offer.pyman
    (old,) = builds("3.13.5+20250612", MUSL)
    lay(pyman.store, old)
    new = builds("3.13.9+20251014", MUSL)[0]
    published(offer, new, *builds("3.13.10+20251014", GNU))
    pyman("upgrade", "3.13")
    assert pyman.installed() == sorted([old.key, new.key])


def test_static_stays_static(offer: Offer) -> None:
    pyman = offer.pyman
    (old,) = builds("3.13.5+static+20250818", MUSL)
    lay(pyman.store, old)
    new = builds("3.13.9+static+20251014", MUSL)[0]
    published(offer, new, *builds("3.13.10+20251014", MUSL))
    assert f"{old.key} is static and stays so; `pyman install 3.13`" in pyman("upgrade").stderr
    assert pyman.installed() == sorted([old.key, new.key])


def test_dry_run(pyman: Pyman, offer: Offer, server: Server) -> None:
    (old,), (new,) = builds("3.13.5+20250612"), builds("3.13.9+20251014")
    lay(pyman.store, old)
    published(offer, new)
    result = pyman("upgrade", "--dry-run", "--json")
    assert result.stderr == f"Would install {new.key} (now {old.key})\n"
    upgraded = [{"from": old.key, "to": new.key}]
    assert result.json == {"upgraded": upgraded, "failed": [], "current": [], "dry_run": True}
    assert pyman.installed() == [old.key]
    assert not (pyman.store / ".locks").exists()
    assert server.asked == []


def test_json(pyman: Pyman, offer: Offer) -> None:
    here = builds("3.13.5+20250612 3.12.9+20250317")
    lay(pyman.store, *here)
    (new,) = builds("3.13.9+20251014")
    published(offer, new)
    document = pyman("upgrade", "--json", "--quiet").json
    assert document["upgraded"] == [{"from": here[0].key, "to": new.key}]
    assert document["current"] == [here[1].key]


def test_one_that_fails_does_not_stop_the_others(pyman: Pyman, offer: Offer, server: Server) -> None:
    here = builds("3.13.5+20250612 3.12.1+20240107")
    lay(pyman.store, *here)
    lost, new = builds("3.13.9+20251014 3.12.9+20250317")
    published(offer, lost, new)
    (server.folder / lost.path).unlink()
    result = pyman("upgrade", "--json", code=1)
    assert "error: " in result.stderr
    assert [each["from"] for each in result.json["failed"]] == [here[0].key]
    assert [each["to"] for each in result.json["upgraded"]] == [new.key]
    assert pyman.installed() == sorted(each.key for each in [*here, new])
    assert pyman.minor_links()[link_name(lost)] == here[0].key
    assert not pyman.leftovers()


def test_mirror(pyman: Pyman, offer: Offer, server: Server) -> None:
    lay(pyman.store, *builds("3.13.5+20250612"))
    (new,) = builds("3.13.9+20251014")
    published(offer, new)
    metadata = offer.path.read_text(encoding="utf-8").replace(server.url, "https://mirror.invalid")
    offer.path.write_text(metadata, encoding="utf-8")
    pyman("upgrade", "--mirror", server.url)
    assert new.key in pyman.installed()


def test_what_is_not_installed(pyman: Pyman, offer: Offer) -> None:
    lay(pyman.store, *builds("3.13.5+20250612"))
    published(offer, *builds("3.13.9+20251014"))
    lines = pyman("upgrade", "3.13", "3.9", code=1).stderr.splitlines()
    assert lines == [
        "error: nothing installed fits the request: 3.9",
        "hint: `pyman install 3.9` installs it.",
    ]
    assert len(pyman.installed()) == 1


@pytest.mark.parametrize("text", ["3.13.5", "3.15.0rc1", "3.13+20250612", "nonsense"])
def test_what_is_not_a_minor_version(text: str, pyman: Pyman) -> None:
    lay(pyman.store, *builds("3.13.5+20250612"))
    assert "error: " in pyman("upgrade", text, code=2).stderr


def test_nothing_installed(pyman: Pyman) -> None:
    assert pyman("upgrade").stderr == "Nothing is installed.\n"
    assert not pyman.store.exists()


def test_verbose_tells_what_is_current(pyman: Pyman, offer: Offer) -> None:
    (key,) = lay(pyman.store, *builds("3.13.5+20250612"))
    published(offer, *builds("3.13.5+20250612"))
    told = f"Nothing newer than {key}\nEverything is up to date.\n"
    assert pyman("upgrade", "--verbose").stderr == told
