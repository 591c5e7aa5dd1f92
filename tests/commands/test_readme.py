"""README.md and the texts of `pyman help`: every command in them is run from the text itself."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from zipfile import ZipFile

import click
import pytest
from tests.conftest import CHECKOUT, ELSEWHERE, Pyman
from tests.support.archives import extract
from tests.support.documents import (
    DOCUMENTS,
    FAILING,
    HOST,
    MANUAL,
    NOT_RUN,
    ONE_OF,
    README,
    RUN,
    SOURCES,
    Block,
    blocks,
)
from tests.support.machines import Images, Machine, Releases, alpine, build, download, in_chroot, released
from tests.support.pipelines import UNIT_TEST, pipelines
from tests.support.portables import GNU, MUSL, Made, unpack

from pyman.cli import cli
from pyman.report import manual

SETUP = MANUAL / "setup.md"
WIDTH = 100
# Each is one that nobody runs before it is read: how many there are is a decision.
NOT_RUN_BLOCKS = {
    "README.md": 2,  # the tests themselves, and parts of them
    "security.md": 2,  # the long program beside the tests, and what fuzzes
    "setup.md": 1,  # apt-get
    "speed.md": 1,  # the benchmarks
    "environments.md": 1,  # what asks the package index
}
# Steps of Dockerfiles that are not done, for the same reason.
NOT_RUN_STEPS = {"README.md": 1}  # apt-get
bare = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0 or os.uname().machine != "x86_64",
    reason=ELSEWHERE + "chroot is for root on Linux, and the fixtures are for x86-64",
)


def named(path: Path) -> str:
    return path.stem


def with_blocks(*languages: str, on_host: bool | None = None) -> list[Path]:
    """Return the documents that have such blocks, on a machine with Python or on one without."""
    return [path for path in DOCUMENTS if chosen(path, *languages, on_host=on_host)]


def chosen(path: Path, *languages: str, on_host: bool | None = None) -> list[Block]:
    """Return the blocks to be run. What stands in the README as well is run there."""
    there = {each.text for each in blocks(README)} if path != README else set()
    return [
        each
        for each in blocks(path)
        if each.is_run
        and each.language in languages
        and each.text not in there
        and on_host in (None, each.is_for_host)
    ]


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of all workers."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture
def releases(made: Made, fixtures: Path, tmp_path: Path) -> Iterator[Releases]:
    folder = tmp_path / "releases"
    folder.mkdir()
    with released(made, fixtures, folder) as running:
        yield running


@pytest.fixture(scope="module")
def portable(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The portable pyman for musl, unpacked."""
    return unpack(made.archive(MUSL), tmp_path_factory.mktemp("portable"))


@pytest.fixture
def machine(fixtures: Path, portable: Path, releases: Releases, tmp_path: Path) -> Iterator[Machine]:
    """A bare Alpine, with pyman in the last folder of PATH, and a folder with a mirror's files."""
    root = alpine(fixtures, tmp_path / "root")
    shutil.copytree(portable, root / "usr" / "lib" / "pyman", symlinks=True, copy_function=os.link)
    shutil.copytree(releases.server.folder / "20250708", root / "srv" / "mirror" / "20250708")
    yield in_chroot(root, releases.variables(), "/usr/lib/pyman/bin")
    shutil.rmtree(root)


def test_the_readme_is_short() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 150


def test_what_is_not_run_is_counted() -> None:
    left = {path.name: sum(each.said.startswith(NOT_RUN) for each in blocks(path)) for path in DOCUMENTS}
    assert {name: count for name, count in left.items() if count} == NOT_RUN_BLOCKS
    assert all(each.said == "" for path in DOCUMENTS for each in blocks(path) if each.language == "text")
    known = ("", HOST, ONE_OF, SOURCES, FAILING)
    for path in DOCUMENTS:
        for each in blocks(path):
            assert each.language in {*RUN, "text"}, each
            assert each.said in known or re.fullmatch(f"{NOT_RUN}.+", each.said), each


@bare
@pytest.mark.parametrize("path", with_blocks("sh", "console", on_host=False), ids=named)
def test_its_commands_work_on_a_bare_machine(path: Path, machine: Machine) -> None:
    assert machine.root
    if path in (README, SETUP):  # they begin without pyman
        shutil.rmtree(machine.root / "usr" / "lib" / "pyman")
    for each in chosen(path, "sh", "console", on_host=False):
        with located(each):
            if each.language == "console":
                shutil.rmtree(machine.root / "root" / ".local" / "share" / "pyman")  # it begins anew
                follow(each, machine)
            else:
                machine.shell(each.text, code=1 if each.said == FAILING else 0)


@bare
@pytest.mark.parametrize("path", with_blocks("yaml"), ids=named)
def test_its_pipelines_work(path: Path, machine: Machine) -> None:
    """Without the checkout: a test and a lock are there. test_setup_action.py has those with the action."""
    assert machine.root
    (machine.root / "root" / "project" / "test_it.py").write_text(UNIT_TEST)
    machine.shell("pyman lock 3.13")
    runner = {"CI_PROJECT_DIR": machine.work, "GITHUB_PATH": "/dev/null"}
    for each in chosen(path, "yaml"):
        for pipeline in pipelines(each.text):
            if pipeline.inputs is None:
                given = pipeline.settled(runner)
                with located(each):
                    run = replace(machine, variables={**machine.variables, **runner, **given})
                    run.shell("\n".join(pipeline.commands))
                    if kept := given.get("PYMAN_CACHE_DIR"):
                        assert list(Path(f"{machine.root}{kept}", "archives").iterdir())
                shutil.rmtree(machine.root / "root" / ".local" / "share" / "pyman")  # it begins anew


def follow(block: Block, machine: Machine) -> None:
    """Run what stands after each `$ `, and compare what it prints with what stands below."""
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        result = machine.shell(command)
        printed = result.stdout + result.stderr
        assert re.search(pattern(shown), printed, re.DOTALL), f"{command} printed\n{printed}"


def pattern(shown: str) -> str:
    """Return what matches the output shown: numbers with a point may differ, and `…` stands for anything."""
    text = re.escape(shown.rstrip("\n"))
    text = re.sub(r"\d+\\\.\d(?=(?:\\ )(?:MB|s\b))", r"\\d+[.]\\d", text)
    return text.replace("…", ".*")


@bare
@pytest.mark.parametrize("path", with_blocks("dockerfile"), ids=named)
def test_its_images_are_built(
    path: Path, fixtures: Path, releases: Releases, shared: Path, tmp_path: Path
) -> None:
    wheels = download(
        shared / "wheels-musl",
        shared / "wheels-musl.lock",
        *("--platform", "musllinux_1_2_x86_64", "--python-version", "3.13", "numpy"),
    )
    pip = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "/wheels", "PIP_NO_COMPILE": "1"}
    left_out = []
    for each in chosen(path, "dockerfile"):
        with ExitStack() as stack:
            images = Images(fixtures, tmp_path, wheels, stack)
            left_out += build(each.text, {**releases.variables(), **pip}, images)
    assert len(left_out) == NOT_RUN_STEPS.get(path.name, 0)


def wheelhouse(shared: Path) -> Path:
    """A folder with the package, all that it needs, and what installs and builds it."""
    return download(shared / "wheelhouse", shared / "wheelhouse.lock", ".", "pip", "hatchling", builds=True)


@pytest.fixture
def host(releases: Releases, shared: Path, tmp_path: Path) -> Machine:
    """This machine, with a home and a virtual environment of its own, and an index that is a folder."""
    wheels = wheelhouse(shared)
    for name in ("home", "project"):
        (tmp_path / name).mkdir()
    tools = os.environ.get("PYMAN_TEST_TOOLS")
    path = [*([f"{tools}/bin"] if tools else []), "/usr/bin", "/bin"]
    index = {name: str(wheels) for name in ("PIP_FIND_LINKS", "UV_FIND_LINKS")}
    only = {"PIP_NO_INDEX": "1", "UV_OFFLINE": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    variables = {"HOME": str(tmp_path / "home"), "PATH": os.pathsep.join(path), **index, **only}
    return Machine(None, str(tmp_path / "project"), {**releases.variables(), **variables})


@bare
@pytest.mark.parametrize("path", with_blocks("sh", "python", on_host=True), ids=named)
def test_its_commands_work_where_there_is_python(path: Path, host: Machine) -> None:
    blocks_of_host = chosen(path, "sh", "python", on_host=True)
    if any("pipx" in each.text for each in blocks_of_host) and not os.environ.get("PYMAN_TEST_TOOLS"):
        pytest.skip("PYMAN_TEST_TOOLS does not name an environment with pipx and uv")
    programs = Path(sys.executable).parent
    if path == README:  # it begins without pyman
        programs = Path(host.work) / "environment" / "bin"
        subprocess.run([sys.executable, "-m", "venv", programs.parent], check=True)
    number = 0
    for each in blocks_of_host:
        for text in each.text.splitlines() if each.said == ONE_OF else [each.text]:
            number += 1
            home = Path(host.variables["HOME"], str(number))
            home.mkdir()
            run_on_host(each, text, with_home(host, home, programs))


def with_home(host: Machine, home: Path, programs: Path) -> Machine:
    path = os.pathsep.join([str(home / ".local" / "bin"), str(programs), host.variables["PATH"]])
    return Machine(None, host.work, {**host.variables, "HOME": str(home), "PATH": path})


def run_on_host(block: Block, text: str, host: Machine) -> None:
    where = Machine(None, str(CHECKOUT), host.variables) if block.said == SOURCES else host
    with located(block):
        if block.language == "python":
            where.run("python3", "-c", text)
        else:
            where.shell(text)


@contextmanager
def located(block: Block) -> Iterator[None]:
    """Say of a failure which block it was in."""
    try:
        yield
    except AssertionError as error:
        error.add_note(f"in {block}:\n{block.text}")
        raise


@pytest.mark.parametrize("topic", manual.TOPICS)
def test_help_of_a_topic_reads_well_without_a_page(topic: str, pyman: Pyman) -> None:
    shown = pyman("help", topic).stdout
    assert shown == "".join(f"{line.text}\n" for line in manual.lines(topic))
    assert "\x1b" not in shown
    # What is indented is code, of which a comment is a part.
    assert not re.search(r"^ ?[#|]|```|<!--|\]\(", shown, re.MULTILINE)
    assert [line for line in shown.splitlines() if len(line) > WIDTH] == []


def test_topics_are_those_that_are_listed_and_linked(pyman: Pyman) -> None:
    assert {path.stem for path in MANUAL.glob("*.md")} == set(manual.TOPICS)
    listed = pyman("help").stdout
    readme = README.read_text(encoding="utf-8")
    for topic in manual.TOPICS:
        assert f"\n  {topic} " in listed
        assert f"- [{topic}](src/pyman/manual/{topic}.md)" in readme


def test_a_topic_is_no_command() -> None:
    assert not set(cli.list_commands(click.Context(cli))) & set(manual.TOPICS)


@pytest.mark.parametrize("path", DOCUMENTS, ids=named)
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", path.read_text(encoding="utf-8")):
        assert target.startswith("https://") or (path.parent / target).is_file(), target


def test_commands_and_topics_that_are_named_exist(pyman: Pyman) -> None:
    commands = set(re.findall(r"^  ([a-z-]+) ", pyman("--help").stdout, re.MULTILINE))
    for path in DOCUMENTS:
        text = path.read_text(encoding="utf-8")
        assert set(re.findall(r"`pyman ([a-z][a-z-]*)", text)) <= commands, path.name
        assert set(re.findall(r"pyman help ([a-z]+)", text)) <= set(manual.TOPICS), path.name


def test_a_mistyped_topic_is_understood(pyman: Pyman) -> None:
    told = pyman("help", "reqests", code=2).stderr
    assert told == "error: there is no topic 'reqests'\nhint: Did you mean `pyman help requests`?\n"


@pytest.mark.parametrize("target", [GNU, MUSL])
def test_the_portable_pyman_has_the_texts(target: str, made: Made, tmp_path: Path) -> None:
    with tarfile.open(made.archive(target)) as tar:
        extract(tar, tmp_path)
    assert {path.stem for path in tmp_path.rglob("pyman/manual/*.md")} == set(manual.TOPICS)


def test_one_file_has_the_texts(made: Made, pyman: Pyman) -> None:
    done = subprocess.run(
        [sys.executable, made.folder / "pyman.pyz", "help", "requests"],
        env=pyman.variables(),
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert done.stdout == pyman("help", "requests").stdout


def test_the_package_has_the_texts(shared: Path) -> None:
    (wheel,) = wheelhouse(shared).glob("pyman_cli-*.whl")
    with ZipFile(wheel) as file:
        names = {Path(name) for name in file.namelist()}
    assert {path.stem for path in names if path.match("pyman/manual/*.md")} == set(manual.TOPICS)
