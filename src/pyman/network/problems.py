"""What went wrong on the network, in words that name host, proxy and cause."""

import ssl
from collections.abc import Iterator
from urllib.request import getproxies, proxy_bypass

from pyman.errors import AbsentError, FetchError, UnreachableError
from pyman.network.address import CHECK, public
from pyman.network.lean_httpx import httpx

_AUTHORITY = (
    "Set SSL_CERT_FILE to a file with the certificate of the authority (your company's, if a proxy "
    "looks into connections), or install the system's certificates (ca-certificates)."
)
# Certificates whose authority is not known: X509_V_ERR_… 18 to 21 of OpenSSL; errSecNotTrusted of macOS and
# CERT_E_UNTRUSTEDROOT of Windows, which truststore hands on.
_UNKNOWN_AUTHORITY = {18, 19, 20, 21, -67843, 0x800B0109}
_HINTS = {
    401: "It wants a user and a password: put them in the address, or in ~/.netrc.",
    403: "It may want a user and a password (in the address or ~/.netrc), or refuse your network.",
    404: "There is no such file.",
    407: "Put the proxy's user and password into HTTPS_PROXY.",
}


_ABSENT = frozenset({404, 410})


def refused(url: str, response: httpx.Response) -> FetchError:
    """Return the error for an answer that is not the file."""
    text = f"{public(url)} answered {response.status_code} {response.reason_phrase}"
    kind = AbsentError if response.status_code in _ABSENT else FetchError
    return kind(text.rstrip() + through_proxy(url), _HINTS.get(response.status_code, CHECK))


def failed(url: str, error: Exception) -> FetchError:
    """Return the error for a connection that could not be made or did not hold."""
    certificate = _certificate_error(error)
    if certificate:
        return _untrusted(url, certificate)
    hint = _HINTS[407] if _wants_password(error) else CHECK
    kind = UnreachableError if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout) else FetchError
    return kind(f"{public(url)}: {_cause(error)}{through_proxy(url)}", hint)


def lasts(error: Exception) -> bool:
    """Whether the same would happen again."""
    return _certificate_error(error) is not None or _wants_password(error)


def _wants_password(error: Exception) -> bool:
    """Whether it is a proxy's refusal to make a tunnel; for plain http the answer says so itself."""
    return isinstance(error, httpx.ProxyError) and str(error).startswith("407")


def _certificate_error(error: Exception) -> ssl.SSLCertVerificationError | None:
    return next((each for each in _chain(error) if isinstance(each, ssl.SSLCertVerificationError)), None)


def _untrusted(url: str, error: ssl.SSLCertVerificationError) -> FetchError:
    unknown = error.verify_code in _UNKNOWN_AUTHORITY
    cause = (
        "certificate signed by unknown authority"
        if unknown
        else f"certificate refused: {error.verify_message}"
    )
    hint = (
        _AUTHORITY
        if unknown
        else "The host's certificate is not right for it, or this machine's clock is wrong."
    )
    return FetchError(f"{public(url)}: {cause}{through_proxy(url)}", hint)


def _cause(error: Exception) -> str:
    text = str(error) or type(error).__name__
    if isinstance(error, httpx.TimeoutException):
        return f"no answer in time ({text})"
    if isinstance(error, httpx.RemoteProtocolError | httpx.ReadError):
        return f"the connection broke ({text})"
    return text


def through_proxy(url: str) -> str:
    """Name the proxy that httpx takes for `url`, if any: it reads the same variables."""
    parts = httpx.URL(url)
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    return f" (through the proxy {public(proxy)})" if proxy and not proxy_bypass(parts.host) else ""


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what it came from: httpx and httpcore each wrap what they catch."""
    current: BaseException | None = error
    while current:
        yield current
        current = current.__cause__ or current.__context__
