"""Builds that are known to be bad: which, what is wrong, where it is written down, and what mends it.

A build is kept in the metadata for whoever names its release; this list is why nobody gets it otherwise.
An entry states what its source states. Where a source is silent, the entry reaches as far as the cause does
and no farther, and a comment says so. Python's own bugs are not listed: a newer patch is the answer to those.
"""

from typing import Any, NamedTuple

from pyman.builds.key import Implementation, Key

_PBS = "https://github.com/astral-sh/python-build-standalone"
_UV = "https://github.com/astral-sh/uv"
_ANY = "any"
_ALL = (0, 0), (99, 99)


# No dataclass: `pyman list` and `find` load this, and making a dataclass costs them eight times as much.
class Advisory(NamedTuple):
    """What is wrong with certain builds of CPython. A field left open does not narrow them down.

    Releases `since` up to, but without, `fixed` are affected, of minor versions `oldest` to `newest`, for
    `targets` (`any` may stand for a part). `date` is when the entry was written or last changed.
    """

    id: str
    date: str
    problem: str
    references: tuple[str, ...]
    since: str
    fixed: str
    targets: tuple[str, ...]
    oldest: tuple[int, int] = _ALL[0]
    newest: tuple[int, int] = _ALL[1]
    freethreaded: bool | None = None
    static: bool | None = None
    grave: bool = True
    """Whether such builds are left out; else they come after others of the same version, with a warning."""

    def covers(self, key: Key) -> bool:
        """Whether the build is one of those."""
        return (
            key.implementation is Implementation.CPYTHON
            and int(self.since) <= int(key.release) < int(self.fixed)
            and self.oldest <= key.version.series <= self.newest
            and self.freethreaded in (None, key.variant.freethreaded)
            and self.static in (None, key.variant.static)
            and any(_is_for(pattern, key) for pattern in self.targets)
        )

    @property
    def scope(self) -> str:
        """Which builds it covers, in words."""
        first, last = (".".join(map(str, series)) for series in (self.oldest, self.newest))
        versions = [f"from {first}"] if self.oldest > _ALL[0] else []
        versions += [f"up to {last}"] if self.newest < _ALL[1] else []
        flags = {"freethreaded": self.freethreaded, "static": self.static}
        variants = [f"{'' if flag else 'not '}{name}" for name, flag in flags.items() if flag is not None]
        return ", ".join(["CPython", *versions, *self.targets, *variants])

    def __str__(self) -> str:
        where = ", ".join(self.references)
        return f"{self.problem} (advisory {self.id}, fixed in release {self.fixed}; see {where})"


def _is_for(pattern: str, key: Key) -> bool:
    parts = (key.target.os, key.target.arch, key.target.libc)
    return all(wanted in (_ANY, part) for wanted, part in zip(pattern.split("-"), parts, strict=True))


# Pull request 827 (2025-10-25): CPython up to 3.12 does not tell musl from glibc as the builds are
# configured; 20251028 is the first release after it. Dynamic musl builds begin at 20250311, static ones load
# no extensions. Issue 724 saw wheels fail with 3.11 and 3.12; the wrong tag is in 3.9 and 3.10 as well.
MUSL_EXTENSION_SUFFIX = Advisory(
    id="musl-extension-suffix",
    date="2026-11-22",
    problem="its extension modules are tagged for glibc, musl wheels do not import",
    references=(f"{_PBS}/issues/724",),
    since="20250311",
    fixed="20251028",
    targets=("linux-any-musl",),
    newest=(3, 12),
    static=False,
)

ADVISORIES = (
    # Issue 13610 of uv, pull request 622 (2025-05-23): BOLT folded two functions which must differ, since
    # libpython is linked statically (20250517, 20250521; the release after is 20250529). uv 0.7.8 took both
    # releases back: "isolated to x86_64 Linux", "at least Python 3.12, 3.13, and 3.14"; CPython has BOLT
    # since 3.12. The sources name neither C library nor variant, so all are meant: each has a later build.
    Advisory(
        id="bolt-folded-functions",
        date="2026-11-22",
        problem="it was miscompiled: adding a subclass of str to a list raises TypeError",
        references=(f"{_UV}/issues/13610", f"{_PBS}/pull/622"),
        since="20250517",
        fixed="20250529",
        targets=("linux-x86_64-any",),
        oldest=(3, 12),
    ),
    MUSL_EXTENSION_SUFFIX,
    # Issue 913, pull request 915 (2025-12-09): a patch was lost for 3.14 and later by pull request 845, of
    # 2025-11-05, so 20251120 is the first release without it. It is one of the Unix builds. All else works.
    Advisory(
        id="tkinter-init-tcl",
        date="2026-11-22",
        problem="tkinter finds no init.tcl in a virtual environment, so no window opens",
        references=(f"{_PBS}/issues/913",),
        since="20251120",
        fixed="20251209",
        targets=("linux-any-any", "macos-any-any"),
        oldest=(3, 14),
        grave=False,
    ),
    # 20241008: uv issue 8194, pull request 368 (2024-10-15), the flag was lost that takes the lock away.
    # 20241016: uv issue 8298, pull requests 373 and 406 (2024-12-06). A release 20241205 in between was
    # marked as a pre-release (issue 405) and is not in the metadata; 20241206, with 3.13.1, is good.
    Advisory(
        id="windows-freethreaded",
        date="2026-11-22",
        problem="the free-threaded build for Windows in 20241008 has the global interpreter lock, "
        "that in 20241016 has no python.exe",
        references=(f"{_UV}/issues/8194", f"{_UV}/issues/8298"),
        since="20241008",
        fixed="20241206",
        targets=("windows-any-any",),
        freethreaded=True,
    ),
)
_FIRST = min(each.since for each in ADVISORIES)
_LAST = max(each.fixed for each in ADVISORIES)


def warnings(key: Key) -> list[str]:
    """Return what to say to whoever installs a build: a sentence for each advisory that covers it."""
    return [f"{key} is known to be bad: {advisory}" for advisory in affecting(key)]


def facts(advisory: Advisory) -> dict[str, Any]:
    """Return what a JSON document tells of an advisory."""
    told = ("id", "date", "problem", "references", "since", "fixed", "grave")
    return {name: getattr(advisory, name) for name in told} | {"builds": advisory.scope}


def affecting(key: Key) -> tuple[Advisory, ...]:
    """Return the advisories that cover a build; mostly there is none."""
    # Releases of eight digits order as text; asked of thousands of builds at a time.
    if not _FIRST <= key.release < _LAST:
        return ()
    return tuple(each for each in ADVISORIES if each.since <= key.release < each.fixed and each.covers(key))
