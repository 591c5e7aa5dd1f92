"""How requests and keys are spelled for people: short, and as most other tools understand it."""

from pyman.builds.key import Implementation, Key
from pyman.builds.version import Version
from pyman.requests.request import Request

# The release in the key of a Python that pyman did not install: no request can name it.
NO_RELEASE = "0"


def name_of(key: Key) -> str:
    """Return the key, without its release if that is none: `cpython-3.11.2-linux-x86_64-gnu`."""
    if key.release != NO_RELEASE:
        return str(key)
    variant = f"+{key.variant}" if str(key.variant) else ""
    return f"{key.implementation}-{key.version}{variant}-{key.target}"


def spelled(request: Request) -> str:
    """Return a short text that means the request: `Request.parse(spelled(request)) == request`."""
    variant = request.variant
    letters = variant.abi_suffix if not variant.static and _takes_letters(request) else ""
    version = request.version_text + (letters or "".join(f"+{name}" for name in [str(variant)] if name))
    build = "+".join(part for part in (version, request.release) if part) + request.moment_text
    if request.target_text:
        return f"{request.implementation}-{build}-{request.target_text}"
    return build if request.implementation is Implementation.CPYTHON else f"{request.implementation}@{build}"


def exact(request: Request, version: Version) -> str:
    """Return the text for that very version of what is requested; variant and target stay as they were."""
    numbers = (version.major, version.minor, version.patch)
    named = request._replace(specifiers="", latest=False, dev=False, release="")
    if version.is_prerelease:
        return spelled(named._replace(numbers=(), exact=version))
    return spelled(named._replace(numbers=numbers, exact=None))


def _takes_letters(request: Request) -> bool:
    """Whether `t` and `d` may follow the version: `>=3.13+freethreaded` reads better than `>=3.13t`."""
    return bool(request.numbers or request.exact)
