"""httpx and httpcore without what pyman has no use of, which is most of what importing them takes.

Its command line brings rich and pygments along. anyio is for programs that are asynchronous, as one that
uses pyman's API may be; in a portable pyman it is the slowest part of all, for it looks at its own source, of
which there is none, and then loads everything. Both go on without where those are missing; so here they are,
for as long as they are being imported.
"""

import sys

from pyman.system import stopping

_UNUSED = ("httpx._main", "anyio") if stopping.is_listening() else ("httpx._main",)

_missing = [name for name in _UNUSED if name not in sys.modules]
for _name in _missing:
    sys.modules[_name] = None  # type: ignore[assignment]
try:
    import httpcore
    import httpx
finally:
    for _name in _missing:
        del sys.modules[_name]

__all__ = ["httpcore", "httpx"]
