"""The action setup-pyman: its steps, run as a runner runs them, here and in a bare Alpine."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from tests.conftest import CHECKOUT, ELSEWHERE, fixture_archive
from tests.support import needs
from tests.support.actions import Job, read
from tests.support.builds import Archive, own_form
from tests.support.documents import MANUAL, blocks
from tests.support.machines import Machine, alpine, in_chroot
from tests.support.pipelines import UNIT_TEST, pipelines
from tests.support.portables import Made
from tests.support.server import Server, serving

ACTION = CHECKOUT / ".github" / "actions" / "setup-pyman"
RELEASE = "owner/pyman/releases/download/v0.1.0"
TWO = "3.13\n\n  3.12\n"
on_glibc = pytest.mark.skipif(needs.MUSL, reason=ELSEWHERE + "there are two interpreters for glibc alone")
pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or os.uname().machine != "x86_64",
    reason=ELSEWHERE + "the fixtures are for Linux on x86-64",
)


@pytest.fixture(scope="module")
def server(made: Made, fixtures: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A releases page, and interpreters: two for glibc, one for musl."""
    folder = tmp_path_factory.mktemp("server")
    (folder / RELEASE).parent.mkdir(parents=True)
    (folder / RELEASE).symlink_to(made.folder)
    archives = []
    for name in ("cpython-3.12.1+", "cpython-3.13.0+", "linux-musl-install_only_stripped"):
        path = fixture_archive(fixtures, name)
        archives.append(Archive.of_file(path))
        (folder / archives[-1].path).parent.mkdir(exist_ok=True)
        (folder / archives[-1].path).symlink_to(path)
    with serving(folder) as running:
        (folder / "metadata.json").write_bytes(own_form(archives, running.url))
        yield running


def variables(server: Server) -> dict[str, str]:
    return {
        "PYMAN_METADATA": f"{server.url}/metadata.json",
        "PYMAN_INSTALL_MIRROR": f"{server.url}/{RELEASE}",  # the tests' install.sh has no address
        "PYMAN_RETRIES": "0",
        "PYMAN_FSYNC": "0",
    }


def job(machine: Machine, server: Server, folder: Path, action: Path = ACTION) -> Job:
    temp = "/runner" if machine.root else str(folder / "runner")
    github = {"action_repository": "owner/pyman", "server_url": server.url}
    return Job(machine, str(action), temp, github, folder / "cache", read(ACTION))


@pytest.fixture(scope="module")
def here(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """This machine, with a project in which nothing asks for a Python."""
    folder = tmp_path_factory.mktemp("here")
    for name in ("home", "project"):
        (folder / name).mkdir()
    path = {"HOME": str(folder / "home"), "PATH": "/usr/bin:/bin"}
    return Machine(None, str(folder / "project"), {**variables(server), **path})


@pytest.fixture(scope="module")
def used(here: Machine, server: Server, tmp_path_factory: pytest.TempPathFactory) -> Job:
    """A job in which the action has installed two versions, and kept them in the cache."""
    began = job(here, server, tmp_path_factory.mktemp("job"))
    assert began.use(python_version=TWO) == {
        "python-version": "3.12.1",
        "python-path": f"{began.temp}/pyman/store/cpython-3.12-linux-x86_64-gnu/bin/python3.12",
        "pyman-version": "0.1.0",
        "cache-hit": "false",
    }
    return began


@on_glibc
def test_later_steps_have_the_pythons_and_pyman(used: Job) -> None:
    python = Path(used.steps["python"]["python-path"])
    said = used.shell("""
        python -c 'import platform; print(platform.python_version())'
        python3 --version
        python3.13 --version
        command -v pip
        pyman list --only-installed | wc -l
        command -v pyman
    """).stdout
    found, pip = f"{used.temp}/pyman/bin/pyman", f"{python.parent}/pip"
    assert said == f"3.12.1\nPython 3.12.1\nPython 3.13.0\n{pip}\n2\n{found}\n"


@on_glibc
def test_the_next_job_takes_them_from_the_cache(used: Job, server: Server) -> None:
    shutil.rmtree(f"{used.temp}/pyman/store")
    fetched = len(server.asked)
    outputs = used.use(python_version="3.12\n3.13.0\n")  # the same builds, asked for in another way
    assert (outputs["cache-hit"], outputs["python-version"]) == ("true", "3.13.0")
    assert used.shell("python --version").stdout == "Python 3.13.0\n"
    assert not [each for each in server.asked[fetched:] if each.file.startswith("cpython-")]


@on_glibc
def test_what_was_restored_and_is_damaged_is_installed_again(used: Job) -> None:
    (module,) = Path(used.temp).glob("pyman/store/cpython-3.13.0*/lib/python3.13/this.py")
    before = module.read_bytes()
    module.write_text("changed")
    used.begin({"python_version": "3.13"})
    used.steps["cache"] = {"cache-hit": "true"}
    assert "What came from the cache is not whole" in used.do(used.step("python")).stderr
    assert module.read_bytes() == before


@on_glibc
def test_the_files_of_a_project_ask(used: Job) -> None:
    """Other uses in the same job, where all is installed: no cache is needed then."""
    project = Path(used.machine.work)
    (project / "sub dir").mkdir()
    (project / "sub dir" / ".python-version").write_text("3.13\n")
    (project / "pyproject.toml").write_text('[project]\nrequires-python = ">=3.12,<3.13"\n')
    (project / "versions.txt").write_text("3.13.0\n")
    (project / "Pipfile").write_text("[packages]\n")
    for inputs, version in (
        ({"working_directory": "sub dir"}, "3.13.0"),
        ({"python_version_file": "pyproject.toml"}, "3.12.1"),
        ({"python_version_file": "versions.txt", "working_directory": "sub dir/.."}, "3.13.0"),
    ):
        used.begin(inputs)
        used.do(used.step("python"))
        assert used.steps["python"]["python-version"] == version
    used.do(used.step("asked"))
    assert used.steps["asked"] == {"store": f"{used.temp}/pyman/store", "key": ""}
    used.begin({"python_version_file": "Pipfile"})
    assert "Pipfile asks for no Python" in used.do(used.step("asked"), code=1).stderr
    used.shell("pyman lock 3.12 && rm -r pyproject.toml versions.txt Pipfile sub*")
    used.begin({"locked": "true"})
    used.do(used.step("python"))
    assert used.steps["python"]["python-version"] == "3.12.1"
    (project / "pyman.lock").unlink()


HOSTILE = {
    "python_version": (
        "3.12; touch x",
        "$(touch x)",
        "`touch x`",
        "--prefix=x",
        "3.12\rkey=x",
        "'\ntouch x\n'",
    ),
    "python_version_file": ("$(touch x)", "; touch x", "-x", "a\nstore=x"),
    "working_directory": ("$(touch x)", ". && touch x", ".\nstore=x", "/none\n::add-path::/x"),
    "locked": ("true; touch x", "$(touch x)"),
    "pyman_version": ("../../other/pyman", "0.1.0\nPYMAN_HOME=x", "$(touch x)", "9.9.9"),
    "mirror": ("$(touch x)", "http://127.0.0.1:9/\nLD_PRELOAD=x", "; touch x", "-x"),
    "offline": ("true; touch x", "true"),
}


STEPS = {
    "python_version": "asked",
    "python_version_file": "asked",
    "working_directory": "asked",
    "locked": "python",
}


@on_glibc
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_input_is_an_error_and_nothing_else(name: str, used: Job) -> None:
    step = used.step(STEPS.get(name, "pyman"))
    for value in HOSTILE[name]:
        used.begin({name: value})
        is_request = name == "python_version" and "\r" not in value
        assert "error: " in used.do(step, code=2 if is_request else 1).stderr, value
        written = [Path(used.temp, told).read_text() for told in ("output", "env", "path")]
        assert (written, list(Path(used.machine.work).iterdir())) == (["", "", ""], []), value


@pytest.fixture
def container(made: Made, fixtures: Path, tmp_path: Path) -> Iterator[Machine]:
    """A bare Alpine with the action, a project with a test, and beside it what was brought along."""
    if os.geteuid() != 0:
        pytest.skip(f"{ELSEWHERE}chroot is for root")
    root = alpine(fixtures, tmp_path / "root")
    machine = in_chroot(root, {"PYMAN_FSYNC": "0", "PYMAN_METADATA": "/root/project/carried/metadata.json"})
    shutil.copytree(ACTION, root / "actions" / ACTION.relative_to(CHECKOUT))
    (root / "actions" / "src" / "pyman").mkdir(parents=True)
    shutil.copy(CHECKOUT / "src" / "pyman" / "__init__.py", root / "actions" / "src" / "pyman")
    project = root / "root" / "project"
    project.joinpath("test_it.py").write_text(UNIT_TEST)
    musl = fixture_archive(fixtures, "linux-musl-install_only_stripped")
    archive = Archive.of_file(musl)
    shutil.copytree(made.folder, project / "carried" / "pyman")  # laid out as a bundle is
    (project / "carried" / archive.release).mkdir()
    shutil.copy(musl, project / "carried" / archive.path)
    (project / "carried" / "metadata.json").write_bytes(own_form([archive]))
    yield machine
    shutil.rmtree(root)


def test_the_documented_job_in_a_container_of_alpine_without_a_connection(
    container: Machine, server: Server, tmp_path: Path
) -> None:
    known = (
        each
        for block in blocks(MANUAL / "ci.md")
        if block.language == "yaml"
        for each in pipelines(block.text)
    )
    (documented,) = (each for each in known if each.inputs)
    asked = len(server.asked)
    began = job(container, server, tmp_path, Path("/actions", ACTION.relative_to(CHECKOUT)))
    outputs = began.use(**documented.inputs or {}, mirror="carried", offline="true", cache="false")
    assert not began.cache.exists()
    assert began.shell("pyman find --offline").stdout.strip() == outputs["python-path"]
    assert "Ran 1 test" in began.shell("\n".join(documented.commands)).stderr
    assert len(server.asked) == asked


def test_no_script_has_an_expression_in_it_and_every_action_is_pinned() -> None:
    document = read(ACTION)
    steps = document["runs"]["steps"]
    assert [each["run"] for each in steps if "${{" in each.get("run", "")] == []
    text = (ACTION / "action.yml").read_text(encoding="utf-8")
    pinned = re.findall(r"uses: [\w/-]+@[0-9a-f]{40} # v[0-9.]+\n", text)
    assert len(pinned) == sum("uses" in each for each in steps) == 2
    assert set(re.findall(r"inputs\.([\w-]+)", text)) == set(document["inputs"])


def test_the_workflow_gives_it_inputs_that_it_has() -> None:
    workflow = yaml.safe_load((CHECKOUT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
    steps = (step for job in workflow["jobs"].values() for step in job["steps"])
    (given,) = (step["with"] for step in steps if step.get("uses") == "./.github/actions/setup-pyman")
    assert set(given) <= set(read(ACTION)["inputs"])


def test_windows_is_refused_before_anything_is_done() -> None:
    first = read(ACTION)["runs"]["steps"][0]
    assert first["if"] == "runner.os == 'Windows'"
    done = subprocess.run(["sh", "-ec", first["run"]], capture_output=True, encoding="utf-8", check=False)
    assert (done.returncode, done.stdout[:9]) == (1, "::error::")
