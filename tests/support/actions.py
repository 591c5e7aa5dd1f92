"""A runner of composite actions, which does what GitHub's does as far as the project's own action needs it.

Steps are started as that runner starts them, each in a process of its own, on the files by which they tell
later steps something; a cache is a folder for each key.
"""

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from tests.conftest import Result
from tests.support.machines import Machine

_EXPRESSION = re.compile(r"\$\{\{ (.+?) \}\}")
_SHELLS = {
    "sh": ("sh", "-e"),
    "bash": ("bash", "--noprofile", "--norc", "-e", "-o", "pipefail"),
}


def read(folder: Path) -> dict[str, Any]:
    """Return what the `action.yml` in a folder says."""
    document: dict[str, Any] = yaml.safe_load((folder / "action.yml").read_text(encoding="utf-8"))
    return document


@dataclass
class Job:
    """A job that uses the action in `action`, a folder as it is seen in the machine.

    `temp` is the runner's temporary folder, seen from there as well. `github` and `runner` are the contexts.
    What later steps of the job would have is in `path` and `variables`.
    """

    machine: Machine
    action: str
    temp: str
    github: Mapping[str, str]
    cache: Path
    document: dict[str, Any]
    path: list[str] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    results: dict[str, Result] = field(default_factory=dict)
    steps: dict[str, dict[str, str]] = field(default_factory=dict)

    def outside(self, path: str) -> Path:
        """Return a path of the machine as it is seen from here."""
        return Path(f"{self.machine.root or ''}{path}")

    def use(self, **inputs: str) -> dict[str, str]:
        """Use the action with these inputs (`_` for `-`); return its outputs."""
        self.begin(inputs)
        for step in self.document["runs"]["steps"]:
            if self.holds(step.get("if", "")):
                self.do(step)
        return {name: self.filled(each["value"]) for name, each in self.document["outputs"].items()}

    def begin(self, inputs: Mapping[str, str]) -> None:
        """Take these inputs for what is done from now on."""
        named = {name.replace("_", "-"): value for name, value in inputs.items()}
        known = self.document["inputs"]
        assert set(named) <= set(known), named
        self.steps = {"": {name: named.get(name, each["default"]) for name, each in known.items()}}

    def step(self, name: str) -> dict[str, Any]:
        """Return the step with that id."""
        (found,) = (each for each in self.document["runs"]["steps"] if each.get("id") == name)
        step: dict[str, Any] = found
        return step

    def do(self, step: Mapping[str, Any], code: int = 0) -> Result:
        """Do one step, which must end with this exit code; afterwards its outputs are known."""
        outputs: dict[str, str] = {}
        done = Result("", "", 0)
        if "uses" in step:
            wishes = {name: self.filled(value) for name, value in step["with"].items()}
            if "/restore@" in step["uses"]:
                outputs["cache-hit"] = self._restore(**wishes)
            else:
                self._save(**wishes)
        else:
            done = self._run(step, code)
            outputs = self._told("output")
            self.variables |= self._told("env")
            self.path += self.outside(f"{self.temp}/path").read_text(encoding="utf-8").splitlines()
        self.steps[step.get("id", "-")] = outputs
        self.results[step.get("id", "-")] = done
        return done

    def shell(self, text: str) -> Result:
        """Run lines of sh as a later step of the job."""
        return self.machine.run("sh", "-ec", text, env=self._variables())

    def holds(self, condition: str) -> bool:
        """Whether the condition of a step holds: comparisons with a text, and `&&` between them."""
        return all(self._compare(each) for each in condition.split(" && ") if each)

    def filled(self, text: str) -> str:
        """Return a value with the expressions in it evaluated."""
        return _EXPRESSION.sub(lambda found: self._value(found[1]), text)

    def _value(self, expression: str) -> str:
        if "==" in expression:
            return str(self._compare(expression)).lower()
        return next((value for each in expression.split(" || ") if (value := self._look_up(each))), "")

    def _compare(self, text: str) -> bool:
        found = re.fullmatch(r"([\w.-]+) ([!=]=) '(\w*)'", text)
        assert found, text
        return (self._look_up(found[1]) == found[3]) == (found[2] == "==")

    def _look_up(self, name: str) -> str:
        first, _, rest = name.partition(".")
        if first == "inputs":
            return self.steps[""][rest]
        if first == "github":
            return self.github.get(rest, "")
        if name == "runner.os":
            return "Linux"
        found = re.fullmatch(r"steps\.(\w+)\.outputs\.([\w-]+)", name)
        assert found, name
        return self.steps.get(found[1], {}).get(found[2], "")

    def _run(self, step: Mapping[str, Any], code: int) -> Result:
        temp = self.outside(self.temp)
        temp.mkdir(parents=True, exist_ok=True)
        for name in ("path", "env", "output"):
            (temp / name).write_text("")
        (temp / "step.sh").write_text(step["run"], encoding="utf-8")
        given = {name: self.filled(value) for name, value in step["env"].items()}
        command = (*_SHELLS[step["shell"]], f"{self.temp}/step.sh")
        return self.machine.run(*command, code=code, env={**self._variables(), **given})

    def _variables(self) -> dict[str, str]:
        """What a step finds: of what was put on PATH the last comes first."""
        path = dict.fromkeys([*reversed(self.path), *self.machine.variables["PATH"].split(os.pathsep)])
        files = {f"GITHUB_{name.upper()}": f"{self.temp}/{name}" for name in ("path", "env", "output")}
        return {
            **self.variables,
            **files,
            "GITHUB_ACTION_PATH": self.action,
            "GITHUB_SERVER_URL": self.github["server_url"],
            "RUNNER_TEMP": self.temp,
            "PATH": os.pathsep.join(path),
        }

    def _told(self, name: str) -> dict[str, str]:
        """Return what a step has written into a file, as the runner reads it."""
        lines = self.outside(f"{self.temp}/{name}").read_text(encoding="utf-8").splitlines()
        assert all("=" in line for line in lines), lines
        return {key: value for key, _, value in (line.partition("=") for line in lines)}

    def _restore(self, path: str, key: str) -> str:
        if not (self.cache / key).exists():
            return ""
        shutil.copytree(self.cache / key, self.outside(path), symlinks=True)
        return "true"

    def _save(self, path: str, key: str) -> None:
        shutil.copytree(self.outside(path), self.cache / key, symlinks=True)
