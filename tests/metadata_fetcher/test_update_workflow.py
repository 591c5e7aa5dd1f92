"""The workflow that renews the metadata: its last step, with a real git and a `gh` that keeps requests."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from click.testing import CliRunner
from tests.conftest import ELSEWHERE
from tests.support.needs import missing

from pyman.metadata_fetcher import addition, provenance
from pyman.metadata_fetcher.__main__ import main

WORKFLOW = Path(__file__).parents[2] / ".github" / "workflows" / "update-metadata.yml"
FILES = ("download-metadata.json", "src/pyman/catalogue/vulnerabilities.json")
GH = """\
    #!{python}
    import json, os, pathlib, sys
    state = pathlib.Path(__file__).with_name("requests")
    requests = json.loads(state.read_text()) if state.exists() else []
    command, options = sys.argv[1:3], dict(zip(sys.argv[3::2], sys.argv[4::2]))
    if command == ["pr", "list"]:
        assert "isCrossRepository" in options["--jq"]
        print("".join(str(n) for n, each in enumerate(requests) if each["open"]))
    elif command == ["pr", "create"]:
        requests.append({{"open": True, "edits": 0}})
        number = -1
    elif command == ["pr", "edit"]:
        number, options = int(sys.argv[3]), dict(zip(sys.argv[4::2], sys.argv[5::2]))
        requests[number]["edits"] += 1
    else:
        assert command == ["auth", "setup-git"], command
    if command[1] in ("create", "edit"):
        assert os.environ["GH_TOKEN"]
        body = pathlib.Path(options["--body-file"]).read_text()
        requests[number] |= {{"title": options["--title"], "body": body}}
    state.write_text(json.dumps(requests))
    """


def scripts() -> list[str]:
    """The commands of each step of the workflow."""
    text = WORKFLOW.read_text(encoding="utf-8")
    found = re.findall(r"^ +(?:- )?run: (?:\|\n((?: {10}.*\n|\n)+)|(.+\n))", text, re.MULTILINE)
    assert len(found) == len(re.findall(r"^ +(?:- )?run: ", text, re.MULTILINE)) > 0
    return [dedent(block or line) for block, line in found]


@dataclass
class Repository:
    """The repository as its host has it, bare, and the pull requests there."""

    folder: Path

    def git(self, *arguments: str, place: str = "origin") -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self.folder / place, check=True, capture_output=True, encoding="utf-8"
        )
        return done.stdout.strip()

    def propose(self, *texts: str, release: str = "20261201") -> str:
        """Run the step in a new clone, on files with these texts; return what it said."""
        made = self.folder / "temporary" / "made"
        made.mkdir(parents=True, exist_ok=True)
        for name, text in zip(FILES, texts, strict=True):
            (made / Path(name).name).write_text(text)
        (made / "summary.md").write_text(f"## New versions\n\nof {texts}, `$(touch /x)`\n")
        (made / "new.json").write_text(addition.render([]).replace('""', f'"{release}"', 1))
        clone = self.folder / f"clone{len(list(self.folder.iterdir()))}"
        self.git("clone", "--quiet", "--branch", "main", str(self.folder / "origin"), str(clone), place=".")
        variables = {
            **os.environ,
            "PATH": f"{self.folder}{os.pathsep}{os.environ['PATH']}",
            "RUNNER_TEMP": str(made.parent),
            "BRANCH": "update-metadata",
            "GITHUB_REF_NAME": "main",
            "GH_TOKEN": "token",
        }
        # As the runner starts bash.
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", scripts()[-1]]
        done = subprocess.run(
            command, cwd=clone, env=variables, check=False, capture_output=True, encoding="utf-8"
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    @property
    def requests(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads((self.folder / "requests").read_text())
        return found

    def close(self) -> None:
        (self.folder / "requests").write_text(json.dumps([each | {"open": False} for each in self.requests]))


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    if sys.platform == "win32":
        pytest.skip(ELSEWHERE + "a script that is called gh is no program there")
    if reason := missing("git", "git") or missing("bash", "bash"):
        pytest.skip(reason)
    tool = tmp_path / "gh"
    tool.write_text(dedent(GH).format(python=sys.executable))
    tool.chmod(0o755)
    found = Repository(tmp_path)
    for folder in ("origin", "first"):
        (tmp_path / folder).mkdir()
    found.git("init", "--quiet", "--bare", "--initial-branch", "main")
    found.git("clone", "--quiet", "../origin", ".", place="first")
    commit(found, "old", "old")
    return found


def commit(repository: Repository, *texts: str) -> None:
    """Commit the files with these texts on main."""
    for name, text in zip(FILES, texts, strict=True):
        path = repository.folder / "first" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    repository.git("add", ".", place="first")
    who = ("-c", "user.name=x", "-c", "user.email=x@x.test")
    repository.git(*who, "commit", "--quiet", "--message", "x", place="first")
    repository.git("push", "--quiet", "origin", "HEAD:main", place="first")


def test_what_came_is_proposed_once(repository: Repository) -> None:
    repository.propose("new", "old")
    (request,) = repository.requests
    assert request == {
        "open": True,
        "edits": 0,
        "title": "Renew the metadata to release 20261201",
        "body": "## New versions\n\nof ('new', 'old'), `$(touch /x)`\n",
    }
    assert repository.git("show", "update-metadata:download-metadata.json") == "new"
    assert repository.git("diff", "--name-only", "main", "update-metadata") == FILES[0]
    assert repository.git("rev-list", "--count", "main..update-metadata") == "1"
    assert repository.git("log", "-1", "--format=%s", "update-metadata") == request["title"]


def test_the_same_again_pushes_nothing_and_opens_nothing(repository: Repository) -> None:
    repository.propose("new", "old")
    before = repository.git("rev-parse", "update-metadata")
    assert "the branch has it already" in repository.propose("new", "old")
    assert repository.git("rev-parse", "update-metadata") == before
    (request,) = repository.requests
    assert request["edits"] == 1


def test_more_of_it_renews_the_one_that_is_open(repository: Repository) -> None:
    repository.propose("new", "old")
    commit(repository, "old", "changed meanwhile")
    repository.propose("newer", "changed meanwhile", release="20261210")
    (request,) = repository.requests
    assert request["title"] == "Renew the metadata to release 20261210"
    assert "newer" in request["body"]
    assert repository.git("show", "update-metadata:download-metadata.json") == "newer"
    assert repository.git("rev-list", "--count", "main..update-metadata") == "1"
    assert repository.git("rev-list", "--count", "update-metadata..main") == "0"


def test_after_one_was_merged_another_is_opened(repository: Repository) -> None:
    repository.propose("new", "old")
    commit(repository, "new", "old")
    repository.close()
    repository.propose("new", "known", release="")
    assert [each["open"] for each in repository.requests] == [False, True]
    assert repository.requests[1]["title"] == "Renew the list of known vulnerabilities"


def test_what_main_has_meanwhile_is_not_proposed(repository: Repository) -> None:
    commit(repository, "new", "old")
    assert "main has it already" in repository.propose("new", "old")
    assert not repository.git("branch", "--list", "update-metadata")


def test_no_script_has_anything_pasted_into_it() -> None:
    """An expression in a script is replaced before the shell sees it: who can write its value can command."""
    assert [script for script in scripts() if "${{" in script] == []


def test_every_action_is_pinned_by_commit() -> None:
    used = re.findall(r"uses: (.*)", WORKFLOW.read_text(encoding="utf-8"))
    assert [each for each in used if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v[0-9.]+", each)] == []


def test_only_one_job_may_write_and_it_runs_no_code_of_others() -> None:
    _, _, jobs = WORKFLOW.read_text(encoding="utf-8").partition("\njobs:\n")
    make, propose = re.split(r"(?m)^  propose:\n", jobs)
    assert ": write" not in make
    assert re.findall(r"([\w-]+): write", propose) == ["contents", "pull-requests"]
    assert not re.search(r"\b(python|pip|npm|uv)\b", propose)


def test_the_options_that_it_gives_are_there() -> None:
    for module, program in (("metadata_fetcher", main), ("metadata_fetcher.provenance", provenance.main)):
        known = CliRunner().invoke(program, ["--help"]).output
        runs = re.findall(rf"python -m pyman\.{module} ((?:.*\\\n)*.*)", "".join(scripts()))
        assert runs
        for options in re.findall(r"--[a-z-]+", " ".join(runs)):
            assert options in known
