"""Measures pyman beside its rivals and its limits, and prints a table of ratios.

Linux only. It makes a virtual environment with pyman (built from this checkout), uv and pbs-installer, and
the portable pyman, which needs the package index; starts an nginx of its own on this machine with the
archives of PYMAN_TEST_FIXTURES; has network namespaces of its own for a wire of limited speed, as root;
empties the stores between runs; and touches no one's home. Commands are run in turns, each ratio is one of
medians, and what was installed is looked at after each run.
"""

import argparse
import signal
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from tests.benchmarks import report
from tests.benchmarks.bench import Bench
from tests.benchmarks.case_cold import cold
from tests.benchmarks.case_find import find
from tests.benchmarks.case_fleet import fleet
from tests.benchmarks.case_growth import growth
from tests.benchmarks.case_in_use import in_use
from tests.benchmarks.case_install import in_memory, on_disk
from tests.benchmarks.case_list import listing
from tests.benchmarks.case_memory import memory
from tests.benchmarks.case_network import network
from tests.benchmarks.case_portable import portable
from tests.benchmarks.case_shim import shim
from tests.benchmarks.case_start import start
from tests.benchmarks.case_verify import verify
from tests.benchmarks.releases import UnavailableError
from tests.benchmarks.rows import Row, skipped
from tests.benchmarks.surroundings import Programs, make_programs

CASES: dict[str, Callable[[Bench], Iterable[Row]]] = {
    "start": start,
    "portable": portable,
    "list": listing,
    "find": find,
    "shim": shim,
    "network": network,
    "tmpfs": in_memory,
    "disk": on_disk,
    "cold": cold,
    "memory": memory,
    "growth": growth,
    "in-use": in_use,
    "verify": verify,
    "fleet": fleet,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is asked for; the exit code is 0 whatever the numbers are, 1 if something failed.

    To fail is also not to have done what should have been done. ^C ends with 130, and with what there is.
    """
    asked = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what was made goes then, too
    part = f" --only {' '.join(asked.only)}" if asked.only else ""
    facts = report.machine() | {"command": f"python -m tests.benchmarks{part} --rounds {asked.rounds}"}
    facts["stopped"] = "this is not all of it"
    rows = list[Row]()
    with suppress(KeyboardInterrupt), ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="pyman-bench-", dir=asked.scratch))
        scratch = Path(folder)
        programs = Programs(asked.environment.absolute()) if asked.environment else _made(scratch)
        bench = Bench(programs, scratch, asked.rounds, stack)
        facts |= programs.versions() | {"disk": report.file_system(scratch)}
        bystanders = report.Bystanders()
        for name in asked.only or CASES:
            _measure(name, bench, rows)
            facts |= bench.facts | {"busy with something else": bystanders.told()}
        del facts["stopped"]
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, signal.SIG_IGN)  # what was made is taken away, all of it
    sys.stdout.write(report.markdown(rows, facts))
    if asked.json:
        asked.json.write_text(report.document(rows, facts), encoding="utf-8")
    return 130 if "stopped" in facts else int(any(row.verdict == "failed" for row in rows))


def _measure(name: str, bench: Bench, rows: list[Row]) -> None:
    """Add the rows of a case as they are measured: those before an error, or ^C, count."""
    _say(f"measuring {name}")
    try:
        for row in CASES[name](bench):
            rows.append(row)  # noqa: PERF402 - as they come
    except UnavailableError as reason:
        rows.append(skipped(name, str(reason)))
    except RuntimeError as reason:
        rows.append(skipped(name, str(reason), failed=True))


def _made(scratch: Path) -> Programs:
    _say("making an environment with pyman, uv and pbs-installer")
    return make_programs(scratch / "environment")


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=CASES, metavar="CASE", help=", ".join(CASES))
    parser.add_argument("--rounds", type=int, default=11, help="how often each command is run (%(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every run to FILE as well")
    parser.add_argument(
        "--scratch", metavar="DIR", help="where to work: a folder on disk (the usual one for temporary files)"
    )
    parser.add_argument(
        "--environment",
        type=Path,
        metavar="PREFIX",
        help="measure the programs of this environment, make none",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
