"""The grammar of requests: the parts of what a user types, before they mean anything."""

import re

from pyman.builds.key import Implementation, Variant
from pyman.builds.target import ARCH_NAMES, LIBC_NAMES, OS_NAMES, Arch, Libc, Os, parse_arch
from pyman.builds.version import Version

LONGEST = 200

_GRAMMAR = r"""
    (?P<implementation> cpython | python | cp | pypy | pp | graalpy | gp )?
    (?: [@-]? (?:
        (?P<word> latest | any )
      | (?P<compact> [0-9]{2,3} )                           # 312, cp312, pp310
      | (?P<version> (?: 0 | [1-9][0-9]{0,3} ) (?: \.[0-9]{1,4} ){0,2} (?: (?:a|b|rc)[0-9]{1,4} )? )
      | (?P<specifiers> [<>=!~] [^@+-]* )                   # PEP 440, checked by packaging
    ))?
    (?P<abi> t?d? )                                         # 3.13t, 3.13d, 3.13td
    (?P<variant> (?: \+[a-z]+ )* )                          # 3.13+freethreaded
    (?: \+ (?P<release> [0-9]{8}                            # 3.12.9+20250317
                      | [0-9]{1,9} (?: \.[0-9]{1,9} ){1,3} )       # pypy-3.10+7.3.16
      | -v? (?P<pyenv> [0-9]{1,9} (?: \.[0-9]{1,9} ){1,3} )        # pypy3.10-7.3.16, as pyenv spells it
    )?
    (?P<target> (?: -\w+ ){0,3} )                           # -linux-x86_64-musl, parts left out or "any"
"""
_SHORT = {"cp": Implementation.CPYTHON, "pp": Implementation.PYPY, "gp": Implementation.GRAALPY}
_IMPLEMENTATIONS = {each.value: each for each in Implementation} | _SHORT | {"python": Implementation.CPYTHON}
_VERSION_PARTS = 3
_NEWEST_PYTHON = 3


def match(text: str) -> re.Match[str]:
    """Return the named parts of `text`, lower case and without spaces; ValueError if it is no request."""
    # Compiled here, and kept by re: what asks for nothing in particular does without it.
    found = re.fullmatch(_GRAMMAR, text, re.VERBOSE | re.ASCII) if len(text) <= LONGEST else None
    if not text or not found or text in _SHORT:
        raise ValueError(text)
    return found


def implementation(found: re.Match[str]) -> Implementation:
    """Return which Python is asked for: CPython unless another one is named."""
    return _IMPLEMENTATIONS[found["implementation"] or "python"]


def version(found: re.Match[str]) -> tuple[tuple[int, ...], Version | None, str]:
    """Return the version's numbers as far as given, or the pre-release named in full, and the release."""
    numbers, exact = _version(found["compact"], found["version"])
    release = found["release"] or found["pyenv"] or ""
    if implementation(found) is Implementation.CPYTHON:
        if "." in release:
            raise ValueError(release)  # its releases are dates
    elif not release and len(numbers) == _VERSION_PARTS and numbers[0] > _NEWEST_PYTHON:
        # No Python has that version, but the implementation: pyenv has `graalpy-24.0.2`.
        return (), None, ".".join(map(str, numbers))
    return numbers, exact, release


def variant(found: re.Match[str]) -> Variant:
    """Return the variant: what the letters after the version say together with the names after `+`."""
    asked, abi = Variant.parse(found["variant"].removeprefix("+")), found["abi"]
    return asked._replace(
        freethreaded=asked.freethreaded or "t" in abi, debug=asked.debug or abi.endswith("d")
    )


def target(found: re.Match[str]) -> tuple[Os | None, tuple[Arch, int] | None, Libc | None]:
    """Return the parts of the target: they stand in this order; each may be left out, or be `any`."""
    os, arch, libc = None, None, None
    place = 0
    for part in found["target"].split("-")[1:]:
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


def _version(compact: str | None, full: str | None) -> tuple[tuple[int, ...], Version | None]:
    """The numbers of a version as far as given, or the pre-release that was named in full."""
    if compact:
        return (int(compact[0]), int(compact[1:])), None
    if not full:
        return (), None
    if full.isascii() and full.replace(".", "").isdigit():
        return tuple(map(int, full.split("."))), None
    if full.count(".") == 1:  # 3.15rc1 is how people write 3.15.0rc1
        full = re.sub(r"(?=a|b|rc)", ".0", full, count=1)
    return (), Version.parse(full)


def _is_arch(part: str) -> bool:
    return re.sub(r"_v[1-4]$", "", part) in ARCH_NAMES
