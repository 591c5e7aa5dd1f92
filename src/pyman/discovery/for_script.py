"""Finds the Python for a script that says on which it runs: what was asked for, else one that fits."""

from pyman.discovery.finder import Here, Outcome, find, path_in
from pyman.errors import PymanError
from pyman.project.requirement import Requirement
from pyman.requests import ranges
from pyman.requests.request import Request
from pyman.requests.spelling import spelled


def find_for(requirement: Requirement, text: str | None, here: Here, first: str | None) -> Outcome:
    """Return what `find` does, if that satisfies the requirement, else what is meant by both.

    Where nothing was typed, and what is wanted here never satisfies it, only the requirement counts.
    Raises as `find` does, and PymanError where what was typed does not satisfy it. `first` is the request in
    the script's first line, which counts where nothing is typed.
    """
    outcome = find(text, here)
    key = outcome.found.key if outcome.found else None
    if outcome.found and (not key or requirement.allows_version(key.version)):
        return outcome
    fits = requirement.allows(outcome.request)
    if text is not None and (not fits or path_in(text)):
        what = key.version if key and path_in(text) else text
        raise PymanError(f"{what} does not satisfy {requirement}", _hint(requirement, first))
    request = _both(outcome.request, requirement) if fits else requirement.request
    again = find(spelled(request), here)
    return again._replace(file=requirement.path, warnings=outcome.warnings)


def _hint(requirement: Requirement, first: str | None) -> str:
    """What takes a Python that satisfies it: the script itself does not if its first line contradicts it."""
    import shlex  # noqa: PLC0415 - for an error

    before, options = "", ""
    if first is not None and not requirement.allows(Request.parse(first)):
        before = f"Its first line asks for {first}: mend one of them. "
        options = f"-p {shlex.quote(requirement.text)} "
    return f"{before}`pyman run {options}{shlex.quote(str(requirement.path))}` takes a Python that does."


def _both(request: Request, requirement: Requirement) -> Request:
    """The request for what is meant by the request and satisfies the requirement."""
    if request.full_version:
        return request
    numbers = ".".join(map(str, request.numbers))
    bound = request.specifiers or (numbers and f"=={numbers}.*")
    return request._replace(numbers=(), specifiers=ranges.both(bound, requirement.request.specifiers))
