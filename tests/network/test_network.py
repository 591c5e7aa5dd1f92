"""Downloads over a network that breaks, stalls, lies or is not to be trusted."""

import hashlib
import os
import re
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from http import HTTPStatus
from itertools import pairwise
from pathlib import Path
from threading import Event

import pytest
from tests.conftest import Pyman
from tests.support.server import (
    Exchange,
    Fault,
    Server,
    cut_body,
    not_found,
    redirect_to,
    stalled_body,
    unavailable,
    without_ranges,
)

from pyman.errors import CancelledError, DigestMismatchError, FetchError, UnreachableError, UsageError
from pyman.network.download import downloading, read_url
from pyman.network.policy import Network

BODY = bytes(range(256)) * 4096
ETAG = '"one"'
QUICK = Network(connect=2, read=0.5, stall=0.5, retries=2)


@pytest.fixture
def url(server: Server) -> str:
    """A file of 1 MiB on the server."""
    (server.folder / "file.bin").write_bytes(BODY)
    return f"{server.url}/file.bin"


def fetched(url: str, network: Network = QUICK) -> bytes:
    with downloading(url, Event(), network) as stream:
        body = b"".join(stream)
        assert stream.size in (None, len(body))
        stream.check(hashlib.sha256(body).hexdigest())
    return body


def with_header(name: str, value: str, fault: Fault) -> Fault:
    """The same fault from a server that tells versions of a file apart."""

    def answer(exchange: Exchange, body: bytes) -> None:
        head = exchange.head
        own = {name: value}
        exchange.head = lambda status, length, **more: head(status, length, **more, **own)  # type: ignore[method-assign]
        fault(exchange, body)

    return answer


def whole(exchange: Exchange, body: bytes) -> None:
    exchange.send_file(body)


def test_a_broken_connection_is_taken_up_where_it_ended(server: Server, url: str) -> None:
    server.spoil("file.bin", with_header("ETag", ETAG, cut_body), times=1)
    assert fetched(url) == BODY
    again = server.asked[-1].headers
    assert re.fullmatch(r"bytes=[1-9]\d+-", again["range"])
    assert again["if-range"] == ETAG
    assert server.count("file.bin") == 2


def test_a_connection_that_breaks_again_and_again_is_no_problem_while_there_is_progress(
    server: Server, url: str
) -> None:
    def some(exchange: Exchange, body: bytes) -> None:
        start = int(exchange.headers.get("Range", "bytes=0-")[6:-1])
        exchange.head(
            HTTPStatus.PARTIAL_CONTENT if start else HTTPStatus.OK,
            len(body) - start,
            **({"Content_Range": f"bytes {start}-{len(body) - 1}/{len(body)}"} if start else {}),
        )
        exchange.write(body[start : start + 200_000])
        exchange.close_connection = True

    server.spoil("file.bin", some)
    assert fetched(url, Network(retries=1)) == BODY
    assert server.count("file.bin") == 6


def test_a_stalled_connection_is_taken_up_elsewhere(server: Server, url: str) -> None:
    server.spoil("file.bin", stalled_body, times=1)
    assert fetched(url) == BODY


def test_a_trickle_is_a_stall(server: Server, url: str) -> None:
    def trickle(exchange: Exchange, body: bytes) -> None:
        exchange.head(HTTPStatus.OK, len(body))
        for start in range(40):
            exchange.write(body[start : start + 1])
            exchange.server.owner.closing.wait(0.1)

    server.spoil("file.bin", trickle, times=1)
    assert fetched(url) == BODY
    assert server.count("file.bin") == 2


def test_a_server_without_ranges_starts_over(server: Server, url: str) -> None:
    server.spoil("file.bin", cut_body, times=1)
    server.spoil("file.bin", without_ranges, times=1)
    assert fetched(url) == BODY


@pytest.mark.parametrize(
    "change", [BODY[:-1], bytes(reversed(BODY)), b"\xff" + BODY[1:], BODY[: len(BODY) // 4]]
)
def test_a_body_that_changed_between_the_parts_is_noticed(server: Server, url: str, change: bytes) -> None:
    def other(exchange: Exchange, _: bytes) -> None:
        exchange.send_file(change, ranges=False)

    server.spoil("file.bin", cut_body, times=1)
    server.spoil("file.bin", other)
    with pytest.raises(FetchError, match="changed"):
        fetched(url)


def test_a_part_that_is_not_the_one_asked_for_is_noticed(server: Server, url: str) -> None:
    def wrong_part(exchange: Exchange, body: bytes) -> None:
        exchange.head(HTTPStatus.PARTIAL_CONTENT, 10, Content_Range=f"bytes 0-9/{len(body)}")
        exchange.write(body[:10])

    server.spoil("file.bin", cut_body, times=1)
    server.spoil("file.bin", wrong_part)
    with pytest.raises(FetchError, match="changed"):
        fetched(url)


@pytest.mark.parametrize("header", ["ETag", "Last-Modified"])
def test_a_part_of_another_version_is_noticed_where_if_range_is_not(
    server: Server, url: str, header: str
) -> None:
    versions = (
        ['"one"', '"two"'] if header == "ETag" else [f"Mon, 0{day} Jan 2024 00:00:00 GMT" for day in (1, 8)]
    )

    server.spoil("file.bin", with_header(header, versions[0], cut_body), times=1)
    server.spoil("file.bin", with_header(header, versions[1], whole))
    with pytest.raises(FetchError, match="changed"):
        fetched(url)


def in_chunks(exchange: Exchange, body: bytes) -> None:
    """Send the whole body in chunks, but not the empty one that ends it."""
    exchange.send_response(HTTPStatus.OK)
    exchange.send_header("Transfer-Encoding", "chunked")
    exchange.end_headers()
    exchange.write(f"{len(body):x}\r\n".encode() + body + b"\r\n")
    exchange.close_connection = True


def test_a_body_of_which_only_the_end_mark_was_cut_off_is_whole(server: Server, url: str) -> None:
    server.spoil("file.bin", in_chunks, times=1)
    assert fetched(url) == BODY
    assert server.asked[-1].headers["range"] == f"bytes={len(BODY)}-"


def test_a_body_that_became_shorter_is_noticed(server: Server, url: str) -> None:
    server.spoil("file.bin", in_chunks, times=1)
    server.spoil("file.bin", lambda exchange, body: exchange.send_file(body[:-10]))
    with pytest.raises(FetchError, match="changed"):
        fetched(url)


def test_a_slow_consumer_is_no_stall(server: Server, url: str) -> None:
    small = BODY[:40_000]

    def in_two(exchange: Exchange, _: bytes) -> None:
        exchange.head(HTTPStatus.OK, len(small))
        exchange.write(small[:20_000])
        exchange.server.owner.closing.wait(0.1)
        exchange.write(small[20_000:])

    server.spoil("file.bin", in_two)
    with downloading(url, Event(), QUICK) as stream:
        body = b""
        for chunk in stream:
            body += chunk
            time.sleep(0.6)  # longer than the time within which 64 KiB must come
    assert body == small
    assert server.count("file.bin") == 1


@pytest.mark.parametrize("zone", ["GMT", "+0000"])
def test_retry_after_may_be_a_date(server: Server, url: str, zone: str) -> None:
    began = int(time.time()) + 2

    def later(exchange: Exchange, _: bytes) -> None:
        date = time.strftime("%a, %d %b %Y %H:%M:%S", time.gmtime(began))
        exchange.send_status(HTTPStatus.SERVICE_UNAVAILABLE, Retry_After=f"{date} {zone}")

    server.spoil("file.bin", later, times=1)
    assert fetched(url) == BODY
    assert time.time() >= began


def test_a_server_that_is_busy_is_asked_again(server: Server, url: str) -> None:
    server.spoil("file.bin", unavailable, times=2)
    assert fetched(url) == BODY


def test_each_wait_is_longer_than_the_one_before(server: Server, url: str) -> None:
    times: list[float] = []

    def busy(exchange: Exchange, _: bytes) -> None:
        times.append(time.monotonic())
        exchange.send_status(HTTPStatus.BAD_GATEWAY)

    server.spoil("file.bin", busy)
    with pytest.raises(FetchError, match="502"):
        fetched(url)
    first, second = (later - earlier for earlier, later in pairwise(times))
    assert first >= 0.25  # half a second, of which chance takes up to a half away
    assert second >= 0.5


@pytest.mark.skipif(sys.platform != "linux", reason="not on this platform: a full backlog is refused")
def test_a_host_that_does_not_answer_is_named(pyman: Pyman) -> None:
    with ExitStack() as stack:
        silent = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        address = silent.getsockname()
        for _ in range(3):  # they fill the line of those who wait to be accepted
            waiting = stack.enter_context(socket.socket())
            waiting.settimeout(0)
            waiting.connect_ex(address)
        url = f"http://127.0.0.1:{address[1]}/metadata.json"
        told = pyman("list", "--metadata", url, code=1, env={"PYMAN_CONNECT_TIMEOUT": "0.5"}).stderr
    assert f"{url}: no answer in time" in told


SILENT = """
ip link set lo up
printf 'nameserver 127.0.0.1\noptions timeout:30 attempts:1\n' > "$0/resolv.conf"
mount --bind "$0/resolv.conf" /etc/resolv.conf
python=$1; shift
"$python" -I -c '
import socket
with socket.socket(type=socket.SOCK_DGRAM) as name_server:
    name_server.bind(("127.0.0.1", 53))
    print("ready", flush=True)
    while name_server.recv(512):
        print("asked", flush=True)
' > "$0/asked" &
name_server=$!
until grep -q ready "$0/asked"; do sleep 0.02; done
timeout 60 "$@"
code=$?
kill $name_server
exit $code
"""


@pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="not on this platform: only root makes namespaces"
)
def test_the_look_up_of_a_name_takes_no_longer_than_a_connection_may(pyman: Pyman, tmp_path: Path) -> None:
    """In a network of its own, whose name server hears and says nothing: the C library asks it for 30 s."""
    if subprocess.run(["unshare", "-nm", "true"], check=False, capture_output=True).returncode:
        pytest.skip("not on this platform: no namespaces may be made here")
    command = pyman.command("list", "--metadata", "https://mirror.example.org/metadata.json")
    began = time.monotonic()
    done = subprocess.run(
        ["unshare", "-nm", "sh", "-c", SILENT, tmp_path, sys.executable, *command],
        env=pyman.variables({"PYMAN_CONNECT_TIMEOUT": "1", "PYTHONPATH": ""}),  # that network is sealed
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "no answer in time (looking up mirror.example.org)" in done.stderr
    assert "asked" in (tmp_path / "asked").read_text(encoding="utf-8")
    assert time.monotonic() - began < 15


def test_each_address_of_a_name_is_tried(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """localhost has two on many machines, of which the server has one."""
    port = int(url.rpartition(":")[2].partition("/")[0])
    addresses = {"localhost": ["::1", "127.0.0.1"], "::1": ["::1"], "127.0.0.1": ["127.0.0.1"]}

    def answers(host: str, *_: object, **__: object) -> list[tuple[object, ...]]:
        if host not in addresses:
            raise socket.gaierror(-2, "Name or service not known")
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return [(family, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses[host]]

    monkeypatch.setattr(socket, "getaddrinfo", answers)
    assert fetched(url.replace("127.0.0.1", "localhost")) == BODY
    with pytest.raises(UnreachableError, match="Name or service not known"):
        fetched("https://nobody.example.org/file", QUICK._replace(retries=0))


def test_retry_after_is_obeyed(server: Server, url: str) -> None:
    def later(exchange: Exchange, _: bytes) -> None:
        exchange.send_status(HTTPStatus.TOO_MANY_REQUESTS, Retry_After="1")

    server.spoil("file.bin", later, times=1)
    began = time.monotonic()
    assert fetched(url) == BODY
    assert time.monotonic() - began >= 1


def test_a_server_that_wants_to_be_left_alone_for_long_is_given_up(server: Server, url: str) -> None:
    def much_later(exchange: Exchange, _: bytes) -> None:
        exchange.send_status(HTTPStatus.SERVICE_UNAVAILABLE, Retry_After="86400")

    server.spoil("file.bin", much_later)
    with pytest.raises(FetchError, match="503"):
        fetched(url)
    assert server.count("file.bin") == 1


@pytest.mark.parametrize(("fault", "asked"), [(unavailable, 3), (not_found, 1), (cut_body, 3)])
def test_how_often_a_source_is_asked(server: Server, url: str, fault: Fault, asked: int) -> None:
    server.spoil("file.bin", fault)
    with pytest.raises(FetchError):
        fetched(url)
    assert server.count("file.bin") == asked


def test_waiting_ends_when_the_user_stops(server: Server, url: str) -> None:
    server.spoil("file.bin", unavailable)
    stopped = Event()
    stopped.set()
    with pytest.raises(CancelledError), downloading(url, stopped, Network(retries=50)) as stream:
        b"".join(stream)


def test_the_digest_is_that_of_the_bytes_as_published(server: Server, url: str) -> None:
    assert fetched(url) == BODY
    assert server.asked[-1].headers["accept-encoding"] == "identity"
    (server.folder / "file.bin").write_bytes(b"\x1f\x8b\x08" + BODY)  # what is no archive is called that
    with downloading(url, Event(), QUICK) as stream, pytest.raises(DigestMismatchError):
        stream.check("0" * 64)


def test_offline_opens_no_socket(server: Server, url: str, tmp_path: Path) -> None:
    with pytest.raises(FetchError, match=re.escape(f"{url} would have been fetched")):
        read_url(url, Network(offline=True))
    assert server.asked == []
    (tmp_path / "file.bin").write_bytes(BODY)
    assert read_url((tmp_path / "file.bin").as_uri(), Network(offline=True)) == BODY


def test_plain_http_is_for_this_machine_only() -> None:
    with pytest.raises(UsageError, match="plain http") as caught:
        read_url("http://mirror.invalid/file")
    assert "PYMAN_ALLOW_INSECURE_HOST=mirror.invalid" in caught.value.hint


@pytest.mark.parametrize("scheme", ["", "http://"])
def test_the_password_of_a_proxy_is_not_shown(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, f"{scheme}user:s3cret@127.0.0.1:1")
    network = Network(connect=1.25, retries=0)  # a client of its own: it reads the variables when it is made
    with pytest.raises(FetchError, match=re.escape("127.0.0.1:1")) as caught:
        read_url("https://files.invalid/x", network)
    assert "s3cret" not in f"{caught.value.message}{caught.value.hint}"


def test_plain_http_where_it_is_allowed_is_tried() -> None:
    hosts = frozenset({"mirror.invalid"})
    with pytest.raises(FetchError) as caught:
        read_url("http://mirror.invalid/file", Network(retries=0, insecure_hosts=hosts))
    assert "plain http" not in caught.value.message


def test_redirects_are_followed_but_not_for_ever(server: Server, url: str) -> None:
    server.spoil("other.bin", redirect_to("/file.bin"))
    assert fetched(f"{server.url}/other.bin") == BODY
    server.spoil("file.bin", redirect_to(url))
    with pytest.raises(FetchError, match="redirects"):
        fetched(url)


def test_a_password_in_the_address_is_used_and_not_shown(server: Server, url: str) -> None:
    server.spoil("file.bin", not_found)
    secret = url.replace("//", "//user:s3cret@")
    with pytest.raises(FetchError) as caught:
        fetched(secret)
    assert server.asked[-1].headers["authorization"].startswith("Basic ")
    assert "s3cret" not in f"{caught.value.message}{caught.value.hint}"


def test_a_password_from_netrc_is_used(
    server: Server, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login user password s3cret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    assert fetched(url) == BODY
    assert server.asked[-1].headers["authorization"].startswith("Basic ")


@pytest.mark.parametrize(
    "address", ["ftp://127.0.0.1/x", "https://[", "file:///no/such", "file:///a%00b", "http://"]
)
def test_an_address_that_is_none_is_a_fetch_error(address: str) -> None:
    with pytest.raises(FetchError) as caught:
        read_url(address, Network(retries=0))
    assert caught.value.hint


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("PYMAN_CONNECT_TIMEOUT", "soon"),
        ("PYMAN_READ_TIMEOUT", "0"),
        ("PYMAN_STALL_TIMEOUT", "inf"),
        ("PYMAN_READ_TIMEOUT", "nan"),
        ("PYMAN_RETRIES", "-1"),
        ("PYMAN_RETRIES", "9" * 5000),
    ],
)
def test_a_setting_that_is_not_of_its_kind_is_a_usage_error(name: str, text: str) -> None:
    with pytest.raises(UsageError, match=name):
        Network.from_environment({name: text})


def test_settings() -> None:
    environment = {
        "PYMAN_CONNECT_TIMEOUT": "1.5",
        "PYMAN_RETRIES": "0",
        "PYMAN_OFFLINE": "1",
        "PYMAN_ALLOW_INSECURE_HOST": "one.example, Two.example",
    }
    network = Network.from_environment(environment)
    assert (network.connect, network.retries, network.offline) == (1.5, 0, True)
    assert network.insecure_hosts == {"one.example", "two.example"}
    assert Network.from_environment({"PYMAN_OFFLINE": "0"}) == Network()
