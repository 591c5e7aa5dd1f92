"""Machine: what detection found; and the error for machines that have no builds."""

from collections.abc import Callable, Mapping
from functools import cached_property

from pyman.builds.target import Target
from pyman.errors import NoDownloadFoundError


def _unknown() -> None:
    return None


class Machine:
    """The target that builds are chosen for, with what is known about the machine itself.

    `evidence` tells how os, architecture, libc, libc version and level were found, in words. The functions
    answer `libc_version` and `level`, each asked at most once.
    """

    def __init__(
        self,
        target: Target,
        evidence: Mapping[str, str],
        ask_libc_version: Callable[[], tuple[int, ...] | None] = _unknown,
        ask_level: Callable[[], int | None] = _unknown,
    ) -> None:
        self.target = target
        self.evidence = evidence
        self.ask_libc_version = ask_libc_version
        self.ask_level = ask_level

    @cached_property
    def libc_version(self) -> tuple[int, ...] | None:
        """The C library's version, (1, 2, 5); None if it is unknown or there is none. May start a process."""
        return self.ask_libc_version()

    @cached_property
    def level(self) -> int | None:
        """The x86-64 level of the processor, 1 to 4; None if it is unknown or not an x86-64."""
        return self.ask_level()


def nothing_built(what: str, source: str) -> NoDownloadFoundError:
    """Return the error for the platform `what`, which was told by `source`."""
    return NoDownloadFoundError(
        f"no Python builds exist for {what}: {source}",
        "python-build and pyenv compile Python from source; "
        "--target or PYMAN_TARGET names another target, if its builds run here all the same.",
    )
