"""python -m tests.reliability: tries to make pyman lose something, and prints how often and how."""

import argparse
import importlib
import json
import os
import platform
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from tests.reliability.bench import Row, Wanted, bench

SUBJECTS = {
    "kills": "kill -9 at random moments of every command that changes the store",
    "faults": "a kill or an error of the system at every change of files that these commands make",
    "disk": "a full disk, a limit on files, a read-only store or folder of links",
    "stops": "SIGINT, SIGTERM and SIGHUP at random moments of these commands",
    "stress": "16 processes at once on one store; one build asked for by 8 at once",
    "network": "a server that errs at random: cuts, stalls, lies, redirects, sends something else",
    "prefixes": "kills and faults while something is put into a prefix, replaced there or removed",
    "bystanders": "foreign files, folders and links in every place of a store, and swapped meanwhile",
    "hostile": "damaged and hostile archives made at random, read in little memory",
}


def main() -> int:
    """Try what was asked for; returns 1 if anything was lost."""
    if sys.platform == "win32":
        sys.exit("not on this platform: it forks, and kills with signals")
    options = _options()
    _clear_environment()
    wanted = Wanted(options.seed, options.full, options.case, options.workers)
    print(f"seed {options.seed}, {'full' if options.full else 'bounded'}", file=sys.stderr)
    rows: list[Row] = []
    began = time.monotonic()
    with bench(wanted) as place:
        for name in options.only or SUBJECTS:
            start = time.monotonic()
            rows += importlib.import_module(f"tests.reliability.{name}").run(place)
            print(f"{name}: {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
        losses = list(place.losses)
    print(_table(rows))
    print(_summary(rows, time.monotonic() - began, wanted))
    if options.json:
        document = {
            "seed": wanted.seed,
            "full": wanted.full,
            "rows": [asdict(row) for row in rows],
            "losses": losses,
        }
        options.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return 1 if losses or any(row.lost for row in rows) or _is_incomplete(rows) else 0


def _options() -> argparse.Namespace:
    subjects = "\n".join(f"  {name:<10} {what}" for name, what in SUBJECTS.items())
    parser = argparse.ArgumentParser(
        prog="python -m tests.reliability",
        description=__doc__,
        epilog=f"subjects:\n{subjects}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--full", action="store_true", help="everything: takes a good part of an hour")
    size.add_argument(
        "--bounded", action="store_true", help="a part of each subject, within 90 s (the default)"
    )
    parser.add_argument(
        "--only", action="append", choices=SUBJECTS, metavar="NAME", help="one subject; may be repeated"
    )
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**6, help="repeats what chance did")
    parser.add_argument("--case", type=int, help="only the case of this number, as a loss names it")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 2, help="how many cases at once")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the table as JSON, too")
    return parser.parse_args()


def _clear_environment() -> None:
    """Take away what would let the user's settings, or a proxy, have a say."""
    for name in list(os.environ):
        foreign = name.startswith("PYMAN_") and not name.startswith("PYMAN_TEST_")
        if foreign or name.lower().endswith("_proxy"):
            del os.environ[name]


def _is_incomplete(rows: Sequence[Row]) -> bool:
    """Whether something was skipped where all that the tests need should be here."""
    return os.environ.get("PYMAN_TEST_NO_SKIPS") == "1" and any(not row.times for row in rows)


def _table(rows: Sequence[Row]) -> str:
    lines = ["| what was tried | times | lost | |", "|---|---:|---:|---|"]
    lines += [f"| {row.tried} | {row.times:,} | {row.lost} | {row.note} |" for row in rows]
    return "\n".join(lines)


def _summary(rows: Sequence[Row], seconds: float, wanted: Wanted) -> str:
    tried, lost = sum(row.times for row in rows), sum(row.lost for row in rows)
    machine = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    return f"\n{tried:,} tried, {lost} lost, in {seconds:.0f} s ({machine}, seed {wanted.seed})"


if __name__ == "__main__":
    sys.exit(main())
