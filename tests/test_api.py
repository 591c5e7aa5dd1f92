"""`import pyman` as another program does it: in a process of its own, from an empty folder."""

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import CHECKOUT, ELSEWHERE, Offer, Pyman
from tests.support.builds import Archive, small_archive
from tests.support.repack import MINOR
from tests.support.server import slow, wrong_byte

FOREIGN = "linux-riscv64-gnu"


@pytest.fixture
def archives(offer: Offer) -> list[Archive]:
    """Two builds for a target that is not this machine's, to be had from a server."""
    made = [
        small_archive(offer.server.folder, Archive(version, "20250612", FOREIGN), 300_000)
        for version in ("3.13.5", "3.12.11")
    ]
    offer(*made)
    offer.pyman.environment["PYMAN_TARGET"] = FOREIGN
    return made


def execute(pyman: Pyman, program: str, **env: str) -> Any:  # noqa: ANN401 - whatever the program tells
    """Run a program that puts what it has to tell into `told`; return that, if nothing else was printed."""
    code = f"import json, pyman\ntold = None\n{program}\nprint(json.dumps(told, default=str))"
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", code],
        env=pyman.variables(env),
        cwd=pyman.work,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.count("\n") == 1
    return json.loads(done.stdout)


def test_importing_it_loads_nothing(pyman: Pyman) -> None:
    code = "import sys; before = set(sys.modules); import pyman; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env={**pyman.variables(), "PYTHONPATH": str(CHECKOUT / "src")},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert set(done.stdout.split()) <= {"pyman", "types"}


def test_what_is_there(pyman: Pyman) -> None:
    told = execute(pyman, "told = [dir(pyman), pyman.__all__, hasattr(pyman, 'nonsense')]")
    assert set(told[1]) <= set(told[0])
    assert {"install", "find", "installed", "Installation", "PymanError", "__version__"} <= set(told[1])
    assert told[2] is False


def test_every_error_is_there(pyman: Pyman) -> None:
    code = """
        import pyman.errors
        told = [name for name in vars(pyman.errors) if name.endswith("Error")]
        assert all(getattr(pyman, name) is getattr(pyman.errors, name) for name in told)
        assert all(getattr(pyman, name) for name in pyman.__all__)
    """
    assert "StoreError" in execute(pyman, unindented(code))


def test_install_find_installed(archives: list[Archive], offer: Offer) -> None:
    code = """
        told = [pyman.find("3.13", managed_only=True), pyman.installed()]
        made = pyman.install("3.13")
        assert pyman.install("3.13") == made == pyman.find("3.13", managed_only=True)
        assert pyman.installed() == pyman.installed("3") == [made]
        assert pyman.installed("3.12") == []
        assert made.managed and made.executable.is_relative_to(made.path)
        told += [made.key, made.implementation, made.version, made.variant, made.path, made.executable.name]
    """
    newest = archives[0]
    assert execute(offer.pyman, unindented(code)) == [
        None,
        [],
        newest.key,
        "cpython",
        "3.13.5",
        "",
        str(offer.pyman.store / newest.key),
        "python3.13",
    ]
    assert offer.pyman.installed() == [newest.key]
    assert list(offer.pyman.bin.iterdir()) == []
    assert offer.server.count(newest.file) == 1


def test_options_come_before_the_environment(archives: list[Archive], offer: Offer, tmp_path: Path) -> None:
    place = str(offer.path)
    code = f"""
        import pathlib
        home = pathlib.Path({str(tmp_path / "other")!r})
        options = dict(home=home, target={FOREIGN!r}, mirror={offer.server.url!r}, metadata={place!r})
        made = pyman.install("3.12", **options)
        again = pyman.install("3.12", reinstall=True, **options)
        assert made == again == pyman.installed(home=str(home))[0]
        assert made.path.parent == home
        told = made.key
    """
    variables = {"PYMAN_TARGET": "nonsense", "PYMAN_METADATA": "nowhere", "PYMAN_MIRROR": "nowhere"}
    assert execute(offer.pyman, unindented(code), **variables) == archives[1].key
    assert not offer.pyman.store.exists()
    assert offer.server.count(archives[1].file) == 2


def test_progress(archives: list[Archive], offer: Offer) -> None:
    told = execute(
        offer.pyman,
        "told = []\npyman.install('3.13', on_progress=lambda p: told.append([p.key, p.received, p.size]))",
    )
    size = (offer.server.folder / archives[0].path).stat().st_size
    assert told[0] == [archives[0].key, 0, size]
    assert told[-1] == [archives[0].key, size, size]
    assert told == sorted(told)


def test_what_progress_raises_stops_the_install(archives: list[Archive], offer: Offer) -> None:
    code = """
        class Enough(Exception): pass
        def stop(progress):
            if progress.received: raise Enough
        try:
            pyman.install("3.13", on_progress=stop)
        except Enough:
            told = len(pyman.installed())
        pyman.install("3.12")
    """
    assert execute(offer.pyman, unindented(code)) == 0
    assert offer.pyman.installed() == [archives[1].key]
    assert offer.pyman.leftovers() == []


@pytest.mark.parametrize(
    ("call", "error", "exit_code"),
    [
        ("install('nonsense')", "UsageError", 2),
        ("install('3.12', target='nonsense')", "UsageError", 2),
        ("find('!')", "UsageError", 2),
        ("install('3.7')", "NoDownloadFoundError", 1),
        ("install('3.13', metadata='nowhere.json')", "MetadataError", 1),
        ("install('3.13')", "DigestMismatchError", 1),
        ("installed(home=__import__('sys').executable)", "StoreError", 1),
    ],
)
def test_errors(call: str, error: str, exit_code: int, archives: list[Archive], offer: Offer) -> None:
    offer.server.spoil(archives[0].file, wrong_byte)
    code = f"""
        try:
            pyman.{call}
        except pyman.{error} as error:
            assert isinstance(error, pyman.PymanError)
            told = [error.message, error.hint, error.exit_code]
    """
    message, hint, code_told = execute(offer.pyman, unindented(code))
    assert message
    assert hint
    assert code_told == exit_code
    assert offer.pyman.installed() == []


def test_a_request_that_is_no_text_is_told_how_to_write_it(offer: Offer) -> None:
    code = """
        import sys
        told = []
        for call, request in [
            (pyman.find, 3.12), (pyman.install, 3.1), (pyman.installed, 3), (pyman.install, None),
            (pyman.find, (3, 12)), (pyman.find, sys.version_info), (pyman.installed, b"3.12"),
            (pyman.find, ()), (lambda wrong: pyman.install("3.12", target=wrong), 3.12),
        ]:
            try:
                call(request)
            except TypeError as error:
                told.append(str(error))
    """
    *others, target = execute(offer.pyman, unindented(code))
    none = 'write "3.12", or "latest" for the newest'
    version = ".".join(map(str, sys.version_info[:3]))
    expected = [
        ("3.12", 'write "3.12" (a number cannot tell 3.10 from 3.1)'),
        ("3.1", 'write "3.1" (a number cannot tell 3.10 from 3.1)'),
        ("3", 'write "3"'),
        ("None", none),
        ("(3, 12)", 'write "3.12"'),
        (repr(sys.version_info), f'write "{version}"'),
        ("b'3.12'", none),
        ("()", none),
    ]
    assert others == [f"a request is a text, not {given}: {write}" for given, write in expected]
    assert target == "what PYMAN_TARGET would say is a text, not 3.12"


def test_threads(archives: list[Archive], offer: Offer) -> None:
    code = """
        from concurrent.futures import ThreadPoolExecutor
        with ThreadPoolExecutor(8) as pool:
            told = [made.key for made in pool.map(lambda n: pyman.install(f"3.{12 + n % 2}"), range(8))]
    """
    newest, older = archives
    assert execute(offer.pyman, unindented(code)) == [older.key, newest.key] * 4
    assert [offer.server.count(archive.file) for archive in archives] == [1, 1]


def test_one_that_fails_leaves_the_others(archives: list[Archive], offer: Offer) -> None:
    offer.server.spoil(archives[0].file, wrong_byte)
    offer.server.spoil(archives[1].file, slow)
    code = """
        from concurrent.futures import ThreadPoolExecutor
        with ThreadPoolExecutor(2) as pool:
            bad, good = pool.submit(pyman.install, "3.13"), pool.submit(pyman.install, "3.12")
            told = [type(bad.exception()).__name__, good.result().version]
    """
    assert execute(offer.pyman, unindented(code)) == ["DigestMismatchError", "3.12.11"]


def test_an_installation_that_runs(real: list[Archive], offer: Offer) -> None:
    offer(*real)
    code = f"""
        import subprocess
        python = pyman.find({MINOR!r}, managed_only=True) or pyman.install({MINOR!r})
        assert pyman.find({MINOR!r}) == python
        code = "import sys; print(sys.prefix, end='')"
        told = subprocess.check_output([python.executable, "-I", "-c", code], text=True)
    """
    told = execute(offer.pyman, unindented(code))
    assert Path(told).resolve() == (offer.pyman.store / real[1].key).resolve()


def test_find_falls_back_on_what_is_on_path(pyman: Pyman) -> None:
    python = Path(sys.base_prefix) / ("python.exe" if sys.platform == "win32" else f"bin/python{MINOR}")
    if (
        not python.exists()
        or sysconfig.get_config_var("Py_DEBUG")
        or sys.version_info.releaselevel != "final"
    ):
        pytest.skip(f"{ELSEWHERE}the Python that runs the tests has an unusual name")
    version = ".".join(map(str, sys.version_info[:3]))
    code = f"""
        assert pyman.find({version!r}, managed_only=True) is None
        found = pyman.find({version!r})
        assert not found.managed
        told = [found.version, found.key, found.executable, found.path]
    """
    told = execute(pyman, unindented(code), PATH=os.pathsep.join([str(python.parent), os.environ["PATH"]]))
    assert told[:2] == [version, ""]
    assert Path(told[2]).resolve() == python.resolve()
    assert Path(told[3]).resolve() == Path(sys.base_prefix).resolve()


USER = """
import pyman
from pyman import Installation, PymanError


def python(version: str) -> Installation:
    try:
        return pyman.find(version) or pyman.install(version, on_progress=show, reinstall=False)
    except PymanError as error:
        print(error.message, error.hint, error.exit_code)
        raise


def show(progress: pyman.Progress) -> None:
    print(progress.key, progress.received / (progress.size or 1))


for each in pyman.installed():
    print(each.executable.parent, each.version.split("."))
reveal_type(pyman.find("3.12"))
pyman.install(3.12)
pyman.nonsense
"""


def test_types(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    (tmp_path / "user.py").write_text(USER, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "user.py"],
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": str(CHECKOUT / "src")},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("user.py:")]
    assert [line.partition(": ")[2] for line in lines] == [
        'note: Revealed type is "pyman.api.Installation | None"',
        'error: Argument 1 to "install" has incompatible type "float"; expected "str"  [arg-type]',
        'error: Module has no attribute "nonsense"  [attr-defined]',
    ]


def unindented(code: str) -> str:
    """Return a program as it stands in a test, without the test's indentation."""
    return "\n".join(line.removeprefix("        ") for line in code.splitlines())
