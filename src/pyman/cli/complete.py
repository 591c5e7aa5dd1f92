"""What completion offers when a shell asks for it, as it does at each press of the tab key.

A command has to do nothing for it: `attach` gives parameters what completes them by their names, and what was
given to click as `shell_complete=` comes before that. Nothing here reaches for the network, and no error is
printed: it would only clutter the line that is being typed.
"""

import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress

import click
from click.shell_completion import CompletionItem, shell_complete

from pyman.builds.key import Key
from pyman.catalogue.build import Metadata
from pyman.cli import powershell, settings
from pyman.cli.configured import environ
from pyman.errors import MetadataError, PymanError
from pyman.report.listing import Depth, available, order
from pyman.requests.request import Request

VARIABLE = "_PYMAN_COMPLETE"
_PATCH_BEGUN = re.compile(r"[0-9]+\.[0-9]+\.")
# What may stand before a version, as pyman or another tool writes it, and what after it.
_BEFORE = re.compile(r"(v|V|~=?|\^|[<>]=?|[=!]=|(c?python|py)@?)(?=[0-9])")
_AFTER = re.compile(r"(?P<version>[0-9]+(\.[0-9]+)*t?)-")
_WORDS = {
    "any": "whatever is there",
    "default": "whatever is there",
    "latest": "the newest stable version",
}

# What may be typed, and a few words on each.
Offers = Iterator[tuple[str, str]]


def run(cli: click.Group, instruction: str) -> int:
    """Print what completes the command line that the shell hands over in variables; return the exit code."""
    powershell.register()
    try:
        return shell_complete(cli, {}, "pyman", VARIABLE, instruction)
    except Exception:
        if os.environ.get("PYMAN_DEBUG"):
            raise
        return 1


def attach(command: click.Command) -> click.Command:
    """Give the parameters of `command` that are plain text what completes them, and return it."""
    for parameter in command.params:
        offers = _OFFERS.get(f"{command.name} {parameter.name}") or _OFFERS.get(parameter.name or "")
        if offers and parameter.type is click.STRING:
            parameter.type = _Completed(offers)
    return command


def requests(context: click.Context, begun: str) -> Offers:
    """What is installed, then what can be: minor versions, patches once one is begun, else keys.

    What was begun as another tool writes it goes on so; words and targets are offered once one is begun.
    """
    before = _BEFORE.match(begun)
    if before:
        offers = requests(context, begun[before.end() :])
        yield from ((before[0] + text, about) for text, about in offers)
        return
    yield from _named((each.key for each in settings.store().visible()), begun, "is installed")
    yield from _named(_available(context, begun), begun, "can be installed")
    if after := _AFTER.match(begun):
        yield f"{after['version']}-dev", "the newest of it, also a pre-release"
        yield f"{after['version']}-latest", "the newest of it"
    if begun[:1].isalpha():
        yield from _WORDS.items()
        yield from targets(context, begun)


def minors(context: click.Context, begun: str) -> Offers:
    """What is installed, in the same way."""
    del context
    yield from _named((each.key for each in settings.store().installations()), begun, "is installed")


def installed(context: click.Context, begun: str) -> Offers:
    """What is installed, each by its full version or key."""
    del context
    for each in settings.store().installations():
        yield str(each.key) if begun[:1].isalpha() else _full(each.key), str(each.key)


def targets(context: click.Context, begun: str) -> Offers:
    """The targets for which there are builds."""
    del begun
    for target in _metadata(context).targets():
        yield str(target), ""


def names(context: click.Context, begun: str) -> Offers:
    """What `pyman help` has a text on: commands and topics."""
    from pyman.report import manual

    del begun
    root = context.find_root()
    if isinstance(root.command, click.Group):
        yield from ((name, "") for name in root.command.list_commands(root))
    yield from manual.TOPICS.items()


_OFFERS: dict[str, Callable[[click.Context, str], Offers]] = {
    "request": requests,
    "requests": requests,
    "python": requests,
    "minors": minors,
    "audit requests": minors,
    "help name": names,
    "sbom request": installed,
    "uninstall requests": installed,
    "venv words": requests,
    "verify requests": installed,
    "target": targets,
    "targets": targets,
}


class _Completed(click.types.StringParamType):
    """A text, completed by what `offers` yields."""

    def __init__(self, offers: Callable[[click.Context, str], Offers]) -> None:
        self._offers = offers

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        del param
        found: dict[str, str] = {}
        with suppress(PymanError, OSError):
            for text, about in self._offers(ctx, incomplete):
                found.setdefault(text, about)
        return [
            CompletionItem(text, help=about or None)
            for text, about in found.items()
            if text.startswith(incomplete)
        ]


def _named(keys: Iterable[Key], begun: str, fact: str) -> Offers:
    for key in sorted(keys, key=order, reverse=True):
        if begun[:1].isalpha():
            yield str(key), fact
        elif _PATCH_BEGUN.match(begun):
            yield _full(key), fact
        else:
            yield (
                f"{key.version.major}.{key.version.minor}{key.variant.abi_suffix}",
                f"{key.version} {fact}",
            )


def _full(key: Key) -> str:
    return f"{key.version}{key.variant.abi_suffix}"


def _available(context: click.Context, begun: str) -> Iterator[Key]:
    machine = settings.machine(context.params.get("target") or environ().get("PYMAN_TARGET"))
    depth = Depth.VERSIONS if _PATCH_BEGUN.match(begun) else Depth.NEWEST_PATCH
    any_request = Request.parse("any")
    builds = available(_metadata(context), [machine.target], any_request, machine, depth)
    return (build.key for build in builds)


def _metadata(context: click.Context) -> Metadata:
    """The metadata that were asked for, but for a URL: nobody waits for the network at the tab key."""
    place: str | None = context.params.get("metadata_place") or environ().get("PYMAN_METADATA")
    if place and "://" in place:
        raise MetadataError(f"{place} is not fetched for completion")
    return settings.load_metadata(place)
