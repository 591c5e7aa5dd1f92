"""New builds are verified before their digests enter the file: with a `gh` that knows what was attested."""

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from click.testing import CliRunner
from tests.conftest import ELSEWHERE
from tests.support.server import Server, cut_body, wrong_byte

from pyman.metadata_fetcher import provenance

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason=ELSEWHERE + "a script that is called gh is no program there"
)

# What the real tool does of what is used: it prints the statements about a file, or says that there is none.
GH = """\
    #!{python}
    import hashlib, json, pathlib, sys
    folder = pathlib.Path(__file__).parent
    with (folder / "asked").open("a") as asked:
        asked.write(json.dumps(sys.argv[1:]) + "\\n")
    digest = hashlib.sha256(pathlib.Path(sys.argv[3]).read_bytes()).hexdigest()
    about = [
        each for each in json.loads((folder / "attested").read_text())
        if digest in [subject["digest"]["sha256"] for subject in each]
    ]
    if not about:
        sys.exit(f"Error: no attestations found for subject sha256:{{digest}}")
    print(json.dumps([{{"verificationResult": {{"statement": {{"subject": each}}}}}} for each in about]))
    """
GNU, MUSL = "x86_64-unknown-linux-gnu", "x86_64-unknown-linux-musl"
TARGETS = {GNU: "linux-x86_64-gnu", MUSL: "linux-x86_64-musl"}


@dataclass
class Host:
    """The release host and its `gh`: `new` is what the fetcher lists, `attested` each release's statement."""

    server: Server
    folder: Path
    new: list[dict[str, Any]] = field(default_factory=list)
    attested: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def publish(
        self,
        triple: str,
        content: str = "install_only_stripped",
        *,
        version: str = "3.14.1",
        release: str = "20261201",
        signed: bool = True,
    ) -> dict[str, Any]:
        """Publish an archive and list it; its statement names it as it was called before the release."""
        kind = "tar.zst" if content.endswith("-full") else "tar.gz"
        name = f"cpython-{version}+{release}-{triple}-{content}.{kind}"
        path = self.server.folder / release / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(name.encode())
        digest = sha256(name.encode()).hexdigest()
        early = f"cpython-{version}-{triple}-{content.removesuffix('-full')}-20261130T2142.{kind}"
        if signed:
            self.attested.setdefault(release, []).append({"name": early, "digest": {"sha256": digest}})
        variant = "+debug" if content.startswith("debug") else ""
        self.new.append(
            {
                "key": f"cpython-{version}{variant}+{release}-{TARGETS[triple]}",
                "url": f"{self.server.url}/{release}/{name.replace('+', '%2B')}",
                "sha256": digest,
            }
        )
        return self.new[-1]

    def verify(self, *, exit_code: int = 0) -> str:
        """Run the program; return what it said on both streams."""
        listed = self.folder / "new.json"
        listed.write_text(json.dumps({"release": "", "builds": self.new}))
        (self.folder / "attested").write_text(json.dumps(list(self.attested.values())))
        result = CliRunner().invoke(
            provenance.main, [str(listed), "--origin", self.server.url], catch_exceptions=False
        )
        assert result.exit_code == exit_code, result.output
        assert (exit_code == 0) == bool(result.stdout)
        return result.output

    @property
    def asked(self) -> list[list[str]]:
        """The arguments of every call of `gh`."""
        path = self.folder / "asked"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture
def host(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    tool = tmp_path / "gh"
    tool.write_text(dedent(GH).format(python=sys.executable))
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    return Host(server, tmp_path)


def files(rows: Sequence[dict[str, Any]]) -> list[str]:
    return [row["url"].rpartition("/")[2].replace("%2B", "+") for row in rows]


def test_one_archive_a_target_stands_for_all_of_its_release(host: Host) -> None:
    for triple in (GNU, MUSL):
        for content in ("debug-full", "install_only_stripped"):
            host.publish(triple, content)
    said = host.verify()
    small = [name for name in files(host.new) if name.endswith(".gz")]
    assert [asked.file for asked in host.server.asked] == small
    assert "\n## Provenance\n\n- 20261201: 4 checksums stand in statements signed by `astral-sh/" in said
    assert "; 2 archives, at least one a target, were downloaded and compared\n" in said
    repository = "astral-sh/python-build-standalone"
    signer = f"{repository}/.github/workflows/release.yml"
    for command in host.asked:
        assert command[:2] == ["attestation", "verify"]
        assert command[3:] == ["--repo", repository, "--signer-workflow", signer, "--format", "json"]


def test_a_statement_of_another_release_counts_for_nothing(host: Host) -> None:
    host.publish(GNU)
    row = host.publish(GNU, release="20261130", signed=False)
    # Attested, but with the archives of the release after it.
    name = "cpython-3.14.1-x86_64-unknown-linux-gnu-install_only_stripped-20261130T2142.tar.gz"
    host.attested["20261201"].append({"name": name, "digest": {"sha256": row["sha256"]}})
    host.verify()
    assert len(host.asked) == 2


def test_what_no_statement_lists_is_verified_by_itself(host: Host) -> None:
    host.publish(GNU)
    host.publish(GNU, "debug-full", signed=False)
    said = host.verify(exit_code=1)
    assert len(host.asked) == 2
    assert f"gh cannot verify who made {host.new[1]['url']}: Error: no attestations found for subject" in said
    assert "hint: Nothing of it may enter the metadata" in said
    name = "cpython-3.14.1-x86_64-unknown-linux-gnu-debug-20261130T2142.tar.zst"
    host.attested["alone"] = [{"name": name, "digest": {"sha256": host.new[1]["sha256"]}}]
    assert "2 checksums stand in statements" in host.verify()


def test_a_digest_that_is_attested_for_another_archive_is_refused(host: Host) -> None:
    """An old Python under the name of a new one, say: the project's own, but not what it is called."""
    host.publish(GNU)
    old = host.publish(GNU, version="3.9.0")
    new = host.publish(GNU, version="3.14.2", signed=False)
    (host.server.folder / "20261201" / files([new])[0]).write_bytes(files([old])[0].encode())
    new["sha256"] = old["sha256"]
    assert f"the digest of {new['url']} is attested for another archive" in host.verify(exit_code=1)


def test_an_archive_that_has_another_digest_is_refused(host: Host) -> None:
    row = host.publish(GNU)
    host.server.spoil(files([row])[0], wrong_byte)
    assert "is text and no archive" in host.verify(exit_code=1)  # which is what stands for one here
    assert host.asked == []


def test_an_archive_that_cannot_be_had_is_an_error(host: Host) -> None:
    row = host.publish(GNU)
    host.server.spoil(files([row])[0], cut_body)
    assert host.verify(exit_code=1).count("error: ") == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"url": "http://127.0.0.1:9/20261201/cpython-3.14.1%2B20261201-x86_64-unknown-linux-gnu-full.tar.gz"},
        {"url": "{folder}/cpython-3.14.1%2B20261201-%2F..%2Fx.tar.gz"},
        {"url": "{folder}/../20261201/{file}"},
        {"url": "{folder}/{file}?x"},
        {"url": "{folder}/something.tar.gz"},
        {"url": "file:///etc/passwd"},
        {"sha256": None},
        {"sha256": "A" * 64},
        {"sha256": "a" * 63},
    ],
)  # fmt: skip
def test_what_is_not_where_the_project_has_its_own_is_refused(host: Host, changed: dict[str, Any]) -> None:
    row = host.publish(GNU)
    folder, _, file = row["url"].rpartition("/")
    row |= {
        name: value and value.replace("{folder}", folder).replace("{file}", file)
        for name, value in changed.items()
    }
    said = host.verify(exit_code=1)
    assert "is not an archive of" in said or "has no sha256 that could be verified" in said
    assert host.server.asked == []


def test_builds_of_others_than_the_project_are_refused(host: Host) -> None:
    row = {"key": "pypy-3.11.17+8.0.1-linux-x86_64-gnu", "url": f"{host.server.url}/8.0.1/pypy.tar.gz"}
    host.new.append(row | {"sha256": "a" * 64})
    assert "is not an archive of" in host.verify(exit_code=1)


def test_nothing_new_is_nothing_to_verify(host: Host) -> None:
    assert host.verify() == "\n## Provenance\n\nThere was nothing to verify.\n"


@pytest.mark.parametrize(
    "said", ["", "[]", "{}", "[{}]", "null", '[{"verificationResult": {"statement": 5}}]']
)
def test_what_is_not_understood_of_gh_is_refused(host: Host, said: str) -> None:
    host.publish(GNU)
    (host.folder / "gh").write_text(f"#!/bin/sh\ncat <<'END'\n{said}\nEND\n")
    assert "error: " in host.verify(exit_code=1)


def test_without_gh_nothing_is_verified(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    host.publish(GNU)
    monkeypatch.setenv("PATH", str(host.folder / "none"))
    assert "error: cannot start gh: " in host.verify(exit_code=1)


@pytest.mark.parametrize("listed", ["", "[]", "{}", '{"builds": [{}]}', '{"builds": [{"key": 5}]}', "\xff"])
def test_a_list_that_is_none_is_an_error(tmp_path: Path, listed: str) -> None:
    path = tmp_path / "new.json"
    path.write_bytes(listed.encode("latin-1"))
    result = CliRunner().invoke(provenance.main, [str(path)], catch_exceptions=False)
    assert result.exit_code == 1
    assert "is not a list of new builds" in result.stderr
    assert not result.stdout
