"""The errors that pyman raises on purpose.

PymanError                 expected failure, exit code 1
  UsageError               wrong usage or a request nobody can understand, exit code 2
  NoDownloadFoundError     no build fits a request
  MetadataError            the download metadata cannot be read
    NewerFormError         they are in a form that only a newer pyman reads
    ContradictionError     they name another digest than is known
  FetchError               no source delivered the bytes
    AbsentError            a source says that it has no such file
    UnreachableError       no connection to a source could be made
    OfflineError           they would have to be fetched, and no connection may be opened
    HostNotAllowedError    they are at a host that may not be connected to
    DigestMismatchError    a source delivered other bytes than were published
    WebPageError           a source answered with a web page or a message in place of the file
  ArchiveError             an archive is damaged or hostile
    TooLargeError          it unpacks to far more than its size lets expect
  DoesNotRunError          a build for this target does not run on this machine
  StoreError               the store cannot be read or changed
  CancelledError           the user stopped it, exit code 130
"""

import errno
import os
from typing import TYPE_CHECKING, ClassVar, Self

if TYPE_CHECKING:  # this is loaded by every start, paths are not
    from pathlib import Path

_DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}
_OF_STORES = (".staging", ".locks")
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


class UnreachableError(FetchError):
    """There was no connection to the source: no network, no such host, or it does not answer there."""


class OfflineError(FetchError):
    """A connection would have to be opened, and the user does not want that."""


class HostNotAllowedError(FetchError):
    """A connection to a host would have to be opened that is not one of those that are allowed."""


class DigestMismatchError(FetchError):
    """The bytes of a source do not have the digest that the metadata names."""


class WebPageError(FetchError):
    """A source answered with a web page, such as a log-in, or a message in place of the file."""


class ArchiveError(PymanError):
    """An archive is damaged, or holds a member that must not be unpacked."""


class TooLargeError(ArchiveError):
    """An archive unpacks to far more than its size lets expect."""


class DoesNotRunError(PymanError):
    """A build was made for this machine's target, but does not run on it or is not what it should be."""


class StoreError(PymanError):
    """The store, or the directory of links, cannot be read or changed."""

    @classmethod
    def of(cls, verb: str, path: "Path", error: OSError, hint: str = _NO_ROOM) -> Self:
        """Return the error that says what could not be done with `path`, and what the system said to it.

        Where that is that this user may not do it, the error says whose the store is and what can be done.
        """
        where = error.filename or path
        inside = f" ({where})" if str(where) != str(path) else ""
        message = f"cannot {verb} {path}: {error.strerror or error}{inside}"
        if error.errno not in _DENIED or os.name != "posix":
            return cls(message, hint)
        return cls(*_denied(message, _store_of(path), path))

    @classmethod
    def not_for_the_group(cls, store: "Path", found: os.stat_result) -> Self:
        """Return the error for a store that was opened to a group, when something was in it that was not."""
        owner = _user(found.st_uid)
        return cls(f"{store} is shared by a group, but what {owner} made in it is not", _opened(store, owner))


def _denied(message: str, store: "Path", path: "Path") -> tuple[str, str]:
    """Return the message and the hint for what this user may not do with `path`, in the store `store`."""
    place = next(each for each in (store, *store.parents) if os.access(each, os.F_OK))
    is_reached = place != path and os.access(path, os.F_OK)
    if is_reached and os.access(place, os.W_OK) and path.stat().st_uid != os.geteuid():
        owner = _user(path.stat().st_uid)
        return f"{message}; it belongs to {owner}", _opened(store, owner)
    found = place.stat()
    if found.st_uid == os.geteuid():
        return message, "Check the permissions there, or choose another store with PYMAN_HOME."
    return f"{message}; {place} belongs to {_user(found.st_uid)}", _ways(store, _user(found.st_uid))


def _opened(store: "Path", owner: str) -> str:
    group = store.stat().st_gid
    return (
        f"Ask {owner} or the administrator to open it to the group: `chgrp -R {group} {store}`, "
        f"`chmod -R g+rwX {store}`, `find {store} -type d -exec chmod g+s {{}} +`."
    )


def _store_of(path: "Path") -> "Path":
    """Return the store that `path`, which is one or something in one, belongs to."""
    for folder in (path, *path.parents):
        if folder.name in _OF_STORES:
            return folder.parent
    is_inside = any(os.path.lexists(path.parent / name) for name in _OF_STORES)
    return path.parent if is_inside else path


def _user(number: int) -> str:
    """Return what a user is called in a message."""
    import pwd  # noqa: PLC0415 - few errors need it, and Windows has none

    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"


def _ways(store: "Path", owner: str) -> str:
    own = "install into a store of your own (PYMAN_HOME names it)"
    if os.access(store, os.R_OK | os.X_OK):
        both = f"{own} and read this one as well: PYMAN_SYSTEM_HOME={store}"
        return f"Ask {owner} to let you write there, or {both}."
    return f"Ask {owner} to let you in, or {own}."


class CancelledError(PymanError):
    """Work was stopped because the user asked for it."""

    exit_code = 130
