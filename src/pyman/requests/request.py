"""Request: what a user may type, and which builds it means.

`str(request)` is the canonical spelling: `Request.parse(str(request)) == request`.
"""

from functools import cache
from typing import Any, NamedTuple, Self

from pyman.builds.key import Implementation, Key, Minor, Variant
from pyman.builds.target import Arch, Libc, Os, Target
from pyman.builds.version import Version
from pyman.errors import UsageError
from pyman.requests import grammar, ranges


class Request(NamedTuple):
    """What is asked for; a part that is None or empty was left open.

    `numbers` holds as much of the version as was given, `exact` a pre-release, `specifiers` a range of
    versions. `latest` asks for the newest that can be had though another one is there, `dev` takes a
    pre-release that is newer than every stable version.
    """

    implementation: Implementation = Implementation.CPYTHON
    numbers: tuple[int, ...] = ()
    exact: Version | None = None
    specifiers: str = ""
    latest: bool = False
    dev: bool = False
    variant: Variant = Variant()
    release: str = ""
    os: Os | None = None
    arch: tuple[Arch, int] | None = None
    libc: Libc | None = None

    @classmethod
    @cache
    def parse(cls, text: str) -> Self:
        """Return the request that `text` spells; UsageError, with what would be understood, otherwise."""
        try:
            return cls._parse("".join(text.lower().split()))
        except ValueError:
            pass
        # Only a mistake loads what is needed to tell what was meant.
        from pyman.requests.mistakes import mistake  # noqa: PLC0415

        raise mistake(text, _understood)

    @classmethod
    def _parse(cls, text: str) -> Self:
        if plain := grammar.plain(text):
            return cls(numbers=plain)
        found = grammar.match(text)
        numbers, exact, release = grammar.version(found)
        latest, dev = grammar.moment(found)
        return cls(
            grammar.implementation(found),
            numbers,
            exact,
            ranges.normal(found["range"]) if found["range"] else "",
            latest,
            dev,
            grammar.variant(found),
            release,
            *grammar.target(found),
        )

    def matches(self, key: Key) -> bool:
        """Whether the build is one that was asked for.

        `debug` and `freethreaded` must be asked for. A static build is meant even if it was not, unless a
        release names one build for ever: that it comes last is the selection's business.
        """
        return self._matches_but_for_variant(key) and self._matches_variant(key.variant)

    def covers(self, key: Key) -> bool:
        """Whether a list for this request shows the build: of every variant, unless one was asked for."""
        return self.matches(key) if str(self.variant) else self._matches_but_for_variant(key)

    def may_cover(self, minor: Minor) -> bool:
        """Whether a list for this request may show builds of that minor version and variant."""
        given = self.exact.series if self.exact else self.numbers[:2]
        return (
            minor.implementation is self.implementation
            and minor.series[: len(given)] == given
            and (not str(self.variant) or self._matches_variant(minor.variant))
        )

    def _matches_variant(self, variant: Variant) -> bool:
        if self.release or self.variant.static:
            return variant == self.variant
        mine = self.variant
        return (variant.freethreaded, variant.debug) == (mine.freethreaded, mine.debug)

    def _matches_but_for_variant(self, key: Key) -> bool:
        return (
            self.release in ("", key.release)
            and self._matches_version(key.version)
            and self._matches_target(key.target)
            and key.implementation is self.implementation
        )

    def _matches_version(self, version: Version) -> bool:
        if self.exact:
            return version == self.exact
        if self.specifiers:
            return ranges.contains(self.specifiers, version)
        given = len(self.numbers)
        if (version.major, version.minor, version.patch)[:given] != self.numbers:
            return False
        # 3.15.0 in full is not 3.15.0rc1.
        return given < 3 or self.dev or not version.is_prerelease  # noqa: PLR2004

    def _matches_target(self, target: Target) -> bool:
        return (
            self.os in (None, target.os)
            and self.arch in (None, (target.arch, target.level))
            and self.libc in (None, target.libc)
        )

    def preference(self, key: Key) -> tuple[Any, ...]:
        """Return what the builds that are meant are ordered by, the best greatest: see `Key.preference`."""
        is_dynamic, is_stable, *newest = key.preference
        return (is_dynamic, self.dev or is_stable, *newest)

    def target_on(self, machine: Target) -> Target:
        """Return the target meant on a machine of target `machine`: its own parts where none are given."""
        os = self.os or machine.os
        arch, level = self.arch or (machine.arch, machine.level)
        if self.libc:
            return Target(os, arch, self.libc, level)
        if (os, arch) == (machine.os, machine.arch):
            return Target(os, arch, machine.libc, level)
        if os is not Os.LINUX:
            return Target(os, arch, Libc.NONE, level)
        return Target(os, arch, Libc.GNUEABIHF if arch is Arch.ARMV7 else Libc.GNU, level)

    def on(self, target: Target) -> Self:
        """Return the request with its target spelled out."""
        return self._replace(os=target.os, arch=(target.arch, target.level), libc=target.libc)

    @property
    def full_version(self) -> Version | None:
        """The version, where it was named in full; None where any part of it was left open."""
        return self.exact or (Version(*self.numbers) if len(self.numbers) == 3 else None)  # noqa: PLR2004

    @property
    def version_text(self) -> str:
        """The version as far as it was given, `any` or `latest` where it was not."""
        if self.exact or self.specifiers:
            return str(self.exact or self.specifiers)
        return ".".join(map(str, self.numbers)) or ("latest" if self.latest else "any")

    @property
    def moment_text(self) -> str:
        """What follows version and variant: `:latest` and `-dev`."""
        told = self.version_text == "latest"
        return ":latest" * (self.latest and not told) + "-dev" * self.dev

    @property
    def target_text(self) -> str:
        """The target as far as it was given, `linux-any-musl`."""
        arch = (
            f"{self.arch[0]}_v{self.arch[1]}"
            if self.arch and self.arch[1] > 1
            else (self.arch or ("any",))[0]
        )
        parts = [self.os or "any", arch, self.libc or "any"]
        return "-".join(parts) if parts != ["any"] * 3 else ""

    def __str__(self) -> str:
        build = "+".join(part for part in (self.version_text, str(self.variant), self.release) if part)
        parts = (self.implementation.value, build + self.moment_text, self.target_text)
        return "-".join(part for part in parts if part)


def _understood(text: str) -> bool:
    try:
        Request._parse(text)  # noqa: SLF001 - this module's own
    except ValueError:
        return False
    return True


def is_request(text: str) -> bool:
    """Whether `text` is a request."""
    try:
        Request.parse(text)
    except UsageError:
        return False
    return True
