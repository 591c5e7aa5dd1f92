"""pyman: a Python version manager that installs the right build and explains itself.

For other programs, typed and silent:

    python = pyman.find("3.12") or pyman.install("3.12")
    subprocess.run([python.executable, "-m", "venv", "environment"], check=True)
    print([each.version for each in pyman.installed()])

What is expected to fail raises a `pyman.PymanError`. Importing pyman loads nothing: what is
used is loaded when it is used.
"""

__version__ = "0.1.0"

# Not typing's, which would be loaded for it; type checkers know the name.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyman.api import Installation, Progress, find, install, installed
    from pyman.errors import (
        AbsentError,
        ArchiveError,
        CancelledError,
        ContradictionError,
        DigestMismatchError,
        DoesNotRunError,
        FetchError,
        HostNotAllowedError,
        MetadataError,
        NewerFormError,
        NoDownloadFoundError,
        OfflineError,
        PymanError,
        StoreError,
        TooLargeError,
        UnreachableError,
        UsageError,
        WebPageError,
    )

__all__ = [
    "AbsentError",
    "ArchiveError",
    "CancelledError",
    "ContradictionError",
    "DigestMismatchError",
    "DoesNotRunError",
    "FetchError",
    "HostNotAllowedError",
    "Installation",
    "MetadataError",
    "NewerFormError",
    "NoDownloadFoundError",
    "OfflineError",
    "Progress",
    "PymanError",
    "StoreError",
    "TooLargeError",
    "UnreachableError",
    "UsageError",
    "WebPageError",
    "__version__",
    "find",
    "install",
    "installed",
]


if not TYPE_CHECKING:  # to whom every name would be one

    def __getattr__(name: str) -> object:
        """Load what is asked for (PEP 562)."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module  # noqa: PLC0415

        return getattr(import_module("pyman.errors" if name.endswith("Error") else "pyman.api"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
