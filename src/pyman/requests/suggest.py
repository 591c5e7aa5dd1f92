"""Guesses what somebody meant who typed something that cannot be understood."""

import difflib
import re
from collections.abc import Callable, Iterator

_WORDS = (
    "any",
    "cpython",
    "debug",
    "freethreaded",
    "gnu",
    "graalpy",
    "latest",
    "linux",
    "macos",
    "musl",
    "pypy",
    "python",
    "static",
    "windows",
)
_LONGEST = 200


def nearest(text: str, understood: Callable[[str], bool]) -> str:
    """Return the first variation of `text` that is `understood`; empty when none is."""
    return next((guess for guess in _variations(text[:_LONGEST].lower()) if understood(guess)), "")


def _variations(text: str) -> Iterator[str]:
    """From a mistyped word to the numbers alone: each keeps less of what was typed."""
    squeezed = re.sub(r"[\s'\"]+", "", text)
    spelled = re.sub(r"[a-z]{3,}", lambda word: _closest_word(word[0]), squeezed)
    yield spelled
    yield spelled.replace("_", "-")
    yield f"any+{spelled}"
    yield re.sub(r"^([0-9.]+)\+$", r">=\1", spelled)
    yield re.sub(r"(?<=[0-9])(td?|d)(?=,)(.*)$", r"\2\1", spelled)
    yield re.sub(r"[.-](x|\*|dev)$", "", spelled)
    yield re.sub(r"(?<![<>=!~])(=>|=<)", lambda sign: sign[0][::-1], spelled)
    yield re.sub(r"^=(?=[0-9])", "==", spelled)
    yield re.sub(r"^(?=[0-9.]+[+-]v?7\.)", "pypy-", spelled)
    numbers = re.findall(r"[0-9]+", squeezed)
    for count in (3, 2, 1):
        yield ".".join(numbers[:count])


def _closest_word(word: str) -> str:
    return next(iter(difflib.get_close_matches(word, _WORDS, n=1)), word)


def written(request: object) -> str:
    """Return how a program writes what it gave as a number, as a tuple, or not at all."""
    if isinstance(request, float):
        return f'"{request}" (a number cannot tell 3.10 from 3.1)'
    if type(request) is int or (isinstance(request, tuple) and request):
        parts = request[:3] if isinstance(request, tuple) else (request,)
        return f'"{".".join(map(str, parts))}"'
    return '"3.12", or "latest" for the newest'
