"""Which build a request gets, seen from outside: what is in the store afterwards."""

from pathlib import Path

import pytest
from tests.conftest import Offer, Pyman, Result
from tests.support.builds import Archive, small_archive, uv_form
from tests.support.server import Server

MUSL = "linux-x86_64-musl"
GNU = "linux-x86_64-gnu"
ARM_MUSL = "linux-aarch64-musl"


def chosen(request: str, offered: list[Archive], offer: Offer, target: str = MUSL) -> tuple[str, Result]:
    """Install `request` for `target` from what is offered; return the one key installed and what was said."""
    offer(*(small_archive(offer.server.folder, each) for each in offered))
    result = offer.pyman("install", request, "--target", target, "--no-bin", "--no-smoke-test")
    (key,) = offer.pyman.installed()
    return key, result


@pytest.mark.parametrize(
    ("request_", "offered"),  # what is to be chosen has a star before it
    [
        pytest.param("3.13", "3.13.4+20250610 *3.13.5+20250612", id="highest-version"),
        pytest.param("3.13", "3.13.5+20250612 *3.13.5+20250708", id="newest-release"),
        pytest.param("3.13", "*3.13.5+20250612 3.13.4+20260101", id="version-before-release"),
        pytest.param("3", "3.13.5+20250612 *3.14.0+20251007", id="major"),
        pytest.param("3.13.5+20250612", "*3.13.5+20250612 3.13.5+20250708", id="that-release"),
        pytest.param(">=3.13,<3.14", "*3.13.5+20250612 3.14.0+20251007", id="specifiers"),
        pytest.param("3.13", "*3.13.5+20250612 3.13.5+freethreaded+20250708", id="t-not-asked-for"),
        pytest.param("3.13", "*3.13.5+20250612 3.13.5+debug+20250708", id="d-not-asked-for"),
        pytest.param("3.13t", "3.13.5+20250708 *3.13.5+freethreaded+20250612", id="t-asked-for"),
        pytest.param("3.13d", "3.13.5+20250708 *3.13.5+debug+20250612", id="d-asked-for"),
        pytest.param("3", "*3.13.5+20250612 3.14.0rc1+20250818", id="stable-first"),
        pytest.param("latest", "*3.13.5+20250612 3.14.0rc1+20250818", id="latest-is-stable"),
        pytest.param("3.14", "3.13.5+20250612 *3.14.0rc1+20250818", id="only-pre-releases"),
        pytest.param("3.14.0rc1", "3.14.0+20251007 *3.14.0rc1+20250818", id="that-pre-release"),
        pytest.param("3.13", "3.13.5+static+20250708 *3.13.5+20250612", id="dynamic-first"),
        pytest.param("3.13", "3.13.6+static+20250708 *3.13.5+20250612", id="dynamic-though-older"),
        pytest.param("3", "3.14.0+static+20251007 *3.13.5+20250612", id="dynamic-though-older-minor"),
        pytest.param("3.12", "3.12.10+20251027 *3.12.9+20251028", id="broken-musl"),
        pytest.param("3.12", "*3.12.10+20251028 3.12.9+20251028", id="mended-musl"),
        pytest.param("3.13", "*3.13.2+20250317", id="3.13-was-never-broken"),
    ],
)
def test_choice(request_: str, offered: str, offer: Offer) -> None:
    archives = {name: archive(name.lstrip("*")) for name in offered.split()}
    key, result = chosen(request_, list(archives.values()), offer)
    (best,) = (name for name in archives if name.startswith("*"))
    assert key == archives[best].key
    assert "warning" not in result.stderr


def archive(name: str) -> Archive:
    """Return the musl build named `3.13.5+20250612` or `3.13.5+static+20250612`."""
    version, *variant, release = name.split("+")
    return Archive(version, release, MUSL, "+".join(variant))


def test_only_a_static_build_warns(offer: Offer) -> None:
    key, result = chosen("3.13", [Archive("3.13.5", "20250818", MUSL, "static")], offer)
    assert key == f"cpython-3.13.5+static+20250818-{MUSL}"
    (warning,) = (line for line in result.stderr.splitlines() if line.startswith("warning: "))
    assert "extension modules" in warning
    assert "numpy" in warning


def test_what_is_static_without_saying_so_comes_last_in_uvs_form(pyman: Pyman, tmp_path: Path) -> None:
    """All of musl before 20250311: that was said later, and older files list them as any other."""
    unsaid, dynamic = archive("3.13.2+20250212"), archive("3.13.1+20250317")
    static = archive("3.13.2+static+20250212")
    file = tmp_path / "downloads.json"
    for offered, best in (([unsaid, dynamic], dynamic), ([unsaid], static)):
        file.write_bytes(uv_form(offered, "https://mirror.invalid"))
        told = pyman("install", "3.13", "--target", MUSL, "--metadata", file, "--dry-run").stderr
        assert f"Would install {best.key} from " in told
        assert ("numpy will not import" in told) is (best is static)


def test_static_asked_for_does_not_warn(offer: Offer) -> None:
    offered = [Archive("3.13.5", "20250818", MUSL, "static"), Archive("3.13.5", "20250818", MUSL)]
    key, result = chosen("3.13+static", offered, offer)
    assert key == offered[0].key
    assert "warning" not in result.stderr


def test_a_dynamic_build_takes_over_from_a_static_one(pyman: Pyman, server: Server, offer: Offer) -> None:
    static, dynamic = Archive("3.13.5", "20250818", MUSL, "static"), Archive("3.13.5", "20250918", MUSL)
    chosen("3.13", [static], offer)
    offer(*(small_archive(server.folder, each) for each in (static, dynamic)))
    pyman("install", "3.13", "--target", MUSL, "--no-bin", "--no-smoke-test")
    assert pyman.installed() == sorted([static.key, dynamic.key])


@pytest.mark.parametrize(("wanted", "there"), [(MUSL, GNU), (GNU, MUSL), (MUSL, ARM_MUSL)])
def test_never_another_libc_or_architecture(wanted: str, there: str, pyman: Pyman, offer: Offer) -> None:
    offer(Archive("3.13.5", "20250612", there))
    result = pyman("install", "3.13", "--target", wanted, code=1)
    assert f"No Python download found for request: cpython-3.13-{wanted}" in result.stderr


def test_the_baseline_unless_a_level_is_asked_for(pyman: Pyman, offer: Offer) -> None:
    offered = [Archive("3.13.5", "20250612", GNU), Archive("3.13.5", "20250612", "linux-x86_64_v3-gnu")]
    key, _ = chosen("3.13", offered, offer, GNU)
    assert key == offered[0].key
    pyman("install", "cpython-3.13-linux-x86_64_v3-gnu", "--target", GNU, "--no-bin", "--no-smoke-test")
    assert pyman.installed() == sorted(each.key for each in offered)


def test_a_row_without_a_checksum_is_left_out(pyman: Pyman, server: Server, offer: Offer) -> None:
    bare = Archive("3.13.5", "20250612", MUSL, sha256=None)
    small_archive(server.folder, bare)
    offer(bare)
    result = pyman("install", "3.13", "--target", MUSL, code=1)
    assert "checksum" in result.stderr
    assert server.asked == []
