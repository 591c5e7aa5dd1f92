"""The grammar of requests: the parts of what a user types, before they mean anything."""

import re
from contextlib import suppress

from pyman.builds.key import Implementation, Variant
from pyman.builds.target import ARCH_NAMES, LIBC_NAMES, OS_NAMES, Arch, Libc, Os, Target, parse_arch
from pyman.builds.version import Version
from pyman.errors import UsageError

LONGEST = 200

_GRAMMAR = r"""
    (?: (?P<first> latest | prefix ) : )?                   # latest:3.12, as asdf and mise spell it
    (?P<implementation> cpython | python | any | cp | pypy | py | pp | graalpy | gp )?
    (?: [@-]? (?:
        (?P<word> latest | any | default | [*] )
      | v? (?P<compact> [0-9]{2,3} )                        # 312, cp312, pp310
      | v? (?P<numbers> (?: 0 | [1-9][0-9]{0,3} ) (?: \.[0-9]{1,4} ){0,2} )
           (?: [._-]? (?P<stage> alpha | beta | a | b | rc | c ) [._-]? (?P<serial> [0-9]{1,4} )  # 3.15.0rc1
             | (?P<open> (?: \.[x*] ){1,2} )                # 3.12.x, 3.12.*
           )?
      | (?P<range> (?: [<>=!~^] | [0-9][0-9.x*]*[|] ) [^@+-]*? )  # PEP 440's or poetry's, read by ranges
    ))?
    (?P<abi> t?d? )                                         # 3.13t, 3.13d, 3.13td, >=3.13t
    (?P<variant> (?: \+[a-z]+ | -(?: freethreaded | nogil | debug | static ) )* )  # 3.13+freethreaded
    (?: \+ (?P<release> [0-9]{8}                            # 3.12.9+20250317
                      | [0-9]{1,9} (?: \.[0-9]{1,9} ){1,3} )       # pypy-3.10+7.3.16
      | -v? (?P<pyenv> [0-9]{1,9} (?: \.[0-9]{1,9} ){1,3} )        # pypy3.10-7.3.16, as pyenv spells it
    )?
    (?P<latest> [:-]latest )? (?P<branch> -dev | -src )?    # 3.12:latest, 3.14-dev
    (?P<target> (?: (?: ^ | - ) \w+ (?: -\w+ ){0,3} )? )    # linux-x86_64-musl, parts left out or "any"
"""
_SHORT = {
    "cp": Implementation.CPYTHON,
    "py": Implementation.CPYTHON,
    "pp": Implementation.PYPY,
    "gp": Implementation.GRAALPY,
}
# `any-3.12-any` is uv's, and CPython is meant unless another one is named.
_IMPLEMENTATIONS = {each.value: each for each in Implementation} | _SHORT
_IMPLEMENTATIONS |= {"python": Implementation.CPYTHON, "any": Implementation.CPYTHON}
_STAGES = {"alpha": "a", "beta": "b", "c": "rc"}
_VARIANTS = {"nogil": "freethreaded"}
_NO_VARIANT = ("gil", "default")
_VERSION_PARTS = 3
_DIGITS = 4
_NEWEST_PYTHON = 3


def plain(text: str) -> tuple[int, ...]:
    """Return the numbers of a request that is nothing else (`3`, `3.12`, `3.12.1`), or none.

    Nearly all are, and to compile the grammar for them took 4 ms of a `find`, which takes 50.
    """
    numbers = text.split(".")
    is_plain = len(numbers[0]) == 1 and len(numbers) <= _VERSION_PARTS and text.isascii()
    if is_plain and all(number.isdigit() and len(number) <= _DIGITS for number in numbers):
        return tuple(map(int, numbers))
    return ()


def match(text: str) -> re.Match[str]:
    """Return the named parts of `text`, lower case and without spaces; ValueError if it is no request."""
    # Compiled here, and kept by re: what asks for nothing in particular does without it.
    found = re.fullmatch(_GRAMMAR, text, re.VERBOSE | re.ASCII) if len(text) <= LONGEST else None
    if not text or not found or text in _SHORT or text.endswith(":"):
        raise ValueError(text)
    return found


def implementation(found: re.Match[str]) -> Implementation:
    """Return which Python is asked for: CPython unless another one is named."""
    return _IMPLEMENTATIONS[found["implementation"] or "python"]


def version(found: re.Match[str]) -> tuple[tuple[int, ...], Version | None, str]:
    """Return the version's numbers as far as given, or the pre-release named in full, and the release."""
    numbers, exact = _numbers(found), None
    if found["stage"]:
        numbers, exact = (), _prerelease(numbers, found["stage"], found["serial"])
    release = found["release"] or found["pyenv"] or ""
    if implementation(found) is Implementation.CPYTHON:
        if "." in release:
            raise ValueError(release)  # its releases are dates
    elif not release and len(numbers) == _VERSION_PARTS and numbers[0] > _NEWEST_PYTHON:
        # No Python has that version, but the implementation: pyenv has `graalpy-24.0.2`.
        return (), None, ".".join(map(str, numbers))
    return numbers, exact, release


def moment(found: re.Match[str]) -> tuple[bool, bool]:
    """Return whether the newest that can be had is meant (`latest`), and whether a pre-release may be it."""
    is_latest = bool(found["latest"]) or "latest" in (found["first"], found["word"])
    return is_latest, found["branch"] == "-dev"


def variant(found: re.Match[str]) -> Variant:
    """Return the variant: what the letters after the version say together with the names after `+`."""
    names = [_VARIANTS.get(name, name) for name in re.findall(r"[a-z]+", found["variant"])]
    asked, abi = Variant.parse("+".join(name for name in names if name not in _NO_VARIANT)), found["abi"]
    return asked._replace(
        freethreaded=asked.freethreaded or "t" in abi, debug=asked.debug or abi.endswith("d")
    )


def target(found: re.Match[str]) -> tuple[Os | None, tuple[Arch, int] | None, Libc | None]:
    """Return the parts of the target: they stand in this order; each may be left out, or be `any`.

    A triple as LLVM spells it is a target as well.
    """
    parts = found["target"].removeprefix("-").split("-") if found["target"] else []
    try:
        return _target(parts)
    except ValueError:
        with suppress(UsageError):
            named = Target.parse("-".join(parts))
            return named.os, (named.arch, named.level), named.libc
        raise


def _target(parts: list[str]) -> tuple[Os | None, tuple[Arch, int] | None, Libc | None]:
    os, arch, libc = None, None, None
    place = 0
    for part in parts:
        if part == "any" and place < 3:  # noqa: PLR2004
            place += 1
        elif part in OS_NAMES and place < 1:
            os, place = OS_NAMES[part], 1
        elif _is_arch(part) and place < 2:  # noqa: PLR2004
            arch, place = parse_arch(part), 2
        elif part in LIBC_NAMES and place < 3:  # noqa: PLR2004
            libc, place = LIBC_NAMES[part], 3
        else:
            raise ValueError(part)
    return os, arch, libc


def _numbers(found: re.Match[str]) -> tuple[int, ...]:
    """The numbers of a version as far as given."""
    compact = found["compact"]
    if compact:
        return int(compact[0]), int(compact[1:])
    numbers = tuple(map(int, found["numbers"].split("."))) if found["numbers"] else ()
    if len(numbers) + (found["open"] or "").count(".") > _VERSION_PARTS:
        raise ValueError(found["open"])  # nothing is left open
    return numbers


def _prerelease(numbers: tuple[int, ...], stage: str, serial: str) -> Version:
    if len(numbers) == _VERSION_PARTS - 1:  # 3.15rc1 is how people write 3.15.0rc1
        numbers = (*numbers, 0)
    return Version.parse(f"{'.'.join(map(str, numbers))}{_STAGES.get(stage, stage)}{serial}")


def _is_arch(part: str) -> bool:
    return re.sub(r"_v[1-4]$", "", part) in ARCH_NAMES
