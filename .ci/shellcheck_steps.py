# ruff: noqa: INP001 - a program, not a package
"""Runs shellcheck on each step of the actions named, as actionlint does for workflows.

`python .ci/shellcheck_steps.py .github/actions/*/action.yml`
"""

import subprocess
import sys
from pathlib import Path

import yaml


def main() -> None:
    """Check each script in the shell that it is for; end with 1 if there is something to say."""
    found = 0
    for path in map(Path, sys.argv[1:]):
        steps = yaml.safe_load(path.read_text(encoding="utf-8"))["runs"]["steps"]
        scripts = [each for each in steps if "run" in each]
        for step in scripts:
            command = ["shellcheck", f"--shell={step['shell']}", "-"]
            done = subprocess.run(command, input=step["run"], encoding="utf-8", check=False)  # noqa: S603 - ours
            if done.returncode:
                print(f"{path}: {step['name']}")  # noqa: T201 - a program, and this is what it says
                found += 1
        print(f"{path}: {len(scripts)} scripts, {found} with findings")  # noqa: T201 - the same
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
