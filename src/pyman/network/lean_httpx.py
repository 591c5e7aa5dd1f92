"""httpx without its command line, which is half of what importing it takes: rich and pygments come along.

httpx goes on without where those are missing; so here they are, for as long as it is being imported.
"""

import sys

_COMMAND_LINE = "httpx._main"

if _COMMAND_LINE in sys.modules:
    import httpx
else:
    sys.modules[_COMMAND_LINE] = None  # type: ignore[assignment]
    import httpx

    del sys.modules[_COMMAND_LINE]

__all__ = ["httpx"]
