"""The errors that pyman raises on purpose.

PymanError                 expected failure, exit code 1
  UsageError               wrong usage or a request nobody can understand, exit code 2
  NoDownloadFoundError     no build fits a request
  MetadataError            the download metadata cannot be read
    NewerFormError         they are in a form that only a newer pyman reads
    ContradictionError     they name another digest than is known
  FetchError               no source delivered the bytes
    AbsentError            a source says that it has no such file
    OfflineError           they would have to be fetched, and no connection may be opened
    DigestMismatchError    a source delivered other bytes than were published
  ArchiveError             an archive is damaged or hostile
  DoesNotRunError          a build for this target does not run on this machine
  StoreError               the store cannot be read or changed
  CancelledError           the user stopped it, exit code 130
"""

from typing import TYPE_CHECKING, ClassVar, Self

if TYPE_CHECKING:  # this is loaded by every start, paths are not
    from pathlib import Path

_NO_ROOM = "Check the free space and the permissions there, or choose another store with PYMAN_HOME."


class PymanError(Exception):
    """What happened (`message`) and what to do about it (`hint`, may be empty)."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(PymanError):
    """A request, target or setting that cannot be understood."""

    exit_code = 2


class NoDownloadFoundError(PymanError):
    """No build of the metadata fits the request."""


class MetadataError(PymanError):
    """The download metadata is missing, damaged or of an unknown form."""


class NewerFormError(MetadataError):
    """What was read is in a later form of pyman's own than this pyman knows; it is not guessed at."""


class ContradictionError(MetadataError):
    """Metadata name another digest for an archive or build than is known."""


class FetchError(PymanError):
    """A source could not be reached or did not deliver what it promised."""


class AbsentError(FetchError):
    """A source answered, and has no such file."""


class OfflineError(FetchError):
    """A connection would have to be opened, and the user does not want that."""


class DigestMismatchError(FetchError):
    """The bytes of a source do not have the digest that the metadata names."""


class ArchiveError(PymanError):
    """An archive is damaged, or holds a member that must not be unpacked."""


class DoesNotRunError(PymanError):
    """A build was made for this machine's target, but does not run on it or is not what it should be."""


class StoreError(PymanError):
    """The store, or the directory of links, cannot be read or changed."""

    @classmethod
    def of(cls, verb: str, path: "Path", error: OSError, hint: str = _NO_ROOM) -> Self:
        """Return the error that says what could not be done with `path`, and what the system said to it."""
        where = error.filename or path
        inside = f" ({where})" if str(where) != str(path) else ""
        return cls(f"cannot {verb} {path}: {error.strerror or error}{inside}", hint)


class CancelledError(PymanError):
    """Work was stopped because the user asked for it."""

    exit_code = 130
