"""What interpreters answered before: one small file in the user's cache, so that each is asked once.

An answer counts as long as the program has the size and the time of change that it had. That it did not work
counts for a day, since what it lacked may have come. One that was too slow is asked again the next time, for
the disk or the machine may have been; if it stays so, less and less often. Of several processes that write at
the same time the last one wins; what the others had learnt is asked again.
"""

import json
import os
import stat
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from pyman.builds.key import Key
from pyman.discovery.interpreter import Facts
from pyman.system import regular_file

_FORMAT = 2
_REFUSAL_COUNTS = 24 * 3600  # seconds
# The same after it was too slow once, twice, and so on; the last for every further time.
_SLOWNESS_COUNTS = (0, 10, 60, 600, 3600)
_LARGEST = 4 * 1024 * 1024
_SCRIPT = b"#!"
# An entry: size and time of change (ns) of the program, when it was asked (s), key ("" if it is no Python),
# prefix and base prefix, and how often in a row it was too slow.
_TYPES = [int, int, int, str, str, str, int]


class Answers:
    """The file of answers; read when it is first needed. `save` writes down what was learnt."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._entries: dict[str, list[Any]] | None = None
        self._asked: set[str] = set()
        self._changed = False

    def facts(self, path: str) -> Facts | None:
        """Return the facts of the program at `path`, which goes by no link; None if it is no Python."""
        self.learn([path])
        entry = self._valid(path)
        return _facts(entry) if entry else None

    def learn(self, paths: Iterable[str]) -> None:
        """Ask those programs of which nothing is known yet, at the same time."""
        unknown = [path for path in paths if self._valid(path) is None and self._put_if_script(path)]
        if not unknown:
            return
        from pyman.discovery.interview import ask  # noqa: PLC0415 - subprocess is for those who start one

        said = ask(unknown)
        for path, facts in said.facts.items():
            self._put(path, facts, is_slow=path in said.slow)

    def save(self) -> None:
        """Write down what was learnt, whole or not at all; silent when that cannot be done."""
        if not self._changed or self._entries is None:
            return
        kept = {path: entry for path, entry in self._entries.items() if Path(path).exists()}
        waiting = self.file.with_name(f".{self.file.name}.{os.getpid()}")
        with suppress(OSError):
            if os.path.lexists(self.file) and not stat.S_ISREG(self.file.lstat().st_mode):
                return  # somebody else's: it stays
            self.file.parent.mkdir(parents=True, exist_ok=True)
            waiting.write_text(json.dumps({"format": _FORMAT, "interpreters": kept}), encoding="utf-8")
            waiting.replace(self.file)
        self._changed = False

    def _put_if_script(self, path: str) -> bool:
        """Note a script as no interpreter: shims are scripts, and to start one may start anything.

        Returns whether the program is still to be asked.
        """
        try:
            script = regular_file.head(path, len(_SCRIPT)) in (_SCRIPT, b"")
        except OSError:
            script = True
        if script:
            self._put(path, None)
        return not script

    def _put(self, path: str, facts: Facts | None, *, is_slow: bool = False) -> None:
        told = [str(facts.key), facts.prefix, facts.base_prefix] if facts else ["", "", ""]
        before, stamp = self._all().get(path), _stamp(path)
        slow = before[6] if before and before[:2] == stamp else 0
        self._all()[path] = [*stamp, int(time.time()), *told, slow + 1 if is_slow else 0]
        self._asked.add(path)
        self._changed = True

    def _valid(self, path: str) -> list[Any] | None:
        """The entry of a program as it is now; None if there is none, or none that counts any more."""
        entry = self._all().get(path)
        if not entry or entry[:2] != _stamp(path):
            return None
        if entry[3] or path in self._asked:
            return entry
        age = time.time() - entry[2]
        return entry if 0 <= age < _counts(entry[6]) else None

    def _all(self) -> dict[str, list[Any]]:
        if self._entries is None:
            self._entries = _read(self.file)
        return self._entries


def _read(file: Path) -> dict[str, list[Any]]:
    """What the file has; nothing where it is damaged, missing or another version's."""
    try:
        document = json.loads(regular_file.whole(file, _LARGEST))
        entries = document["interpreters"] if document["format"] == _FORMAT else {}
        return {path: entry for path, entry in entries.items() if [type(part) for part in entry] == _TYPES}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def _counts(slow: int) -> float:
    """Return for how many seconds it counts that a program did not work, which was `slow` so often."""
    return _SLOWNESS_COUNTS[min(slow, len(_SLOWNESS_COUNTS)) - 1] if slow > 0 else _REFUSAL_COUNTS


def _facts(entry: list[Any]) -> Facts | None:
    key, prefix, base_prefix = entry[3:6]
    try:
        return Facts(Key.parse(key), prefix, base_prefix) if key else None
    except ValueError:
        return None


def _stamp(path: str) -> list[int]:
    try:
        found = Path(path).stat()
    except OSError:
        return [0, 0]
    return [found.st_size, found.st_mtime_ns]
