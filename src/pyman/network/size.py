"""How large the file at an address is, without its bytes."""

import os
from urllib.parse import urlsplit

from pyman.errors import FetchError
from pyman.network import problems
from pyman.network.address import path_of, public
from pyman.network.body import whole_size
from pyman.network.client import opened
from pyman.network.download import check_online
from pyman.network.lean_httpx import httpx
from pyman.network.policy import Network


def size_at(url: str, network: Network) -> int | None:
    """Return the size in bytes of the file at `url`; None if its source does not say. Raises FetchError.

    One byte of it is asked for, once: nothing depends on the answer.
    """
    if urlsplit(url).scheme == "file":
        return _on_disk(url)
    check_online(url, network)
    try:
        with opened(url, {"Range": "bytes=0-0"}, network) as response:
            if not response.is_success:
                raise problems.refused(url, response)
            return whole_size(response)
    except (httpx.HTTPError, httpx.StreamError) as error:
        raise problems.failed(url, error) from None
    except httpx.InvalidURL:
        raise FetchError(f"{public(url)} is no address to ask", problems.CHECK) from None


def _on_disk(url: str) -> int:
    try:
        return os.stat(path_of(url)).st_size  # noqa: PTH116 - as the rest of what reads such a URL
    except (OSError, ValueError) as error:
        raise FetchError(f"cannot read {public(url)}: {error}", problems.CHECK) from None
