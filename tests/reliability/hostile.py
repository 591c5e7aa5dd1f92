"""Archives that chance made or damaged, read in little memory: refused as such, and nothing outside."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.conftest import CHECKOUT
from tests.reliability.bench import Bench, Row
from tests.reliability.unpacking import KINDS

_EACH = 60.0  # seconds, and what a part of the cases may take beyond that is in proportion
_PARTS = 40


def run(bench: Bench) -> list[Row]:
    """Share the archives out to processes; each makes its own, by number, and tells what came of them."""
    amount = bench.wanted.amount(200, 20_000)
    numbers = range(amount) if bench.wanted.case is None else range(bench.wanted.case, bench.wanted.case + 1)
    step = max(1, -(-len(numbers) // bench.wanted.amount(bench.wanted.workers, _PARTS)))
    parts = [numbers[at : at + step] for at in range(0, len(numbers), step)]
    with ThreadPoolExecutor(bench.wanted.workers) as pool:
        results = list(pool.map(lambda part: _unpacked(bench, part), parts))
    times: dict[str, int] = dict.fromkeys(KINDS, 0)
    lost: dict[str, int] = dict.fromkeys(KINDS, 0)
    for result in results:
        for kind, count in result["times"].items():
            times[kind] += count
        for number, kind, what in result["wrong"]:
            lost[kind] += 1
            bench.lose("hostile", number, kind, [what], None)
    note = f"at most {max(result['memory'] for result in results) >> 20} MiB in use"
    return [
        Row("hostile", f"unpacking: {kind}", times[kind], lost[kind], note) for kind in KINDS if times[kind]
    ]


def _unpacked(bench: Bench, part: range) -> dict[str, Any]:
    command = [sys.executable, "-X", "dev", "-W", "error", "-m", "tests.reliability.unpacking"]
    done = subprocess.run(
        [*command, str(bench.wanted.seed), str(part.start), str(part.stop)],
        cwd=CHECKOUT,
        env={**os.environ, "TMPDIR": str(bench.folder)},
        capture_output=True,
        encoding="utf-8",
        timeout=_EACH + len(part),
        check=False,
    )
    if done.returncode:
        wrong = [part.start, KINDS[0], f"the process ended with {done.returncode}: {done.stderr[-2000:]}"]
        return {"times": {}, "wrong": [wrong], "memory": 0}
    result = json.loads(done.stdout)
    assert isinstance(result, dict)
    return result
