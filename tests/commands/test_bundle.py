"""`pyman bundle` and `pyman install --from`: one file, the same again, from which no connection is needed."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from tests.conftest import ELSEWHERE, Offer, Pyman
from tests.support import needs
from tests.support.builds import Archive, own_form, small_archive
from tests.support.repack import this_target
from tests.support.server import Server, cut_body, wrong_byte

ARM, ARM_GNU = "linux-aarch64-musl", "linux-aarch64-gnu"
SMALL = Archive("3.13.7", "20250818", ARM)
OLDER = Archive("3.13.5", "20250612", ARM)
FOR_ARM = ("--target", ARM, "--no-bin")


def published(offer: Offer, *archives: Archive) -> list[Archive]:
    """Offer archives with nothing that runs in them, and return them with their digests."""
    made = [small_archive(offer.server.folder, each) for each in archives]
    offer(*made)
    return made


@pytest.fixture
def far(tmp_path: Path) -> Pyman:
    """Pyman on a machine without a network: as root it has not even a loopback."""
    alone = sys.platform == "linux" and os.geteuid() == 0 and shutil.which("unshare")
    made = Pyman(tmp_path / "far", prefix=("unshare", "-n") if alone else ())
    for folder in (made.home, made.bin, made.work):
        folder.mkdir(parents=True)
    return made


def unpacked(bundle: Path, folder: Path) -> Path:
    with tarfile.open(bundle) as tar:
        tar.extractall(folder, filter="data")
    return folder


def test_what_runs_here_is_carried_over(
    pyman: Pyman, far: Pyman, offer: Offer, server: Server, fixtures: Path
) -> None:
    path = needs.runs_here(fixtures, "3.13.0")
    archive = Archive.of_file(path)
    place = server.folder / archive.path
    place.parent.mkdir()
    place.symlink_to(path)
    small = small_archive(server.folder, SMALL)
    offer(archive, small)
    server.spoil(archive.file, cut_body, times=1)
    cached = {"PYMAN_RETRIES": "1", "PYMAN_CACHE_DIR": str(pyman.home / "cache")}
    pyman("bundle", "3.13", "--target", this_target(), "--target", ARM, env=cached)
    assert any("range" in each.headers for each in server.asked)  # it was gone on with
    bundle = pyman.work / "python.tar"
    with tarfile.open(bundle) as tar:
        names = tar.getnames()
    licence = f"licenses/{archive.key}/LICENSE.txt"
    assert names == [
        *("SHA256SUMS", "bundle.json", "download-metadata.json", licence, "pyman.lock"),
        *sorted((archive.path, small.path)),
    ]
    asked = len(server.asked)
    other_order = ("--target", ARM, "--target", this_target(), "--offline", "-o", "again.tar")
    pyman("bundle", "3.13", *other_order, env=cached)
    assert (pyman.work / "again.tar").read_bytes() == bundle.read_bytes()
    assert len(server.asked) == asked
    assert sorted(each.name for each in pyman.work.iterdir()) == ["again.tar", "python.tar"]
    # Over there nobody knows of it but the bundle, and all of it for this machine is installed.
    far.environment["PYMAN_METADATA"] = str(pyman.home / "none.json")
    (pyman.home / "none.json").write_bytes(own_form([]))
    assert f"Installed {archive.key} in " in far("install", "--from", bundle).stderr
    assert far.installed() == [archive.key]
    assert far("run", archive.minor, "-c", "import ssl; print('starts')").stdout == "starts\n"
    facts = json.loads((far.store / archive.key / ".pyman.json").read_bytes())
    assert (facts["file"], facts["sha256"], facts["verified"]) == ("python.tar", archive.sha256, True)


def test_folders_archives_and_locks_serve_as_well(
    pyman: Pyman, far: Pyman, offer: Offer, server: Server, tmp_path: Path
) -> None:
    older, newer = published(offer, OLDER, SMALL)
    lock, bundle = pyman.work / "pyman.lock", pyman.work / "python.tar"
    pyman("lock", "3.13.5", "--target", ARM)
    pyman("bundle", "3.13", "3.13.5", "--target", ARM)
    folder, mirror = unpacked(bundle, tmp_path / "unpacked"), tmp_path / "mirror"
    shutil.copytree(folder / older.release, mirror / older.release)
    (mirror / "download-metadata.json").write_bytes(own_form([older, newer]))
    archive, digest = mirror / older.path, older.sha256 or ""
    server.asked.clear()
    for place, more, key in (
        (folder, ("3.13.5",), older.key),
        (mirror, ("3.13",), older.key),  # which has no other
        (archive, ("3.13", "--sha256", digest), older.key),
        (bundle, ("--lock-file", lock), older.key),
    ):
        said = far("install", "--from", place, *more, *FOR_ARM, "--reinstall").stderr
        assert f"Installed {key} in " in said
    far("uninstall", "--all")
    far("install", "--from", bundle, "--locked", *FOR_ARM)  # there is no lock here but its own
    assert far.installed() == sorted([older.key, newer.key])
    wrong: list[tuple[Path, tuple[str, ...], str, int]] = [
        (archive, ("3.12", "--sha256", digest), "3.12 is not in what was brought along", 1),
        (tmp_path, (), "has no download-metadata.json", 1),
        (Path("https://x/y"), (), "--from takes a file", 2),
    ]
    for place, args, why, code in wrong:
        text = str(place).replace("https:/x", "https://x")
        assert why in far("install", "--from", text, *args, *FOR_ARM, code=code).stderr
    # `--locked` is what the lock here says, and that very archive.
    lock.write_text(lock.read_text(encoding="utf-8").replace(digest, "c" * 64), encoding="utf-8")
    other = far("install", "--from", bundle, "--lock-file", lock, "--reinstall", *FOR_ARM, code=1).stderr
    assert f"was brought along with sha256 {digest}; locked is {'c' * 64}" in other
    assert server.asked == []


def test_what_was_cut_or_changed_is_refused(pyman: Pyman, far: Pyman, offer: Offer, tmp_path: Path) -> None:
    (small,) = published(offer, SMALL)
    pyman("bundle", "3.13", "--target", ARM)
    bundle = pyman.work / "python.tar"
    whole = bundle.read_bytes()
    middle = whole.index(b"\x1f\x8b") + 40
    bundle.write_bytes(whole[:middle] + b"\xff\xff" + whole[middle + 2 :])
    changed = far("install", "--from", bundle, *FOR_ARM, code=1).stderr
    assert f"is no whole bundle: {small.path} was changed" in changed
    # In a folder each archive is verified as it is unpacked; so is what it says of them.
    bundle.write_bytes(whole)
    folder = unpacked(bundle, tmp_path / "unpacked")
    archive = folder / small.path
    archive.write_bytes(archive.read_bytes()[:-1] + b"x")
    assert f"expected {small.sha256}" in far("install", "--from", folder, *FOR_ARM, code=1).stderr
    sums = folder / "SHA256SUMS"
    sums.rename(folder / "sums")
    assert f"error: cannot read {sums}" in far("install", "--from", folder, *FOR_ARM, code=1).stderr
    (folder / "sums").rename(sums)
    metadata = folder / "download-metadata.json"
    metadata.write_bytes(metadata.read_bytes() + b" ")
    assert "download-metadata.json was changed" in far("install", "--from", folder, *FOR_ARM, code=1).stderr
    # What pyman itself knows of a build has the say.
    (tmp_path / "known.json").write_bytes(own_form([Archive(SMALL.version, SMALL.release, ARM)]))
    known = ("--metadata", tmp_path / "known.json")
    for more in ((), ("3.13",)):
        contradicted = far("install", "--from", bundle, *more, *known, *FOR_ARM, code=1).stderr
        assert " and the metadata differ: " in contradicted
    assert far.installed() == []
    assert far.leftovers() == []


def test_nothing_is_left_where_it_cannot_be_made(pyman: Pyman, offer: Offer, server: Server) -> None:
    (small,) = published(offer, SMALL)
    (pyman.work / "python.tar").write_bytes(b"mine")
    server.spoil(small.file, wrong_byte)
    for_arm = ("bundle", "3.13", "--target", ARM)
    assert f"expected {small.sha256}" in pyman(*for_arm, code=1).stderr
    assert "nothing to bundle" in pyman("bundle", code=2).stderr
    assert "does not know where a portable one" in pyman(*for_arm, "--with-pyman", code=2).stderr
    assert f"Would put {small.key}" in pyman(*for_arm, "--dry-run").stderr
    assert [(each.name, each.read_bytes()) for each in pyman.work.iterdir()] == [("python.tar", b"mine")]


@pytest.mark.skipif(not shutil.which("sha256sum"), reason=ELSEWHERE + "there is no sha256sum")
def test_pyman_itself_comes_along(pyman: Pyman, offer: Offer, tmp_path: Path) -> None:
    published(offer, SMALL)
    release = tmp_path / "release"
    release.mkdir()
    portable = release / f"pyman-9.9.9-{ARM}.tar.gz"
    portable.write_bytes(b"the portable one")
    digest = hashlib.sha256(b"the portable one").hexdigest()
    (release / "install.sh").write_text(f"known {digest} 1 1\n", encoding="utf-8")
    write_sums(release)
    command = ("bundle", "3.13", "--target", ARM, "--pyman", release)
    pyman(*command)
    folder = unpacked(pyman.work / "python.tar", tmp_path / "unpacked")
    for each in (folder, folder / "pyman"):
        subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=each, check=True)
    files = sorted(each.name for each in (folder / "pyman").iterdir())
    assert files == sorted(["SHA256SUMS", "install.sh", portable.name])
    assert os.access(folder / "pyman" / "install.sh", os.X_OK)
    portable.write_bytes(b"another one")
    assert f"expected {digest}" in pyman(*command, code=1).stderr
    write_sums(release)
    assert "is of another release than" in pyman(*command, code=1).stderr


def write_sums(folder: Path) -> None:
    digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*[!S]")}
    text = "".join(f"{digest}  {name}\n" for name, digest in digests.items())
    (folder / "SHA256SUMS").write_text(text, encoding="utf-8")
