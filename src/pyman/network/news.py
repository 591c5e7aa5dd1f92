"""What is new at an address: one conditional request, read only as far as wanted.

RFC 9110, section 13: with the validators of what is known already, a source answers 304 and sends nothing.
"""

import random
from collections.abc import Callable, Iterator
from threading import Event
from typing import NamedTuple, TypeVar

from pyman.errors import FetchError
from pyman.network import problems
from pyman.network.address import public
from pyman.network.body import AGAIN, steady
from pyman.network.client import opened
from pyman.network.download import check_online
from pyman.network.lean_httpx import httpx
from pyman.network.policy import Network
from pyman.network.web_page import refused

_UNCHANGED = 304
_PAUSE = 0.5  # seconds before the second try, doubled each time

_Taken = TypeVar("_Taken")
_Take = Callable[[Iterator[bytes]], _Taken]


class Validators(NamedTuple):
    """What tells one version of a document from another, as its source gave it; "" for what it did not."""

    etag: str = ""
    last_modified: str = ""


def news(
    url: str, known: Validators, network: Network, take: _Take[_Taken]
) -> tuple[_Taken | None, Validators]:
    """Hand what is at `url` to `take`, and return what that returns; None where it is what was `known`.

    It is handed over as it arrives, perhaps packed by gzip or as it was published. With it are returned the
    validators of the answer.

    The connection is closed as soon as `take` returns. What breaks on the way is asked for anew, from its
    beginning. FetchError if it cannot be had, WebPageError for a web page; what `take` raises passes through.
    """
    check_online(url, network)
    for tried in range(network.retries + 1):
        try:
            return _once(url, known, network, take)
        except (httpx.TransportError, httpx.StreamError) as error:
            problem = problems.failed(url, error)
            if problems.lasts(error) or tried == network.retries:
                raise problem from None
        except _PassingError as error:
            if tried == network.retries:
                raise FetchError(error.message, error.hint) from None
        except httpx.InvalidURL:
            raise FetchError(f"{public(url)} is no address to ask", "Check the address.") from None
        Event().wait(_PAUSE * 2**tried * random.uniform(0.5, 1.0))  # noqa: S311 - no secret
    raise AssertionError(network.retries)


class _PassingError(FetchError):
    """A refusal that may be another answer the next time."""


def _once(
    url: str, known: Validators, network: Network, take: _Take[_Taken]
) -> tuple[_Taken | None, Validators]:
    headers = {
        "Accept-Encoding": "gzip",
        "If-None-Match": known.etag,
        "If-Modified-Since": known.last_modified,
    }
    with opened(url, {name: value for name, value in headers.items() if value}, network) as response:
        if response.status_code == _UNCHANGED and any(known):
            return None, known
        if not response.is_success:
            refusal = problems.refused(url, response)
            passing = response.status_code in AGAIN
            raise _PassingError(refusal.message, refusal.hint) if passing else refusal
        validators = Validators(response.headers.get("ETag", ""), response.headers.get("Last-Modified", ""))
        chunks = steady(response.iter_raw(), network.stall)
        return take(refused(url, chunks, response.headers.get("Content-Type", ""))), validators
