"""Coverage-guided fuzzing of what users and metadata say: requests, keys, versions, targets, whole documents.

    pip install atheris && python -m tests.reliability.fuzz_words -max_total_time=600

An input's first byte says what the rest is. Each is understood and then means what it prints, or is refused
with an error of its own.
"""

import importlib
import sys

from tests.reliability.fuzzing import Target, fuzz
from tests.support.builds import Archive, own_form, uv_form

_MODULES = [
    "pyman.requests.request",
    "pyman.requests.grammar",
    "pyman.requests.ranges",
    "pyman.builds.key",
    "pyman.builds.version",
    "pyman.builds.target",
    "pyman.catalogue.build",
]
_WORDS = {
    b"r": "3 3.12 cp312 3.15.0rc1 3.13t 3.13td 3.12+static >=3.11,<3.13 ~=3.12 ==3.12.* pypy@3.11 latest "
    "v3.12.x ~3.12 ^2.7||^3.8.1 >=3.13t 3-dev 3.12:latest latest:3.12 3.15.0-rc.1 musl x86_64-apple-darwin",
    b"k": "cpython-3.13.2+freethreaded+20250409-linux-x86_64-gnu pypy-3.10.16+7.3.19-macos-aarch64-none",
    b"v": "3.12.9 3.15.0rc1 3.8.0a4",
    b"t": "linux-x86_64_v3-musl windows-aarch64-none armv7-unknown-linux-gnueabihf",
}
_ARCHIVES = [
    Archive("3.13.5", "20250612", "linux-x86_64-gnu"),
    Archive("3.13.5", "20250612", "linux-aarch64-musl", "freethreaded"),
    Archive("3.14.0rc1", "20250808", "windows-x86_64-none", sha256=None),
]


def seeds() -> list[bytes]:
    """Return what fuzzing begins with."""
    words = [kind + word.encode() for kind, words in _WORDS.items() for word in words.split()]
    return [*words, b"m" + own_form(_ARCHIVES), b"m" + uv_form(_ARCHIVES, "https://mirror.invalid")]


def _load() -> Target:
    parsers = {
        b"r": importlib.import_module("pyman.requests.request").Request.parse,
        b"k": importlib.import_module("pyman.builds.key").Key.parse,
        b"v": importlib.import_module("pyman.builds.version").Version.parse,
        b"t": importlib.import_module("pyman.builds.target").Target.parse,
    }
    parse_metadata = importlib.import_module("pyman.catalogue.origins").parse
    refusals = (ValueError, importlib.import_module("pyman.errors").PymanError)

    def target(data: bytes) -> None:
        parse = parsers.get(data[:1])
        try:
            if parse:
                value = parse(data[1:].decode("utf-8", "surrogateescape"))
            else:
                metadata = parse_metadata(data[1:], "a document")
                value = [metadata.builds(each) for each in metadata.targets()]
        except refusals:
            return
        if parse and parse(str(value)) != value:
            raise AssertionError(f"{value!r} is not what {value} means")

    return target


if __name__ == "__main__":
    sys.exit(fuzz(_MODULES, seeds(), _load))
