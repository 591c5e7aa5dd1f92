"""`pyman sbom`: what it lists, judged by the schema, and that it is the same again."""

import ast
import hashlib
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.conftest import Offer, Pyman
from tests.support import needs, schema
from tests.support.builds import Archive, write_archive
from tests.support.server import Server

FOREIGN = Archive("3.13.5", "20250612", "linux-riscv64-gnu")
WHEN = {"SOURCE_DATE_EPOCH": "1750000000"}
SITE = "python/lib/python3.13/site-packages"
ASK = (
    "import ssl, sqlite3, zlib, pyexpat; print([ssl.OPENSSL_VERSION.split()[1], sqlite3.sqlite_version,"
    " zlib.ZLIB_RUNTIME_VERSION, pyexpat.EXPAT_VERSION[6:]])"
)


def properties(component: dict[str, Any]) -> dict[str, str]:
    return {each["name"]: each["value"] for each in component.get("properties", [])}


def test_what_the_interpreter_tells(pyman: Pyman, offer: Offer, fixtures: Path) -> None:
    offer()
    archive = needs.runs_here(fixtures, "3.13.0")
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    pyman("install", archive, "--sha256", digest)
    (key,) = pyman.installed()
    told = pyman("sbom", env=WHEN).stdout
    assert '"timestamp": "2025-06-15T15:06:40Z"' in told
    found = schema.components(told)
    python = found["python"]
    assert python["hashes"] == [{"alg": "SHA-256", "content": digest}]
    assert "externalReferences" not in python  # nobody knows where it was published
    assert properties(python) == {"pyman:key": key, "pyman:file": archive.name, "pyman:verified": "true"}
    # What it says of its libraries is what it says itself, and nothing was written by asking.
    asked = subprocess.run(
        [pyman.store / key / "bin" / "python3", "-I", "-B", "-c", ASK], capture_output=True, check=True
    )
    names = ("openssl", "sqlite", "zlib", "expat")
    assert [found[f"library:{name}"]["version"] for name in names] == ast.literal_eval(asked.stdout.decode())
    assert found["library:openssl"]["licenses"] == [{"license": {"id": "Apache-2.0"}}]
    assert properties(found["library:libffi"])["pyman:version"] == "unknown"
    assert "version" not in found["library:libffi"]
    assert found["site-packages:pip"]["purl"] == f"pkg:pypi/pip@{found['site-packages:pip']['version']}"
    assert pyman("verify", "--json").json["installations"][0]["added"]["bytecode"] == []
    # The same again, whatever is asked for; a package that was added is in it.
    assert pyman("sbom", "3.13", env=WHEN).stdout == told
    lay_package(pyman.store / key / "lib" / "python3.13" / "site-packages")
    more = schema.components(pyman("sbom", key, env=WHEN).stdout)
    assert more.keys() - found.keys() == {"site-packages:some-thing"}
    assert more["site-packages:some-thing"]["licenses"] == [{"expression": "MIT OR Apache-2.0"}]


def lay_package(site: Path) -> None:
    folder = site / "Some_thing-1.0+x.dist-info"
    folder.mkdir()
    text = "Metadata-Version: 2.4\nName: Some_thing\nVersion: 1.0+x\nLicense-Expression: MIT OR Apache-2.0\n"
    (folder / "METADATA").write_text(text, encoding="utf-8")


def test_what_is_for_another_machine_is_not_started(pyman: Pyman, server: Server, offer: Offer) -> None:
    trace = pyman.root / "trace"
    files = {
        "python/bin/python3.13": f"#!/bin/sh\ntouch {trace}\n".encode(),
        "python/lib/python3.13/os.py": b"",
        "python/lib/python3.13/lib-dynload/_ssl.cpython-313-riscv64-linux-gnu.so": b"",
        "python/lib/python3.13/lib-dynload/.empty": b"",
        "python/lib/python3.13/ensurepip/_bundled/pip-25.1.1-py3-none-any.whl": b"wheel",
        f"{SITE}/pip-25.1.1.dist-info/METADATA": b"Metadata-Version: 2.1\nName: pip\nVersion: 25.1.1\n",
        f"{SITE}/half-1.dist-info/METADATA": b"",
    }
    archive = write_archive(server.folder, FOREIGN, files)
    offer(archive)
    pyman("install", "3.13", "--target", archive.target)
    found = schema.components(pyman("sbom", archive.key).stdout)
    reference = found["python"]["externalReferences"][0]
    assert reference["url"] == f"{server.url}/{archive.path.replace('+', '%2B')}"
    assert reference["hashes"] == [{"alg": "SHA-256", "content": archive.sha256}]
    assert "not asked: it is for linux-riscv64-gnu" in properties(found["python"])["pyman:libraries"]
    others = {"library:openssl", "site-packages:pip", "ensurepip:pip-25.1.1-py3-none-any.whl"}
    assert found.keys() == {"python", *others}
    assert "version" not in found["library:openssl"]
    assert not trace.exists()
    assert "nothing installed fits" in pyman("sbom", "3.13", code=1).stderr
    wrong = pyman("sbom", archive.key, code=2, env={"SOURCE_DATE_EPOCH": "today"}).stderr
    assert "SOURCE_DATE_EPOCH is no time: today" in wrong
    shutil.rmtree(pyman.store / archive.key / "lib")
    assert schema.components(pyman("sbom", archive.key).stdout).keys() == {"python"}
