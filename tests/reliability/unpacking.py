"""Makes archives by number and unpacks them, in a process that may have little memory.

    python -m tests.reliability.unpacking SEED FIRST LAST

prints, as JSON, how many of each kind there were, what broke the law, and the memory that was in use.
"""

import bz2
import faulthandler
import gzip
import json
import resource
import sys
import traceback
from collections import Counter
from random import Random

from tests.property.test_archive_law import unpacked_or_refused
from tests.reliability.fuzz_archive import sound_zip, with_checksums
from tests.support import archives
from tests.support.archives import BLOCK, HOSTILE, build, gz, header, padded, pax, record, tar, zst

# Python and its libraries take some 200 MiB of addresses, a thread's stack and heap 72 each; the largest zstd
# window that is let in takes 128.
_MEMORY = 1 << 30
_SECONDS = 60  # for one archive


def _sound(random: Random) -> bytes:
    """Return a sound archive of some format."""
    pack = random.choice([gz, zst, bz2.compress])
    return random.choice([pack(build()), pack(build(*_members(random))), sound_zip()])


def _members(random: Random) -> list[bytes]:
    return [
        archives.member(f"python/lib/file{n}", random.randbytes(random.randrange(3000)))
        for n in range(random.randrange(20))
    ]


def _flipped(random: Random) -> bytes:
    """Turn some bits over."""
    data = bytearray(_sound(random))
    for _ in range(random.choice([1, 1, 2, 10, 100])):
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)
    return bytes(data)


def _truncated(random: Random) -> bytes:
    """Cut the end off, or a piece out of the middle, or repeat one."""
    data = _sound(random)
    start, end = sorted(random.randrange(len(data) + 1) for _ in range(2))
    return random.choice([data[:start], data[:start] + data[end:], data[:end] + data[start:]])


def _fields(random: Random) -> bytes:
    """Write anything into the fields of headers, and put the checksums right."""
    data = bytearray(build(*_members(random)))
    for _ in range(random.randint(1, 6)):
        at = random.randrange(len(data) // BLOCK) * BLOCK
        start = random.choice([0, 100, 108, 116, 124, 136, 156, 157, 257, 263, 265, 329, 345])
        length = random.choice([1, 1, 8, 12, 100])
        junk = random.choice(
            [random.randbytes(length), b"\xff" * length, b"7" * length, b"../" * length, b"\0" * length]
        )
        data[at + start : at + start + length] = junk[:length]
    return gz(with_checksums(bytes(data[: len(data) // BLOCK * BLOCK])))


def _extended(random: Random) -> bytes:
    """Give members PAX records of any kind."""
    members = []
    for n in range(random.randint(1, 5)):
        keys = [
            b"path",
            b"linkpath",
            b"size",
            b"mtime",
            b"GNU.sparse.major",
            b"hdrcharset",
            random.randbytes(3),
        ]
        values = [
            b"python/x",
            b"../x",
            b"-1",
            b"99999999999999999999",
            b"1.5",
            b"",
            random.randbytes(20),
            b"9" * 9000,
        ]
        records = b"".join(
            record(random.choice(keys), random.choice(values)) for _ in range(random.randint(0, 4))
        )
        if random.random() < 1 / 4:
            records = records[: random.randrange(len(records) + 1)] + random.randbytes(random.randrange(9))
        kind = random.choice([b"x", b"x", b"x", b"g", b"L", b"K"])
        members.append(pax(records, kind) + header(b"python/file%d" % n, size=4) + padded(b"data"))
    return gz(build(*members))


def _shuffled(random: Random) -> bytes:
    """Put blocks of several hostile tars together."""
    blocks = []
    for case in random.sample(sorted(HOSTILE.items()), 3):
        try:
            data = gzip.decompress(case[1].data)[: 64 * BLOCK]
        except (OSError, EOFError):
            continue
        at = random.randrange(len(data) // BLOCK + 1) * BLOCK
        blocks.append(data[at:])
    return gz(tar(*blocks))


def _bombs(random: Random) -> bytes:
    """Promise or be far more than fits into memory."""
    size = random.choice([1 << 28, 1 << 29])
    window = archives.zst_window(build()[:BLOCK], random.randint(20, 31))
    number: bytes | int = random.choice([b"77777777777\0", b"\x80" + b"\x7f" * 11])
    claims = gz(build(header(b"python/large", size=number)))
    inside = gz(build(header(b"python/large", b"x", size=1 << 20)) + bytes(1 << 20))
    return random.choice([archives.bomb(size), window, claims, inside])


_MAKERS = {
    "bits turned over": _flipped,
    "cut, shortened, repeated": _truncated,
    "fields of headers, checksums put right": _fields,
    "PAX and GNU records": _extended,
    "parts of hostile archives": _shuffled,
    "bombs and lies about sizes": _bombs,
}
KINDS = list(_MAKERS)


def main() -> None:
    """Unpack the archives of these numbers."""
    seed, first, last = map(int, sys.argv[1:])
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY,) * 2)
    times, wrong = Counter[str](), []
    for number in range(first, last):
        random = Random(f"{seed} hostile {number}")  # noqa: S311 - no secret
        # Bombs take long: they are every hundredth.
        kind = KINDS[number % (len(KINDS) - 1)] if number % 100 else KINDS[-1]
        times[kind] += 1
        faulthandler.dump_traceback_later(_SECONDS, exit=True)
        try:
            unpacked_or_refused(_MAKERS[kind](random), random.choice([1, 100, 700, 100_000]))
        except BaseException:  # noqa: BLE001 - whatever it is, it is against the law
            wrong.append((number, kind, traceback.format_exc()[-1500:]))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"times": times, "wrong": wrong, "memory": memory}))


if __name__ == "__main__":
    main()
