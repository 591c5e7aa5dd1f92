"""`python -m pyman.metadata_fetcher`: make download-metadata.json from the release index."""

import sys
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import IO, NoReturn

import click
from click.core import ParameterSource

from pyman.builds.key import Implementation
from pyman.errors import MetadataError, PymanError
from pyman.metadata_fetcher import addition, report, vulnerability_list
from pyman.metadata_fetcher.summary import Change, Papers
from pyman.release_index import artifact, document, index, others, rules
from pyman.release_index.artifact import Artifact, Skipped
from pyman.system import whole_file


@click.command(name="python -m pyman.metadata_fetcher")
@click.option("--index", "location", default=index.PUBLISHED, show_default=True, help="File or URL.")
@click.option(
    "--others",
    "others_location",
    help="File or URL of builds of PyPy and GraalPy; without it those there stay.",
)
@click.option("--output", type=click.Path(path_type=Path), default=document.NAME, show_default=True)
@click.option(
    "--only-newer",
    is_flag=True,
    help="Only add builds, of releases not older than the newest there is for their target and variant.",
)
@click.option(
    "--vulnerabilities",
    "records",
    help="File, folder or URL of vulnerability records: OSV documents, or short ones. Makes the list of "
    "vulnerabilities; the builds stay as they are unless --index or --others is given too.",
)
@click.option(
    "--vulnerabilities-output",
    "list_output",
    type=click.Path(path_type=Path),
    default=vulnerability_list.PLACE,
    show_default=True,
)
@click.option(
    "--vulnerabilities-date",
    "list_date",
    type=click.DateTime(["%Y-%m-%d"]),
    help="The day up to which the records are whole; without it that of the list stays, unless a record "
    "without a fix is newer.",
)
@click.option("--summary", type=click.File("w", "utf-8"), help="Write what changes in Markdown to this file.")
@click.option("--new", type=click.File("w", "utf-8"), help="List new builds in this file, to be verified.")
@click.option("--check", is_flag=True, help="Write nothing; exit 1 if a file would change.")
@click.pass_context
def main(  # noqa: PLR0913 - one parameter an option
    context: click.Context,
    *,
    location: str,
    others_location: str | None,
    output: Path,
    only_newer: bool,
    records: str | None,
    list_output: Path,
    list_date: datetime | None,
    summary: IO[str] | None,
    new: IO[str] | None,
    check: bool,
) -> None:
    """Make download-metadata.json from the release index of python-build-standalone.

    A summary goes to stderr. A digest that is already in the file is never changed.
    """
    of_builds = ("location", "others_location", "only_newer", "new")
    builds_too = not records or any(_is_given(context, name) for name in of_builds)
    if not builds_too and _is_given(context, "output") and not _is_given(context, "list_output"):
        list_output = output
    changed, papers = False, Papers(summary, new)
    try:
        # Both before anything is fetched: neither is written where the other cannot be.
        _check_places(output if builds_too else None, list_output if records else None)
        if builds_too:
            changed |= make(
                location, others_location, output, write=not check, only_newer=only_newer, papers=papers
            )
        if records:
            day = list_date.date() if list_date else None
            is_new, said = vulnerability_list.make(records, list_output, day, write=not check)
            changed |= is_new
            tell(said)
            papers.note("Known vulnerabilities", said)
    except PymanError as error:
        _fail(error)
    sys.exit(1 if check and changed else 0)


def _check_places(*paths: Path | None) -> None:
    for path in filter(None, paths):
        whole_file.place(path)


def _fail(error: PymanError) -> NoReturn:
    tell([f"error: {error.message}"])
    tell([f"hint: {error.hint}"] if error.hint else [])
    sys.exit(error.exit_code)


def make(  # noqa: PLR0913 - what the program was told
    location: str,
    others_location: str | None,
    output: Path,
    *,
    write: bool,
    only_newer: bool = False,
    papers: Papers = Papers(),  # noqa: B008 - frozen
) -> bool:
    """Bring `output` up to date with the index at `location`, and say on stderr what that changes.

    The builds of other implementations are those at `others_location`; if that is None they stay as they are.
    With `only_newer` builds are added as `addition.only_newer` says. Accounts of the change go to `papers`.
    Returns whether the file changes; without `write` it only would. Raises PymanError, with nothing written.
    """
    artifacts, skipped = artifact.parse_all(index.records(index.read(location), location))
    more, more_skipped = _others(others_location)
    tell(report.skips([*skipped, *more_skipped]))
    for found, place in ((artifacts, location), (more, others_location)):
        if place and not found:
            raise MetadataError(f"no artifact of {place} was understood", "An empty file would help nobody.")
    present = document.read(output)
    before = [] if present is None else document.builds_in(present, str(output))
    known = {build.url: build.sha256 for build in before if build.sha256}
    builds, dropped = rules.choose(rules.settle_digests([*artifacts, *more], known))
    if not others_location:
        builds += [build for build in before if build.key.implementation is not Implementation.CPYTHON]
    builds, left = addition.only_newer(before, builds) if only_newer else (builds, [])
    tell(report.changes(before, builds, dropped))
    papers.write(Change(before, builds, [*skipped, *more_skipped], dropped, left))
    made = document.render(builds)
    if write and made != present:
        document.write(output, made)
    tell([f"{output}: {'up to date' if made == present else 'written' if write else 'would change'}"])
    return made != present


def _others(location: str | None) -> tuple[list[Artifact], list[Skipped]]:
    return others.parse_all(others.rows(index.read(location), location)) if location else ([], [])


def _is_given(context: click.Context, name: str) -> bool:
    return context.get_parameter_source(name) is not ParameterSource.DEFAULT


def tell(lines: Iterable[str]) -> None:
    """Print the lines on stderr."""
    for line in lines:
        click.echo(line, err=True)


if __name__ == "__main__":
    main()
