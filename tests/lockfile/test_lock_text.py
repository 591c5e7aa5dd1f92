"""What a lock may look like, and what it becomes when it is written anew."""

from pathlib import Path

import pytest

from pyman.errors import MetadataError, NewerFormError
from pyman.lockfile import lock_reader, lock_writer

HEAD = 'format = 1\nrequests = ["3"]\ntargets = ["linux-x86_64-musl"]\n'
KEY = '[[build]]\nkey = "cpython-3.13.5+20250612-linux-x86_64-musl"\n'
FACTS = f'requests = ["3"]\nurl = "https://x/y"\nsha256 = "{"0" * 64}"\n'


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("format = 1\nrequests = [", 2, "Invalid value"),
        ("x = 1\n", 1, "format is not 1"),
        ('format = 1\nrequests = ["nonsense"]\n', 2, "not a Python request"),
        ('format = 1\nrequests = ["3"]\ntargets = ["vax"]\n', 3, "not a target"),
        (HEAD + "build = 3\n", 4, "not a list of tables"),
        (HEAD + '[[build]]\nkey = "x"\n', 5, "not a build's key: 'x'"),
        (HEAD + "[[build]]\n", 4, "not a build's key: None"),
        (HEAD + KEY + 'url = "ftp://x/y"\n', 6, "the url of "),
        (HEAD + KEY + 'url = "https://x/\\nRUN rm"\n', 6, "the url of "),
        (HEAD + KEY + 'url = "https://x/y"\nsha256 = "z"\n', 7, "has no sha256"),
        (HEAD + KEY + FACTS + "size = -1\n", 9, "is no number of bytes"),
        (HEAD + KEY + FACTS.replace('"3"', '"3.12"'), 6, "is not what cpython-3.12 asks for"),
        (HEAD + KEY + FACTS + KEY + FACTS, 10, "is locked twice"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text: str, line: int, why: str) -> None:
    with pytest.raises(MetadataError) as caught:
        lock_reader.parse(text, Path("x/pyman.lock"))
    assert caught.value.message.startswith(f"{Path('x/pyman.lock')}:{line}: ")
    assert why in caught.value.message
    assert caught.value.hint


def test_a_later_form() -> None:
    with pytest.raises(NewerFormError, match="is of form 2"):
        lock_reader.parse("format = 2\n", Path("pyman.lock"))


def test_what_is_written_is_read_again_and_does_not_change() -> None:
    lock = lock_reader.parse(HEAD + KEY + FACTS, Path("pyman.lock"))
    text = lock_writer.rendered(lock)
    assert lock_reader.parse(text, lock.path) == lock
    assert lock_writer.rendered(lock, text) == text


def test_what_the_library_cannot_keep_is_left_alone() -> None:
    lock = lock_reader.parse(HEAD + KEY + FACTS, Path("pyman.lock"))
    with pytest.raises(MetadataError, match="cannot keep the comments"):
        lock_writer.rendered(lock, "x = [")
