"""One client for all requests: certificates, proxies, credentials, and which redirects are followed."""

import atexit
import netrc
import os
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.request import getproxies
from weakref import WeakSet

import truststore

from pyman import __version__
from pyman.errors import FetchError, HostNotAllowedError, UsageError
from pyman.network.address import public
from pyman.network.lean_httpx import httpx
from pyman.network.look_up import Backend, give_up
from pyman.network.policy import Network
from pyman.system import regular_file

_REDIRECTS = 10
_sockets = WeakSet[socket.socket]()
BUNDLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
FOLDER = "SSL_CERT_DIR"


@contextmanager
def opened(url: str, headers: Mapping[str, str], network: Network) -> Iterator[httpx.Response]:
    """Give the answer to a GET, its body still unread. httpx's errors pass through.

    FetchError for a redirect that leaves https or leads to a host that may not be connected to, UsageError
    for plain http to a host that is not allowed it.
    """
    client = _client_for(httpx.URL(url), network)
    request = client.build_request("GET", url, headers=headers, extensions={"trace": _remember})
    for _ in range(_REDIRECTS):
        _check_host(request.url, network)
        _check_scheme(request.url, network)
        client = _client_for(request.url, network)
        response = client.send(request, stream=True, auth=_auth(request.url), follow_redirects=False)
        try:
            if not response.next_request:
                yield response
                return
        finally:
            response.close()
        if request.url.scheme == "https" and response.next_request.url.scheme != "https":
            raise FetchError(
                f"{public(str(request.url))} leads from https to {public(str(response.next_request.url))}",
                "That would give up the protection of https; it is not followed.",
            )
        request = response.next_request
    raise FetchError(f"{public(url)} redirects more than {_REDIRECTS} times", "Check the address.")


def hang_up() -> None:
    """End all connections at once: whoever waits for bytes in another thread gets an error in their place.

    So does who waits for the address of a host.
    """
    give_up()
    for each in _open_sockets():
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


def _open_sockets() -> list[socket.socket]:
    """A copy; no lock, for this runs in a signal handler, which may have interrupted its holder."""
    for _ in range(100):
        with suppress(RuntimeError):  # another thread has just added one
            return list(_sockets)
    return []


def _remember(event: str, details: Mapping[str, Any]) -> None:
    """Keep the socket of a connection that is made; httpcore calls this with each step that it takes."""
    if event in (
        "connection.connect_tcp.complete",
        "proxy.start_tls.complete",
        "connection.start_tls.complete",
    ):
        connection = details["return_value"].get_extra_info("socket")
        if connection:
            _sockets.add(connection)


def _client_for(url: httpx.URL, network: Network) -> httpx.Client:
    return _client(network.connect, network.read, is_secure=url.scheme == "https")


@cache
def _client(connect: float, read: float, *, is_secure: bool) -> httpx.Client:
    """Connections are used again; a client may be shared between threads.

    To load certificates takes up to 50 ms: one that `is_secure` has them, the other trusts nobody.
    """
    # identity: the digest is that of the bytes as they were published, so nobody may pack them on the way.
    headers = {"User-Agent": f"pyman/{__version__}", "Accept-Encoding": "identity"}
    certificates = _certificates() if is_secure else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        client = httpx.Client(
            headers=headers, timeout=httpx.Timeout(read, connect=connect), verify=certificates
        )
    except (ImportError, ValueError, httpx.InvalidURL):  # a SOCKS proxy, or nothing that could be one
        raise _useless_proxy() from None
    _limit_look_ups(client)
    atexit.register(client.close)
    return client


def _limit_look_ups(client: httpx.Client) -> None:
    """Let its time-out cover the look-up of names. httpx hands no backend on to the pools that it makes."""
    for transport in (client._transport, *client._mounts.values()):  # noqa: SLF001 - there is no other way
        pool: Any = getattr(transport, "_pool", None)
        if hasattr(pool, "_network_backend"):
            pool._network_backend = Backend()  # noqa: SLF001 - the same


def _useless_proxy() -> UsageError:
    proxies = {public(proxy) for kind, proxy in getproxies().items() if kind in ("http", "https", "all")}
    return UsageError(
        f"cannot use the proxy {' or '.join(sorted(proxies))}",
        "HTTPS_PROXY, HTTP_PROXY and ALL_PROXY name an http proxy: http://host:port.",
    )


def _certificates() -> ssl.SSLContext:
    """The bundle that a variable names, else the system's store, else (images without one) certifi's."""
    name = next((name for name in BUNDLES if os.environ.get(name)), FOLDER)
    place, folder = os.environ.get(name), os.environ.get(FOLDER) or None
    try:
        if place and os.pathsep not in place:
            Path(place).stat()  # of a folder that is not there OpenSSL says nothing
        if place and (name == FOLDER or Path(place).is_dir()):
            return ssl.create_default_context(capath=place)
        if place:
            return ssl.create_default_context(cafile=place, capath=folder)
    except OSError as error:
        raise FetchError(
            f"cannot read the certificates {place}: {error.strerror or error}", f"Check {name}."
        ) from None
    context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return context if _system_has_certificates() else httpx.create_ssl_context(trust_env=False)


def _system_has_certificates() -> bool:
    if os.name == "nt" or Path("/System/Library").is_dir():
        return True
    paths = ssl.get_default_verify_paths()
    files = (paths.cafile, "/etc/ssl/cert.pem", "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/cert.pem")
    return any(file and Path(file).is_file() for file in files) or any(
        Path(paths.capath or os.devnull).glob("*.0")
    )


def _auth(url: httpx.URL) -> httpx.Auth | None:
    """What the address says itself, httpx sends; else what ~/.netrc has for the host."""
    if url.userinfo:
        return httpx.BasicAuth(url.username, url.password)
    try:
        regular_file.head(os.environ.get("NETRC") or Path("~/.netrc").expanduser(), 1)
        return httpx.NetRCAuth(os.environ.get("NETRC"))
    except (OSError, ValueError, RuntimeError, netrc.NetrcParseError):
        return None  # there is none, or none that can be read: hosts which want a password will say so


def _check_host(url: httpx.URL, network: Network) -> None:
    port = url.port or {"https": 443, "http": 80}.get(url.scheme)
    if not network.allows(url.host, port):
        raise HostNotAllowedError(
            f"{public(str(url))}: {url.host} is not one of the allowed hosts",
            f"allowed-hosts names those that may be connected to ({network.allowed_by}).",
        )


def refuse_plain_http(url: str, network: Network) -> None:
    """Raise UsageError for an address that may not be asked by plain http, FetchError for what is none."""
    try:
        _check_scheme(httpx.URL(url), network)
    except httpx.InvalidURL:
        raise FetchError(f"{public(url)} is no address to ask", "Check the address.") from None


def _check_scheme(url: httpx.URL, network: Network) -> None:
    names = {url.host.lower(), url.netloc.decode("ascii").lower()}  # the latter with the port, if it is named
    if url.scheme == "http" and not _is_loopback(url.host) and not names & network.insecure_hosts:
        # No FetchError: that would lead on to the next source, past what the user has set.
        raise UsageError(
            f"{public(str(url))} is plain http, which anybody on the way can change",
            f"Use https, or allow it with --allow-insecure-host {url.host} "
            f"or PYMAN_ALLOW_INSECURE_HOST={url.host}.",
        )
    if url.scheme not in ("http", "https"):
        raise FetchError(f"{public(str(url))} is neither http, https nor file", "Check the address.")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
