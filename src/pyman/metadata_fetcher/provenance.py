"""`python -m pyman.metadata_fetcher.provenance NEW`: see that new builds are the build project's own.

Its release workflow signs one statement for all archives of a release, which lists the SHA-256 of each
(https://github.com/astral-sh/python-build-standalone, `.github/workflows/release.yml`: the attestation of
`dist/*.tar.gz` and `dist/*.tar.zst`). So of each release one archive a target is downloaded, hashed, and
verified with `gh attestation verify` (https://cli.github.com/manual/gh_attestation_verify); the digests of
the others have to stand in a statement that was verified so, beside the name of their archive. One that does
not is downloaded and verified by itself.
"""

import json
import re
import subprocess
import sys
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import IO
from urllib.parse import quote

import click

from pyman.catalogue.build import Build
from pyman.errors import MetadataError, PymanError
from pyman.metadata_fetcher import addition
from pyman.network.download import downloading
from pyman.release_index import document

REPOSITORY = "astral-sh/python-build-standalone"
WORKFLOW = f"{REPOSITORY}/.github/workflows/release.yml"
# The statement has the names from before the release: with the time of the build, without the release.
_NAME = re.compile(
    r"(?P<python>cpython-[\w.]+)(\+[0-9]{8})?(?P<content>-[\w+-]+?)(-full)?(-[0-9]{8}T[0-9]{4})?"
    r"(?P<suffix>\.tar\.(gz|zst))",
    re.ASCII,
)
_HINT = "Nothing of it may enter the metadata: find out who made it."


@dataclass(slots=True)
class Attested:
    """What verified statements of one release list: digests with the plain names of their archives.

    `downloads` counts the archives that were looked at for them.
    """

    archives: set[tuple[str, str]] = field(default_factory=set)
    downloads: int = 0

    def lists(self, build: Build) -> bool:
        """Whether the digest of the build is among them, as that of an archive of its name."""
        return (build.sha256, _plain(build.file_name)) in self.archives


@click.command(name="python -m pyman.metadata_fetcher.provenance")
@click.argument("new", type=click.File("rb"))
@click.option("--origin", default=document.ORIGIN, show_default=True, help="Where the archives have to be.")
def main(new: IO[bytes], origin: str) -> None:
    """Verify the build provenance of the builds listed in NEW, which the fetcher writes with --new.

    Needs the tool gh, and what it needs to ask its host. Says on stdout, in Markdown, what was verified;
    exits with 1 at the first build of which nobody knows who made it.
    """
    try:
        builds = addition.parse(new.read(), new.name)
        lines = list(verify(builds, origin))
    except PymanError as error:
        click.echo(f"error: {error.message}\nhint: {error.hint}", err=True)
        sys.exit(error.exit_code)
    click.echo("\n".join(lines))


def verify(builds: Collection[Build], origin: str) -> Iterator[str]:
    """Yield what was verified, in Markdown; MetadataError or FetchError at the first build that is not."""
    yield "\n## Provenance\n"
    releases: dict[str, list[Build]] = {}
    for build in builds:
        _check_place(build, origin)
        releases.setdefault(build.key.release, []).append(build)
    for release, rows in sorted(releases.items(), reverse=True):
        attested = _verified(rows)
        yield (
            f"- {release}: {len(rows)} checksums stand in statements signed by `{WORKFLOW}`; "
            f"{attested.downloads} archives, at least one a target, were downloaded and compared"
        )
    if not builds:
        yield "There was nothing to verify."


def _verified(rows: Iterable[Build]) -> Attested:
    """Verify the builds of one release: one a target, and what the statements about those do not list."""
    attested = Attested()
    seen = set()
    for build in sorted(rows, key=lambda build: "-full." in build.file_name):  # the small ones first
        if build.key.target in seen and attested.lists(build):
            continue
        click.echo(f"verifying {build.file_name}", err=True)
        attested.archives |= _statements(build)
        attested.downloads += 1
        seen.add(build.key.target)
        if not attested.lists(build):
            raise MetadataError(f"the digest of {build.url} is attested for another archive", _HINT)
    return attested


def _check_place(build: Build, origin: str) -> None:
    """Raise MetadataError unless the archive has a digest and is where the build project has its own."""
    expected = f"{origin}/{build.key.release}/{quote(build.file_name)}"
    if build.url != expected or not _NAME.fullmatch(build.file_name):
        raise MetadataError(f"{build.url} is not an archive of {origin}", _HINT)
    if not re.fullmatch("[0-9a-f]{64}", build.sha256 or ""):
        raise MetadataError(f"{build.url} has no sha256 that could be verified", _HINT)


def _statements(build: Build) -> set[tuple[str, str]]:
    """Download the archive, and return what the verified statements about it list."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "archive"
        with downloading(build.url, Event()) as stream, path.open("wb") as file:
            for chunk in stream:
                file.write(chunk)
            stream.check(build.sha256 or "")
        said = _gh_says(path, build.url)
    try:
        statements = [each["verificationResult"]["statement"] for each in json.loads(said)]
        subjects = [subject for each in statements for subject in each["subject"]]
        return {(subject["digest"]["sha256"], _plain(subject["name"])) for subject in subjects}
    except (ValueError, KeyError, TypeError) as error:
        raise MetadataError(f"what gh says of {build.url} is not understood: {error!r}", _HINT) from None


def _gh_says(path: Path, url: str) -> str:
    """Return what `gh` found out about the archive at `path`, as JSON; MetadataError if it is not verified.

    That the machine which built it is the host's own is not asked for: the project releases on others.
    """
    command = ["gh", "attestation", "verify", str(path), "--repo", REPOSITORY, "--signer-workflow", WORKFLOW]
    try:
        done = subprocess.run(  # noqa: S603 - the host's own tool
            [*command, "--format", "json"], capture_output=True, check=False, encoding="utf-8"
        )
    except OSError as error:
        raise MetadataError(f"cannot start gh: {error.strerror}", "Get it: https://cli.github.com") from None
    if done.returncode:
        raise MetadataError(f"gh cannot verify who made {url}: {done.stderr.strip()}", _HINT)
    return done.stdout


def _plain(name: str) -> str:
    """The name of an archive without what only a release, or only a build, has in it."""
    found = _NAME.fullmatch(name)
    return found["python"] + found["content"] + found["suffix"] if found else name


if __name__ == "__main__":
    main()
