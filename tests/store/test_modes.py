"""Who may read the store may read all in it, whatever the umask, and nobody but its owner may write to it."""

import os
import stat
import sys
from pathlib import Path

import pytest
from tests.conftest import ELSEWHERE, Offer, Pyman
from tests.support.builds import Archive, small_archive

FOREIGN = "linux-riscv64-gnu"
BUILD = Archive("3.13.5", "20250612", FOREIGN)
INSTALL = ("install", "3.13", "--target", FOREIGN)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason=ELSEWHERE + "modes are of POSIX")


@pytest.fixture
def small(offer: Offer) -> Archive:
    archive = small_archive(offer.server.folder, BUILD)
    offer(archive)
    return archive


def with_umask(pyman: Pyman, umask: int) -> None:
    pyman.prefix = ("sh", "-c", f'umask {umask:03o}; exec "$@"', "sh")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def all_in(folder: Path) -> list[Path]:
    return [path for path in (folder, *folder.rglob("*")) if not path.is_symlink()]


def assert_modes(installation: Path, program: int) -> None:
    for path in all_in(installation):
        executable = path.is_dir() or path.parent.name == "bin"
        assert mode(path) == (program if executable else program & 0o666), path


@pytest.mark.parametrize("umask", [0o000, 0o002, 0o022, 0o077])
@pytest.mark.parametrize("store", [0o755, 0o750, 0o700])
def test_what_the_store_allows(store: int, umask: int, pyman: Pyman, small: Archive) -> None:
    pyman.store.mkdir()
    pyman.store.chmod(store)
    with_umask(pyman, umask)
    pyman(*INSTALL)
    pyman(*INSTALL, "--reinstall")
    assert_modes(pyman.store / small.key, store)
    assert mode(pyman.store / "README") == store & 0o666


@pytest.mark.parametrize("umask", [0o000, 0o002])
def test_nobody_else_may_write(umask: int, pyman: Pyman, small: Archive) -> None:
    pyman.environment["PYMAN_HOME"] = str(pyman.store / "above" / "store")
    pyman.environment["PYMAN_BIN_DIR"] = str(pyman.store / "bin")
    with_umask(pyman, umask)
    pyman(*INSTALL)
    assert (pyman.store / "above" / "store" / small.key).is_dir()
    assert [path for path in all_in(pyman.store) if mode(path) & 0o022] == []


def test_what_is_made_when_it_is_installed_as_well(pyman: Pyman, real: list[Archive], offer: Offer) -> None:
    offer(*real)
    with_umask(pyman, 0o000)
    pyman("install", "--compile-bytecode", "--no-smoke-test", real[0].version)
    made = all_in(next(path for path in pyman.store.iterdir() if path.name in pyman.installed()))
    assert any(path.suffix == ".pyc" for path in made)
    assert [path for path in made if mode(path) & 0o022] == []


def test_a_store_that_root_makes_is_for_everybody(pyman: Pyman, small: Archive) -> None:
    if os.geteuid() != 0:
        pytest.skip(ELSEWHERE + "it needs root")
    with_umask(pyman, 0o077)
    pyman(*INSTALL)
    assert mode(pyman.store) == 0o755
    assert_modes(pyman.store / small.key, 0o755)
    pyman.environment["PYMAN_HOME"] = str(pyman.home / "store")
    pyman(*INSTALL)
    assert mode(pyman.home / "store") == 0o700
    assert_modes(pyman.home / "store" / small.key, 0o700)


def test_a_store_to_which_everybody_may_write(pyman: Pyman, small: Archive) -> None:
    pyman.store.mkdir()
    pyman.store.chmod(0o777)
    assert f"every user of this machine may write to {pyman.store}" in pyman(*INSTALL).stderr
    assert_modes(pyman.store / small.key, 0o755)
    assert mode(pyman.store / ".staging") == 0o700
    pyman.store.chmod(0o755)
    assert "may write" not in pyman(*INSTALL).stderr


@pytest.mark.usefixtures("small")
def test_a_sticky_folder_to_which_everybody_may_write_is_refused(pyman: Pyman) -> None:
    pyman.store.mkdir()
    pyman.store.chmod(0o1777)
    told = pyman(*INSTALL, code=1).stderr
    assert f"{pyman.store} is sticky" in told
    assert f"PYMAN_HOME={pyman.store}/pyman" in told
    assert list(pyman.store.iterdir()) == []
    pyman(*INSTALL, env={"PYMAN_HOME": str(pyman.store / "pyman")})


@pytest.mark.parametrize("is_link", [True, False])
@pytest.mark.usefixtures("small")
def test_what_another_user_may_have_put_there(is_link: bool, pyman: Pyman) -> None:  # noqa: FBT001 - a parameter
    if os.geteuid() != 0:
        pytest.skip(ELSEWHERE + "it needs root")
    pyman.store.mkdir()
    pyman.store.chmod(0o777)
    planted = pyman.home if is_link else pyman.store / ".staging"
    planted.mkdir(exist_ok=True)
    if is_link:
        (pyman.store / ".staging").symlink_to(planted)
    os.chown(planted, 4711, 4711)
    told = pyman(*INSTALL, code=1).stderr
    what = f"is a link to {planted}" if is_link else "belongs to another user"
    assert f"{pyman.store / '.staging'} {what}" in told
    assert pyman.installed() == []


@pytest.mark.usefixtures("small")
def test_the_folder_of_what_is_staged_is_closed(pyman: Pyman) -> None:
    (pyman.store / ".staging").mkdir(parents=True)
    (pyman.store / ".staging").chmod(0o777)
    pyman(*INSTALL)
    assert mode(pyman.store / ".staging") == 0o700
