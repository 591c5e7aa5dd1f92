"""The list of files: it is read as it was written, and whatever is not as it is listed is named."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from pyman.builds.key import Key
from pyman.inventory import manifest, verification
from pyman.inventory.manifest import File, Manifest
from pyman.store.installations import Installation

KEY = Key.parse("cpython-3.13.5+20250612-linux-riscv64-gnu")
NAMES = ["bin/python3.13", "lib/a", "lib/b", "lib/deep/er/c", "top"]
files = st.builds(File, st.integers(min_value=0), st.text("0123456789abcdef"), st.booleans())
any_text = st.text(st.characters(exclude_categories=[]))
manifests = st.dictionaries(any_text, files | any_text)
trees = st.dictionaries(st.sampled_from(NAMES), st.binary(max_size=3))


@given(manifests)
def test_is_read_as_it_was_written(listed: Manifest) -> None:
    record = {"key": str(KEY), "url": "x", "files": listed}
    text = manifest.document(record)
    assert json.loads(text)["files"].keys() == listed.keys()
    with TemporaryDirectory() as folder:
        (Path(folder) / ".pyman.json").write_text(text, encoding="utf-8")
        assert manifest.load(Installation(KEY, Path(folder))) == listed


@given(trees, trees)
def test_what_is_not_as_it_is_listed_is_named(before: dict[str, bytes], after: dict[str, bytes]) -> None:
    with TemporaryDirectory() as folder:
        original, root = Path(folder) / "before", Path(folder) / "after"
        write(original, before)
        write(root, after)
        record = {"key": str(KEY), "files": manifest.take(original, {})}
        (root / ".pyman.json").write_text(manifest.document(record), encoding="utf-8")
        report = verification.check(Installation(KEY, root))
    assert report
    both = before.keys() & after.keys()
    assert [each.name for each in report.modified] == sorted(n for n in both if before[n] != after[n])
    assert report.missing == sorted(before.keys() - after.keys())
    assert report.added.other == sorted(after.keys() - before.keys())
    assert report.is_intact == (before == after)


def write(root: Path, tree: dict[str, bytes]) -> None:
    root.mkdir(exist_ok=True)
    for name, content in tree.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
