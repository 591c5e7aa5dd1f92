"""What builds say of the machine they were made on, and how that is spelled on this one.

The builds are configured with `--prefix=/install` and compiled with clang, or a cross compiler, of a tool
chain that nobody else has: astral-sh/python-build-standalone issues 209 (clang), 194 (flags unknown to gcc).
"""

import re
from pathlib import Path
from typing import NamedTuple, Self

PREFIX = "/install"

# Where a path begins: after what separates words and values, or after an option such as -L. So neither
# /usr/bin/install nor ./install nor /installed is taken for the prefix.
_PATH = re.compile(
    rf"""(^|[\s'"=:,;(@]|(?:^|(?<=[\s'",=]))-[A-Za-z]+){PREFIX}(?=$|[/\s'":,;)])""", re.MULTILINE
)
_WHOLE_PATH = re.compile(rf"""{PREFIX}(/[^\s'":,;]*)?""")
_TOOL = re.compile(
    r"""
    (?<![^\s'"=])                   # a word begins here
    (?: /[^\s'"=]*/ )?              # /tools/llvm/bin/
    (?: [\w.]+- )*                  # musl-, llvm-, aarch64-linux-gnu-
    (?P<name> clang\+\+ | clang | g\+\+ | gcc | c\+\+ | cc | ar | ranlib | nm | strip | objcopy | readelf )
    (?: -[0-9]+(?:\.[0-9]+)* )?     # clang-17
    (?![^\s'"])                     # and ends here
    """,
    re.VERBOSE,
)
_COMPILERS = {"clang": "cc", "gcc": "cc", "clang++": "c++", "g++": "c++"}
# The SDK is one of the build machine; Apple's compilers find their own.
_SDK = re.compile(r"""(?<![^\s'"=])-isysroot\s+[^\s'"]+[ \t]*""")
_UNKNOWN_TO_GCC = re.compile(
    r"""
    (?<![^\s'"=]) (?:
        -fdebug-default-version=[^\s'"]*
      | -fprofile-instr-(?:use|generate)(?:=[^\s'"]*)?
      | -flto=thin
      | -fuse-ld=lld
      | --?(?:rtlib|unwindlib|target)=[^\s'"]*
      | -(?:Xclang|mllvm|target)[ \t]+[^\s'"]+
      | -Qunused-arguments
    ) (?![^\s'"]) [ \t]*
    """,
    re.VERBOSE,
)
# Bytes that are no text mean nothing to a shell.
_SPECIAL = re.compile("([^\\w@%+=:,./\udc80-\udcff-])")
_SPECIAL_IN_DOUBLE_QUOTES = re.compile(r'([\\"$`])')


class Spelling(NamedTuple):
    """How the installation's path is written in one kind of file.

    `whole` where it begins a value that is one path, `word` among words that a shell or a compiler driver
    splits, `quoted` where single quotes stand around it already.
    """

    whole: str
    word: str
    quoted: str

    @classmethod
    def of_values(cls, final: Path) -> Self:
        """Values as `sysconfig` has them: paths as they are, flags as a shell would read them."""
        path = final.as_posix()
        return cls(path, _escaped(path), path.replace("'", r"'\''"))

    @classmethod
    def of_pkg_config(cls, final: Path) -> Self:
        """What pkg-config reads: all values are words."""
        word = _escaped(final.as_posix())
        return cls(word, word, word)

    @classmethod
    def of_make(cls, final: Path) -> Self:
        """Makefiles: all values are words, and `$` is doubled."""
        values = cls.of_values(final)
        word = values.word.replace("$", "$$")
        return cls(word, word, values.quoted.replace("$", "$$"))

    @classmethod
    def of_double_quotes(cls, final: Path) -> Self:
        """Shell scripts whose strings stand in double quotes, and are words when they are printed."""
        word = _SPECIAL_IN_DOUBLE_QUOTES.sub(r"\\\1", _escaped(final.as_posix()))
        return cls(word, word, word)


def with_path(text: str, spelling: Spelling) -> str:
    """Return `text` with the installation's path in place of the prefix of the build."""

    def here(found: re.Match[str]) -> str:
        in_quotes = text.count("'", 0, found.end(1)) % 2
        return found[1] + (spelling.quoted if in_quotes else spelling.word)

    if _WHOLE_PATH.fullmatch(text):
        return spelling.whole + text.removeprefix(PREFIX)
    return _PATH.sub(here, text) if PREFIX in text else text


def with_tools(text: str, *, macos: bool) -> str:
    """Return `text` with the names that a machine's own compiler and tools have, `cc` and `ar`.

    Flags which only the compiler of the build understands are left out; Apple's `cc` is clang and does.
    """
    text = _SDK.sub("", text)
    if not macos:
        text = _UNKNOWN_TO_GCC.sub("", text)
    return _TOOL.sub(lambda found: _COMPILERS.get(found["name"], found["name"]), text)


def _escaped(path: str) -> str:
    """Return a path as a shell reads it in one word; the common ones stay as they are."""
    return _SPECIAL.sub(r"\\\1", path)
