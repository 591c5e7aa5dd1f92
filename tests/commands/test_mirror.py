"""`pyman mirror`: a folder is filled from a real server, checked, added to, served, and installed from."""

import json
import os
import re
import shutil
import signal
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from tests.conftest import ELSEWHERE, Offer, Pyman
from tests.support import nginx
from tests.support import server as faults
from tests.support.builds import Archive, own_form, small_archive
from tests.support.documents import MANUAL, blocks
from tests.support.elf_files import elf_file
from tests.support.needs import runs_here
from tests.support.repack import this_target
from tests.support.server import Server, serving

TARGET = "linux-aarch64-gnu"
NAME = "download-metadata.json"


def builds(folder: Path) -> list[Archive]:
    """Make builds of two minor versions, as a source has them."""
    made = [
        ("3.12.9", "21250317", ""),
        ("3.13.4", "21250604", ""),
        ("3.13.5", "21250612", ""),
        ("3.13.5", "21250708", ""),
        ("3.13.5", "21250708", "freethreaded"),
        ("3.13.5", "21250708", "freethreaded+debug"),
    ]
    return [
        small_archive(folder, Archive(version, release, TARGET, variant), padding=1000 * number)
        for number, (version, release, variant) in enumerate(made)
    ]


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    """Where the mirror is to be."""
    return tmp_path / "mirror"


@pytest.fixture
def offered(offer: Offer, server: Server, pyman: Pyman) -> list[Archive]:
    """The builds that pyman knows of, to be had from `server`."""
    pyman.environment |= {"PYMAN_TARGET": TARGET, "PYMAN_FSYNC": "0"}
    archives = builds(server.folder)
    offer(*archives)
    return archives


def files(mirror: Path) -> list[str]:
    """Return the archives of a mirror, by their paths."""
    found = (path for path in mirror.glob("2*/*") if path.is_file() and not path.is_symlink())
    return sorted(path.relative_to(mirror).as_posix() for path in found)


def paths(*archives: Archive) -> list[str]:
    return sorted(each.path for each in archives)


def rows(mirror: Path) -> dict[str, list[object]]:
    """Return what the metadata of a mirror say, by the name of the build."""
    document = json.loads((mirror / NAME).read_bytes())
    return {row[0]: row[1:] for row in document["builds"][TARGET]}


def test_a_mirror_is_filled_and_installed_from(
    pyman: Pyman, offered: list[Archive], server: Server, mirror: Path
) -> None:
    wanted = offered[:5]  # debug is for those who ask
    planned = pyman("mirror", "sync", mirror, "--dry-run", "--json").json
    assert sorted(each["path"] for each in planned["would_fetch"]) == paths(*wanted)
    size = sum((server.folder / each.path).stat().st_size for each in wanted)
    assert (planned["bytes"], planned["bytes_are_exact"]) == (size, True)
    assert not mirror.exists()

    done = pyman("mirror", "sync", mirror)
    assert f"Fetched 5 files ({size / 1000:.1f} kB), 0 were there" in done.stderr
    assert files(mirror) == paths(*wanted)
    assert {(row[1], row[2]) for row in rows(mirror).values()} == {
        (each.sha256, (mirror / each.path).stat().st_size) for each in wanted
    }
    asked = len(server.asked)
    again = pyman("mirror", "sync", mirror, "--json").json
    assert (again["fetched"], again["present"]) == ([], 5)
    assert len(server.asked) == asked
    assert pyman("mirror", "check", mirror, "--json").json["whole"]

    variables = {"PYMAN_METADATA": "", "PYMAN_MIRROR": str(mirror), "PYMAN_REFRESH": "auto"}
    pyman("refresh", env=variables)
    named = ("3.13.5+21250708", "3.12.9+21250317")
    pyman("install", "--no-bin", "--offline", *named, env=variables)
    assert pyman.installed() == [offered[0].key, offered[3].key]


def test_what_was_changed_is_found_and_mended(
    pyman: Pyman, offered: list[Archive], mirror: Path, tmp_path: Path
) -> None:
    pyman("mirror", "sync", mirror, "-q", "3.13")
    spoiled, missing, linked = offered[1:4]
    data = bytearray((mirror / spoiled.path).read_bytes())
    data[20] ^= 1
    (mirror / spoiled.path).write_bytes(data)
    (mirror / missing.path).unlink()
    (mirror / linked.path).rename(tmp_path / "elsewhere")
    (mirror / linked.path).symlink_to(tmp_path / "elsewhere")
    (mirror / "mine" / "deep").mkdir(parents=True)
    (mirror / spoiled.release / "notes.txt").write_text("mine", encoding="utf-8")
    told = pyman("mirror", "check", mirror, "--json", code=1).json
    assert {each["path"]: each["what"].partition(" is ")[0] for each in told["faults"]} == {
        spoiled.path: "its sha256",
        missing.path: "it",
        linked.path: "it",
    }
    assert told["unknown"] == [f"{spoiled.release}/notes.txt", "mine/deep"]
    assert f"{missing.path}: it is missing\n" in pyman("mirror", "check", mirror, code=1).stdout

    (mirror / spoiled.path).write_bytes(data[:-1])  # what has its size is looked into by `check` alone
    error = pyman("mirror", "sync", mirror, "3.13", "--prune", code=1).stderr
    assert f"{mirror / linked.path} is there, which pyman did not put there" in error
    assert (mirror / linked.path).is_symlink()
    (mirror / linked.path).unlink()
    pyman("mirror", "sync", mirror, "3.13", "--prune")
    assert pyman("mirror", "check", mirror, "--json").json["unknown"] == told["unknown"]
    assert files(mirror) == sorted([*paths(*offered[1:4]), f"{spoiled.release}/notes.txt"])


def test_only_what_pyman_put_there_goes(
    pyman: Pyman, offered: list[Archive], server: Server, mirror: Path
) -> None:
    found = offered[0]  # was there before, brought by somebody else
    (mirror / found.release).mkdir(parents=True)
    shutil.copy(server.folder / found.path, mirror / found.path)
    pyman("mirror", "sync", mirror)
    assert server.count(found.file) == 0
    (mirror / offered[1].path).write_bytes(b"mine")

    planned = pyman(
        "mirror", "sync", mirror, "--keep-last", "1", "3.13", "--prune", "--dry-run", "--json"
    ).json
    assert planned["would_remove"] == paths(offered[1], offered[2], offered[4])
    done = pyman("mirror", "sync", mirror, "--keep-last", "1", "3.13", "--prune", "--json").json
    assert (done["removed"], done["left"]) == (paths(offered[2], offered[4]), paths(offered[1]))
    assert files(mirror) == paths(found, offered[1], offered[3])
    assert list(rows(mirror)) == [offered[3].build, found.build]
    assert not (mirror / offered[2].release).exists()
    pyman("lock", "3.12", "3.13t")
    done = pyman("mirror", "sync", mirror, "--locked", "--json").json
    assert ([each["path"] for each in done["fetched"]], done["present"]) == (paths(offered[4]), 1)
    in_the_way = pyman("mirror", "sync", mirror, "--keep-last", "2", code=1).stderr
    assert f"{mirror / offered[1].path} is there, which pyman did not put there" in in_the_way
    assert files(mirror) == paths(found, offered[1], *offered[3:5])


def test_metadata_of_somebody_else_are_not_replaced(
    pyman: Pyman, offered: list[Archive], mirror: Path
) -> None:
    mirror.mkdir()
    (mirror / NAME).write_bytes(before := own_form(offered))
    for command in ("sync", "check"):
        told = pyman("mirror", command, mirror, code=1).stderr
        assert "is not the metadata of a mirror that pyman made" in told
    assert (mirror / NAME).read_bytes() == before
    assert pyman("mirror", "sync", mirror, "3.11", code=1).stderr.startswith(
        "error: No Python download found"
    )


def test_one_that_was_killed_goes_on_and_two_do_not_disturb_each_other(
    pyman: Pyman, offer: Offer, server: Server, mirror: Path
) -> None:
    pyman.environment |= {"PYMAN_TARGET": TARGET, "PYMAN_FSYNC": "0"}
    large = small_archive(server.folder, Archive("3.13.5", "20250708", TARGET), padding=600_000)
    small = small_archive(server.folder, Archive("3.12.9", "20250317", TARGET))
    offer(large, small)
    server.spoil(large.file, faults.stalled_body, times=1)
    part = mirror / ".pyman" / f"{large.key}.part"
    with pyman.start("mirror", "sync", mirror) as process:
        until(lambda: part.exists() and part.stat().st_size > 100_000 and (mirror / NAME).exists())
        process.send_signal(signal.SIGKILL)
    half = part.stat().st_size
    assert files(mirror) == [small.path]
    assert list(rows(mirror)) == [small.build]

    server.spoil(large.file, faults.slow, times=1)  # which knows no ranges, and takes a second
    server.asked.clear()
    with pyman.start("mirror", "sync", mirror) as first, pyman.start("mirror", "sync", mirror) as second:
        told = [process.communicate()[1] for process in (first, second)]
        assert [first.returncode, second.returncode] == [0, 0], told
    assert sum("Waiting for another process (pid" in text for text in told) == 1
    assert [asked.headers.get("range") for asked in server.asked] == [f"bytes={half}-"]
    assert files(mirror) == paths(large, small)
    assert pyman("mirror", "check", mirror, "--json").json["whole"]
    assert [path.name for path in part.parent.iterdir()] == ["mirror.lock"]

    part.write_bytes(b"of another archive" * 1000)
    (mirror / large.path).unlink()
    pyman("mirror", "sync", mirror, "3.13")
    assert files(mirror) == paths(large, small)


def until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_secrets_are_nobody_elses(pyman: Pyman, server: Server, mirror: Path) -> None:
    pyman.environment |= {"PYMAN_TARGET": TARGET, "PYMAN_FSYNC": "0"}
    archive = small_archive(server.folder, Archive("3.13.5", "20250708", TARGET))
    signed = f"{server.url}/{archive.path.replace('+', '%2B')}?X-Amz-Signature=secret&x=a/b"
    server.folder.joinpath(NAME).write_bytes(
        own_form([archive]).replace(f'"{archive.file}"'.encode(), f'"{signed}"'.encode())
    )
    done = pyman("mirror", "sync", mirror, "--from", f"{server.url}?token=secret", "--json")
    assert "secret" not in done.stdout + done.stderr
    assert files(mirror) == [archive.path]
    assert rows(mirror)[archive.build][0] == f"mirror://{archive.path}"
    assert "secret" not in (mirror / NAME).read_text(encoding="utf-8")
    done = pyman("install", "--no-bin", "3.13", env={"PYMAN_METADATA": str(server.folder / NAME)})
    assert "secret" not in done.stderr
    assert pyman.installed() == [archive.key]
    error = pyman("mirror", "sync", mirror, "3.13", "--metadata", mirror / NAME, "--dry-run").stderr
    assert "Would fetch 0 files, 0 B; 1 are there" in error


def test_a_source_that_fails_now_and_then_keeps_nobody_from_the_next(
    pyman: Pyman, offer: Offer, server: Server, mirror: Path, tmp_path: Path
) -> None:
    pyman.environment |= {"PYMAN_TARGET": TARGET, "PYMAN_FSYNC": "0", "PYMAN_READ_TIMEOUT": "1"}
    archives = [
        small_archive(server.folder, Archive(f"3.{minor}.1", "20250708", TARGET), padding=100_000)
        for minor in range(8, 17)
    ]
    offer(*archives)
    shutil.copytree(server.folder, tmp_path / "worse")
    with serving(tmp_path / "worse") as worse:
        for archive, fault in zip(
            archives, (faults.stalled_body, faults.wrong_byte, faults.unavailable), strict=False
        ):
            worse.spoil(archive.file, fault)
        pyman("install", "--no-bin", "--mirror", worse.url, *(each.minor for each in archives))
        assert pyman.installed() == sorted(each.key for each in archives)
        pyman("mirror", "sync", mirror, "--mirror", worse.url)
        assert files(mirror) == paths(*archives)
        assert [server.count(each.file) for each in archives] == [2, 2, 2, 0, 0, 0, 0, 0, 0]
        worse.spoil(archives[-1].file, faults.not_found)
        server.spoil(archives[-1].file, faults.unavailable)
        (mirror / archives[-1].path).unlink()
        told = pyman("mirror", "sync", mirror, "--mirror", worse.url, "--json", "--prune", code=1)
        assert [each["key"] for each in told.json["failed"]] == [archives[-1].key]
        assert f"no source gave {archives[-1].file}" in told.stderr


@pytest.fixture
def serve(pyman: Pyman) -> Iterator[Callable[[Path], str]]:
    """Serve a folder by `pyman mirror serve`, and return its URL."""
    running: list[subprocess.Popen[str]] = []

    def start(folder: Path) -> str:
        process = pyman.start("mirror", "serve", folder, "--port", "0")
        running.append(process)
        assert process.stderr
        line = process.stderr.readline()
        assert "not for production" in line
        found = re.search(r"http://127\.0\.0\.1:[0-9]+", line)
        assert found, line
        return found[0]

    yield start
    for process in running:
        process.send_signal(signal.SIGINT)
        process.communicate()
        assert process.returncode == 130


def tree(folder: Path, *, line: str = "") -> Path:
    """Lay an installation by hand, which says where it is as `./configure --prefix` has it."""
    contents = {
        "bin/python3.13": b"#!/bin/sh\n",
        "bin/tool": f"#!{folder}/bin/python3.13\n".encode(),
        "lib/python3.13/os.py": line.encode(),
        "lib/python3.13/__pycache__/os.cpython-313.pyc": b"made anew",
        "lib/python3.13/data.txt": f"{folder}\n".encode(),
        "lib/pkgconfig/ours.pc": f"prefix={folder}\nother={folder}3\n".encode(),
        ".pyman.json": b"{}",
    }
    for name, content in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (folder / "bin" / "python3.13").chmod(0o750)
    (folder / "bin" / "python3").symlink_to(folder / "bin" / "python3.13")
    return folder


def test_a_tree_is_packed_the_same_every_time(pyman: Pyman, mirror: Path, tmp_path: Path) -> None:
    key = f"cpython-3.13.5+20261127-{TARGET}"
    add = ("mirror", "add", mirror)
    first = pyman(*add, one := tree(tmp_path / "one"), "--as", key, "--json").json
    os.utime(one / "bin" / "tool", (0, 0))
    (one / "bin" / "python3.13").chmod(0o711)
    (tmp_path / "link").symlink_to(one)
    again = pyman(*add, tmp_path / "link", "--as", key).stderr
    assert again.startswith(f"Is there already: {key}, 20261127/{key}.tar.gz")
    assert first["sha256"] in again
    with tarfile.open(mirror / first["path"]) as tar:
        members = {each.name: each for each in tar}
        assert {each.mtime for each in members.values()} == {1_795_737_600}
        assert members["python/bin/python3"].linkname == "python3.13"
        files = {name: read(tar, name) for name, each in members.items() if each.isfile()}
    assert files["python/bin/tool"] == b"#!/install/bin/python3.13\n"
    assert files["python/lib/pkgconfig/ours.pc"] == f"prefix=/install\nother={one}3\n".encode()
    assert files["python/lib/python3.13/data.txt"] == f"{one}\n".encode()
    assert not [name for name in members if "pyc" in name or "pyman" in name]

    other = tree(tmp_path / "other", line="# another")
    assert f"{key} is the name of another build" in pyman(*add, other, "--as", key, code=1).stderr
    later = key.replace("1127", "1128")
    (other / "out").symlink_to("/etc/passwd")
    assert "other/out leads out of the installation" in pyman(*add, other, "--as", later, code=2).stderr
    (other / "out").unlink()
    (other / "bin" / "python3.13").write_bytes(elf_file(interpreter="/lib/ld-musl-x86_64.so.1"))
    told = pyman(*add, other, "--as", later, code=1).stderr
    assert f"its python3.13 is for x86_64 with /lib/ld-musl-x86_64.so.1, not for {TARGET}" in told
    (other / "bin" / "python3.13").rename(other / "bin" / "python3.12")
    assert "it has no bin/python3.13" in pyman(*add, other, "--as", later, code=1).stderr
    assert pyman(*add, one, "--as", "3.13", code=2).stderr.startswith(
        "error: not the name of a build: 3.13\n"
    )
    assert [path.name for path in (mirror / ".pyman").iterdir()] == ["mirror.lock"]
    assert pyman("mirror", "check", mirror, "--json").json["files"] == 1


def read(tar: tarfile.TarFile, name: str) -> bytes:
    file = tar.extractfile(name)
    assert file
    return file.read()


@pytest.mark.skipif(
    not this_target().startswith("linux-x86_64"), reason=f"{ELSEWHERE}the fixtures are for x86-64"
)
def test_a_build_of_ones_own_is_installed_from_a_served_mirror(
    pyman: Pyman, fixtures: Path, serve: Callable[[Path], str], mirror: Path, tmp_path: Path
) -> None:
    archive = runs_here(fixtures, "3.13.0")
    version = "3.13.5" if "3.13.5" in archive.name else "3.13.0"
    prefix, key = tmp_path / "opt" / "python", f"cpython-{version}+20261127-{this_target()}"
    prefix.mkdir(parents=True)
    subprocess.run(["tar", "-xf", archive, "-C", prefix, "--strip-components=1"], check=True)
    (prefix / "lib" / "python3.13" / "site-packages" / "ours.py").write_text("x = 1", encoding="utf-8")
    pyman("mirror", "add", mirror, prefix, "--as", key)

    url = serve(mirror)
    pyman("install", "--no-bin", "3.13", env={"PYMAN_METADATA": f"{url}/{NAME}"})
    assert pyman.installed() == [key]
    subprocess.run([pyman.store / key / "bin" / "python3", "-c", "import ours, ssl"], check=True, env={})
    copy = tmp_path / "copy"
    pyman("mirror", "sync", copy, "--from", url, "--target", this_target())
    assert list(copy.glob("2*/*")) == [copy / "20261127" / f"{key}.tar.gz"]
    assert f'"mirror://20261127/{key}.tar.gz"' in (copy / NAME).read_text(encoding="utf-8")


def recipes() -> list[str]:
    """Return the blocks of the manual that tell nginx what to do: a server, and a cache in front of it."""
    found = [each.text for each in blocks(MANUAL / "mirrors.md") if "listen " in each.text]
    assert len(found) == 2
    return found


def test_the_recipes_serve_it(pyman: Pyman, offered: list[Archive], mirror: Path, tmp_path: Path) -> None:
    if not nginx.program():
        pytest.skip(nginx.MISSING)
    pyman("mirror", "sync", mirror)
    origin, front = f"127.0.0.1:{nginx.free_port()}", f"127.0.0.1:{nginx.free_port()}"
    text = "\n".join(recipes()).replace("/srv/pythons", str(mirror)).replace("127.0.0.1:8080", origin)
    text = text.replace("listen 8080", f"listen {origin}").replace("listen 8081", f"listen {front}")
    with nginx.configured(text, tmp_path):
        for number in range(2):
            url = f"http://{front}"
            variables = {
                "PYMAN_HOME": str(tmp_path / str(number)),
                "PYMAN_METADATA": f"{url}/{NAME}",
                "PYMAN_MIRROR": url,
            }
            pyman("install", "--no-bin", "3.13", env=variables)
            assert (tmp_path / str(number) / offered[3].key).is_dir()
        with pytest.raises(HTTPError, match="403"):
            urlopen(f"http://{origin}/.pyman/mirror.lock")
    log = (tmp_path / "access.log").read_text(encoding="utf-8")
    asked = [line for line in log.splitlines() if ".tar.gz" in line]
    assert len(asked) == 3  # by two clients, and by the cache once


def status_of(url: str, name: str) -> int:
    """Ask for a path as it stands, which most clients would tidy up."""
    with closing(HTTPConnection(url.removeprefix("http://"))) as connection:
        connection.request("GET", f"/{name}")
        return connection.getresponse().status


def test_it_serves_files_of_the_mirror_and_nothing_else(
    serve: Callable[[Path], str], mirror: Path, tmp_path: Path
) -> None:
    mirror.mkdir()
    (tmp_path / "secret").mkdir()
    for path in (mirror / "file", mirror / ".hidden", tmp_path / "secret" / "file"):
        path.write_bytes(bytes(range(100)))
    (mirror / "link").symlink_to(tmp_path / "secret" / "file")
    (mirror / "folder").symlink_to(tmp_path / "secret")
    url = serve(mirror)
    asked = Request(f"{url}/file?x", headers={"Range": "bytes=10-19"})  # noqa: S310 - of our own server
    with urlopen(asked) as answer:  # noqa: S310 - the same
        assert (answer.status, answer.headers["Content-Range"]) == (206, "bytes 10-19/100")
        assert answer.read() == bytes(range(10, 20))
    for name in (
        ".hidden",
        "link",
        "folder/file",
        "../secret/file",
        "%2e%2e/secret/file",
        "",
        "folder",
        "no",
    ):
        assert status_of(url, name) == 404, name
