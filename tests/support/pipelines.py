"""The pipelines that stand in documents: what GitHub's or GitLab's runner would have a shell do."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from string import Template
from typing import Any

import yaml

# What the documented jobs run: a test that passes.
UNIT_TEST = "import unittest\nclass Test(unittest.TestCase):\n    def test(self): pass\n"
ACTION = "OWNER/pyman/.github/actions/setup-pyman@"


@dataclass(frozen=True, slots=True)
class Pipeline:
    """One job: its variables, what it gives to the action setup-pyman (None: it does without), its commands.

    A variable may have others in it, `$NAME`.
    """

    commands: list[str]
    variables: dict[str, str] = field(default_factory=dict)
    inputs: dict[str, str] | None = None

    def settled(self, variables: Mapping[str, str]) -> dict[str, str]:
        """Return its variables, with these in them."""
        return {name: Template(value).substitute(variables) for name, value in self.variables.items()}


def pipelines(text: str) -> Iterator[Pipeline]:
    """Yield the jobs of a workflow of GitHub, or of a `.gitlab-ci.yml`."""
    document: dict[str, Any] = yaml.safe_load(text)
    if "jobs" in document:
        yield from (_of_github(job["steps"]) for job in document["jobs"].values())
    else:
        yield from (Pipeline(job["script"], job["variables"]) for job in document.values())


def _of_github(steps: list[dict[str, Any]]) -> Pipeline:
    uses = [each for each in steps if "uses" in each and not each["uses"].startswith("actions/checkout@")]
    assert all(each["uses"].startswith(ACTION) for each in uses), uses
    inputs = uses[0]["with"] if uses else None
    return Pipeline([each["run"] for each in steps if "run" in each], {}, inputs)
