"""What all answers rest on, and whether it is still so.

Times are compared for being equal, never for order: a file that was moved or copied to its place may be older
than the one before it, and clocks are set. Some shells know times to the second only, so nothing counts that
changed two seconds ago or less: it could change again and have the same time.
"""

import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, Self

import pyman
from pyman.config import layers
from pyman.project import pins
from pyman.store.installations import Store
from pyman.system.userdirs import cache_dir, home_dir

VARIABLES = (
    "PYMAN_HOME",
    "PYMAN_SYSTEM_HOME",
    "PYMAN_TARGET",
    "PYMAN_NO_PROJECT",
    "PYMAN_SITE_CONFIG",
    "XDG_DATA_HOME",
    "XDG_CONFIG_HOME",
)
_FRESH = 2 * 10**9  # nanoseconds


class Ground(NamedTuple):
    """The variables as one line, each path, and when that was changed (ns since 1970; None if there is none).

    `folder` is where the answers that rest on it are kept.
    """

    folder: Path
    variables: str
    paths: tuple[Path, ...]
    times: tuple[int | None, ...]

    @classmethod
    def now(cls, store: Store, environ: Mapping[str, str]) -> Self:
        """Return it as it is now; StoreError where there is no home directory."""
        paths = (*store.homes, *_settings(environ), pins.own_path(), _own_code())
        told = [environ.get(name, "") for name in VARIABLES]
        variables = "|".join([*told, environ.get("HOME", str(home_dir()))])
        return cls(folder(environ), variables, paths, tuple(map(changed, paths)))

    @property
    def text(self) -> str:
        """What a shell reads: the variables, then each path, a line each."""
        return "".join(f"{line}\n" for line in (self.variables, *self.paths))

    @property
    def is_settled(self) -> bool:
        """Whether it stands on lines of its own, and would not have the same times if it changed now."""
        return self.text.count("\n") == len(self.paths) + 1 and all(map(is_settled, self.times))


def folder(environ: Mapping[str, str]) -> Path:
    """Return where answers are kept; StoreError where there is no home directory."""
    return cache_dir(environ) / "answers"


def changed(path: Path) -> int | None:
    """Return when a file, or what a link leads to, was changed (ns since 1970); None if there is none."""
    try:
        return os.stat(path).st_mtime_ns  # noqa: PTH116 - of many
    except (OSError, ValueError):
        return None


def is_settled(when: int | None) -> bool:
    """Whether what changed then would have another time if it changed now."""
    return when is None or when < time.time_ns() - _FRESH


def _settings(environ: Mapping[str, str]) -> Iterator[Path]:
    """The files of settings, whether they are there or not: that of the site may be at either place."""
    user = layers.user_path(environ)
    yield from [user] if user else []
    yield from dict.fromkeys((layers.site_path({}), layers.site_path(environ)))


def _own_code() -> Path:
    """What another pyman would have changed: a later one may decide otherwise."""
    code = Path(pyman.__file__)
    return next(path for path in (code, *code.parents) if path.exists())  # it may lie in an archive
