"""`pyman install`: what it does when all goes well."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.conftest import Offer, Pyman
from tests.support.builds import Archive, own_form, small_archive, uv_form
from tests.support.repack import MINOR, this_version
from tests.support.server import Server, not_found, redirect_to, slow, without_ranges

FOREIGN = "linux-riscv64-gnu"
SMALL = [Archive(version, "20250612", FOREIGN) for version in ("3.13.5", "3.12.11", "3.11.13")]


@pytest.fixture
def small(server: Server) -> list[Archive]:
    """Builds of three versions for a target which is not this machine's."""
    return [small_archive(server.folder, archive, 100_000) for archive in SMALL]


def linked(pyman: Pyman) -> Path:
    """Return the link in the bin directory to the Python that the tests run on."""
    return pyman.bin / (f"python{MINOR}.cmd" if sys.platform == "win32" else f"python{MINOR}")


def prefix_of(python: Path) -> Path:
    """Run a Python outside the seal and return its prefix."""
    outside = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    code = "import sys, zlib, json; print(sys.prefix)"
    done = subprocess.run(
        [str(python), "-c", code], env=outside, capture_output=True, encoding="utf-8", check=True
    )
    return Path(done.stdout.strip())


@pytest.mark.parametrize("index", [0, 1], ids=["tar.gz", "tar.zst"])
def test_installs_a_python_that_runs(
    index: int, pyman: Pyman, real: list[Archive], server: Server, offer: Offer
) -> None:
    archive = real[index]
    offer(archive)
    result = pyman("install", MINOR)
    assert result.stdout == ""
    size = (server.folder / archive.path).stat().st_size / 1e6
    assert f"Downloading {archive.key} ({size:.1f} MB)" in result.stderr
    assert re.search(rf"^Installed {re.escape(archive.key)} in \d+\.\d s$", result.stderr, re.MULTILINE)
    assert pyman.installed() == [archive.key]
    assert pyman.minor_links() == {f"cpython-{MINOR}-{archive.target}": archive.key}
    assert prefix_of(linked(pyman)).resolve() == (pyman.store / archive.key).resolve()
    assert not pyman.leftovers()
    assert server.count(archive.file) == 1


def test_the_tree_has_no_wrapping(pyman: Pyman, real: list[Archive], offer: Offer) -> None:
    offer(*real)
    pyman("install", MINOR, f"{this_version()}+{real[0].release}")
    names = [{entry.name for entry in (pyman.store / archive.key).iterdir()} for archive in real]
    assert names[0] == names[1]
    assert not names[0] & {"python", "install", "PYTHON.json"}


def test_record(pyman: Pyman, small: list[Archive], server: Server, offer: Offer) -> None:
    offer(*small)
    pyman("install", "3.13", "--target", FOREIGN)
    record = json.loads((pyman.store / small[0].key / ".pyman.json").read_text(encoding="utf-8"))
    assert record["key"] == small[0].key
    assert record["sha256"] == small[0].sha256
    assert record["url"].startswith(server.url)


def test_several_at_once(pyman: Pyman, small: list[Archive], server: Server, offer: Offer) -> None:
    offer(*small)
    result = pyman("install", "3.11", "3.12", "3.13", "3.13.5", "--target", FOREIGN)
    assert pyman.installed() == sorted(archive.key for archive in small)
    assert [server.count(archive.file) for archive in small] == [1, 1, 1]
    assert result.stderr.count("Installed ") == 3


def test_already_installed_needs_no_network(
    pyman: Pyman, small: list[Archive], server: Server, offer: Offer
) -> None:
    offer(*small)
    pyman("install", "3.13", "--target", FOREIGN)
    server.asked.clear()
    result = pyman("install", "3.13", "--target", FOREIGN)
    assert f"Already installed: {small[0].key}" in result.stderr
    assert server.asked == []


def test_reinstall(pyman: Pyman, small: list[Archive], server: Server, offer: Offer) -> None:
    offer(*small)
    pyman("install", "3.13", "--target", FOREIGN)
    module = pyman.store / small[0].key / "lib" / "python3.13" / "os.py"
    module.write_text("broken", encoding="utf-8")
    pyman("install", "--reinstall", "3.13", "--target", FOREIGN)
    assert "broken" not in module.read_text(encoding="utf-8")
    assert server.count(small[0].file) == 2
    assert not pyman.leftovers()


def test_newer_release_moves_the_links(pyman: Pyman, real: list[Archive], offer: Offer) -> None:
    older, newer = real
    offer(*real)
    pyman("install", f"{this_version()}+{older.release}")
    assert prefix_of(linked(pyman)).resolve().name == older.key
    pyman("install", f"{this_version()}+{newer.release}")
    assert pyman.installed() == sorted([older.key, newer.key])
    assert prefix_of(linked(pyman)).resolve().name == newer.key


def test_older_release_does_not_move_them_back(pyman: Pyman, real: list[Archive], offer: Offer) -> None:
    older, newer = real
    offer(*real)
    pyman("install", MINOR)
    pyman("install", f"{this_version()}+{older.release}")
    assert prefix_of(linked(pyman)).resolve().name == newer.key


@pytest.mark.parametrize("form", [own_form, uv_form])
@pytest.mark.parametrize("place", ["file", "url"])
def test_metadata_forms(
    form: Callable[[list[Archive], str], bytes],
    place: str,
    pyman: Pyman,
    small: list[Archive],
    server: Server,
) -> None:
    path = server.folder / "downloads.json"
    path.write_bytes(form(small, server.url))
    where = f"{server.url}/downloads.json" if place == "url" else os.path.relpath(path, pyman.work)
    pyman("install", "3.12", "--target", FOREIGN, "--metadata", where)
    assert pyman.installed() == [small[1].key]


@pytest.mark.parametrize("kind", ["url", "url/", "folder", "file-url", "variable"])
def test_mirror(kind: str, small: list[Archive], offer: Offer) -> None:
    server = offer.server
    offer(*small)
    metadata = json.loads(offer.path.read_text(encoding="utf-8"))
    offer.path.write_text(json.dumps(metadata | {"origin": f"{server.url}/origin"}), encoding="utf-8")
    mirrors = {
        "url": server.url,
        "url/": f"{server.url}/",
        "folder": str(server.folder),
        "file-url": server.folder.as_uri(),
    }
    options = ["--mirror", mirrors[kind]] if kind in mirrors else []
    variables = {} if kind in mirrors else {"PYMAN_MIRROR": server.url}
    offer.pyman("install", "3.12", "--target", FOREIGN, *options, env=variables)
    assert offer.pyman.installed() == [small[1].key]
    assert [asked.path for asked in server.asked if "/origin/" in asked.path] == []


def test_what_the_mirror_lacks_comes_from_the_origin(
    pyman: Pyman, small: list[Archive], server: Server, offer: Offer
) -> None:
    offer(*small)
    result = pyman("install", "3.12", "--target", FOREIGN, "--mirror", f"{server.url}/mirror")
    assert "warning: " in result.stderr
    assert "404" in result.stderr
    assert pyman.installed() == [small[1].key]


def test_a_mirror_that_the_metadata_name_as_well_is_asked_once(small: list[Archive], offer: Offer) -> None:
    """However it is spelled: with `+` for `%2B`, in capitals, with a slash too many at its end."""
    offer(*small)
    server, file = offer.server, small[1].file
    server.spoil(file, not_found)
    mirror = server.url.replace("http", "HTTP") + "/"
    told = offer.pyman("install", "3.12", "--target", FOREIGN, "--mirror", mirror, code=1).stderr
    assert server.count(file) == 1
    assert told.count("answered 404") == 1
    assert "warning" not in told
    metadata = json.loads(offer.path.read_text(encoding="utf-8"))
    offer.path.write_text(json.dumps(metadata | {"origin": server.folder.as_uri()}), encoding="utf-8")
    (server.folder / small[1].path).unlink()
    told = offer.pyman("install", "3.12", "--target", FOREIGN, "--mirror", server.folder, code=1).stderr
    assert told.count("cannot read ") == 1


def test_a_mirror_with_other_bytes_is_named_and_passed_over(
    pyman: Pyman, small: list[Archive], server: Server, offer: Offer, tmp_path: Path
) -> None:
    mirror = tmp_path / "mirror"
    shutil.copytree(server.folder, mirror)
    (mirror / small[1].path).write_bytes((mirror / small[0].path).read_bytes())  # a sound archive, of another
    offer(*small)
    result = pyman("install", "3.12", "--target", FOREIGN, "--mirror", mirror)
    (warning,) = (line for line in result.stderr.splitlines() if line.startswith("warning: "))
    assert f"{mirror.as_uri()}/{small[1].release}/" in warning
    assert f"expected {small[1].sha256}" in warning
    assert pyman.installed() == [small[1].key]


@pytest.mark.parametrize("fault", [slow, without_ranges])
def test_servers_that_differ(
    fault: Callable[..., None], pyman: Pyman, small: list[Archive], server: Server, offer: Offer
) -> None:
    offer(*small)
    server.spoil(small[0].file, fault)
    pyman("install", "3.13", "--target", FOREIGN)
    assert pyman.installed() == [small[0].key]


def test_redirects_are_followed(pyman: Pyman, small: list[Archive], server: Server, offer: Offer) -> None:
    offer(*small)
    server.spoil(small[0].file, redirect_to(f"{server.url}/{small[0].path}"), times=2)
    pyman("install", "3.13", "--target", FOREIGN)
    assert server.count(small[0].file) == 3


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        (".python-version", "3.12\n", [1]),
        (".python-versions", "# what we support\n3.11\n\n3.13.5  # newest\n", [0, 2]),
    ],
)
def test_version_files(name: str, text: str, expected: list[int], small: list[Archive], offer: Offer) -> None:
    pyman = offer.pyman
    offer(*small)
    (pyman.work / name).write_text(text, encoding="utf-8")
    below = pyman.work / "a" / "b"
    below.mkdir(parents=True)
    pyman("install", cwd=below, env={"PYMAN_TARGET": FOREIGN})
    assert pyman.installed() == sorted(small[index].key for index in expected)


def test_version_file_that_means_nothing(pyman: Pyman, small: list[Archive], offer: Offer) -> None:
    offer(*small)
    (pyman.work / ".python-version").write_text("# none\nnonsense here\n", encoding="utf-8")
    lines = pyman("install", code=2).stderr.splitlines()
    assert lines[0].startswith("error: ")
    assert ".python-version" in lines[0]
    assert lines[1].startswith("hint: ")
    assert pyman.installed() == []


def test_without_a_request_the_newest_stable(
    pyman: Pyman, small: list[Archive], server: Server, offer: Offer
) -> None:
    coming = small_archive(server.folder, Archive("3.14.0rc2", "20250818", FOREIGN))
    offer(coming, *small)
    pyman("install", "--target", FOREIGN)
    assert pyman.installed() == [small[0].key]


def test_quiet(pyman: Pyman, small: list[Archive], offer: Offer) -> None:
    offer(*small)
    result = pyman("install", "-q", "3.13", "--target", FOREIGN)
    assert result.stdout + result.stderr == ""
    again = pyman("install", "-q", "3.13", "--target", FOREIGN)
    assert again.stdout + again.stderr == ""


def test_verbose_says_how_the_target_was_found(pyman: Pyman, small: list[Archive], offer: Offer) -> None:
    offer(*small)
    result = pyman("install", "-v", "3.13", "--target", FOREIGN)
    assert f"Target: {FOREIGN}" in result.stderr


def test_a_build_log_gets_plain_lines(pyman: Pyman, small: list[Archive], offer: Offer) -> None:
    offer(*small)
    result = pyman("install", "3.13", "--target", FOREIGN)
    assert "\x1b" not in result.stderr
    assert "\r" not in result.stderr


def test_another_target_gets_no_link(pyman: Pyman, small: list[Archive], offer: Offer) -> None:
    offer(*small)
    pyman("install", "3.13", "--target", FOREIGN)
    assert list(pyman.bin.iterdir()) == []
    assert pyman.minor_links() == {f"cpython-3.13-{FOREIGN}": small[0].key}


def test_no_bin(pyman: Pyman, real: list[Archive], offer: Offer) -> None:
    offer(*real)
    pyman("install", "--no-bin", MINOR)
    assert list(pyman.bin.iterdir()) == []


def test_foreign_file_in_the_bin_directory(pyman: Pyman, real: list[Archive], offer: Offer) -> None:
    offer(*real)
    link = linked(pyman)
    link.write_text("mine", encoding="utf-8")
    result = pyman("install", MINOR)
    assert "warning: " in result.stderr
    assert str(link) in result.stderr
    assert "--force" in result.stderr
    assert link.read_text(encoding="utf-8") == "mine"
    pyman("install", "--force", MINOR)
    assert prefix_of(link).resolve().name == real[1].key


def test_says_when_the_bin_directory_is_not_on_path(pyman: Pyman, real: list[Archive], offer: Offer) -> None:
    offer(*real)
    assert f"{pyman.bin} is not on" in pyman("install", MINOR).stderr
    on_path = os.pathsep.join([str(pyman.bin), os.environ["PATH"]])
    assert "PATH" not in pyman("install", "--reinstall", MINOR, env={"PATH": on_path}).stderr


def test_two_processes_at_once(pyman: Pyman, small: list[Archive], server: Server, offer: Offer) -> None:
    offer(*small)
    server.spoil(small[0].file, slow, times=1)
    both = [pyman.start("install", "3.13", "--target", FOREIGN) for _ in range(2)]
    told = [process.communicate(timeout=60)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], told
    assert server.count(small[0].file) == 1
    assert sum(f"Already installed: {small[0].key}" in text for text in told) == 1
    assert sum("Waiting for another process" in text for text in told) <= 1


@pytest.mark.parametrize(
    ("request_", "target", "message"),
    [
        ("3.4", "linux-x86_64-musl", "No Python download found for request: cpython-3.4-linux-x86_64-musl"),
        ("3.13.5", "linux-x86_64-musl", "found for request: cpython-3.13.5-linux-x86_64-musl"),
        ("3.13.4", FOREIGN, f"No Python download found for request: cpython-3.13.4-{FOREIGN}"),
        ("three", FOREIGN, "three"),
        ("3.13", "beos-x86_64-gnu", "beos-x86_64-gnu"),
    ],
)
def test_what_cannot_be_had(
    request_: str, target: str, message: str, small: list[Archive], offer: Offer
) -> None:
    offer(*small)
    code = 1 if "found for request" in message else 2
    lines = offer.pyman("install", request_, "--target", target, code=code).stderr.splitlines()
    assert lines[0].startswith("error: ")
    assert lines[0].endswith(message) or code == 2
    assert message in lines[0]
    assert lines[1].startswith("hint: ")
    assert offer.pyman.installed() == []


def test_one_of_several_that_cannot_be_had_stops_all(
    pyman: Pyman, small: list[Archive], server: Server, offer: Offer
) -> None:
    offer(*small)
    pyman("install", "3.13", "3.4", "--target", FOREIGN, code=1)
    assert pyman.installed() == []
    assert server.asked == []
