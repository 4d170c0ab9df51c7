"""Connections: whoever keeps the server waiting is cut, what is no request is refused, and others notice nothing."""

import asyncio
import json
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from certificates import Authority
from served import HOST, PATIENCE_S, SHORT, Served, read_all, wait_until
from starlette.types import Receive, Scope, Send

GET = b"GET /echo HTTP/1.1\r\nHost: bridge\r\n\r\n"
LAST = b"GET /echo HTTP/1.1\r\nHost: bridge\r\nConnection: close\r\n\r\n"
POST = b"POST /read HTTP/1.1\r\nHost: bridge\r\nContent-Length: 10\r\n\r\n"
CHUNKED = b"POST /read HTTP/1.1\r\nHost: bridge\r\nTransfer-Encoding: chunked\r\n\r\n"
LARGE = 16_000_000  # more than all buffers between two ends take


class App:
    """Answers `/echo` at once with the headers, `/read` with the body's length, `/large` and `/some` with much, and
    `/slow` late; `/wait` waits until its client has gone.
    """

    def __init__(self) -> None:
        self.left = 0  # clients that were seen to go

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = json.dumps([[name.decode(), value.decode("latin-1")] for name, value in scope["headers"]]).encode()
        match scope["path"]:
            case "/read":
                read = 0
                while (message := await receive())["type"] == "http.request" and message["more_body"]:
                    read += len(message["body"])
                body = str(read + len(message.get("body", b""))).encode()
            case "/large":
                body = bytes(LARGE)
            case "/some":
                body = bytes(LARGE // 2)
            case "/slow":
                await asyncio.sleep(1)
            case "/wait":
                await receive()
                await receive()
                self.left += 1
        headers = [(b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


@pytest.fixture
def app() -> App:
    return App()


@pytest.fixture(params=["http", "https"])
def context(request: pytest.FixtureRequest, authority: Authority) -> ssl.SSLContext | None:
    """What a client needs, for both schemes."""
    return authority.trusted() if request.param == "https" else None


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def served(app: App, authority: Authority, context: ssl.SSLContext | None) -> Iterator[Served]:
    """A server of little patience, with or without TLS."""
    pair = authority.issue()
    tls = {"cert_file": pair.cert, "key_file": pair.key} if context is not None else {}
    with Served(app, {"connections": {**SHORT, "max": 8}, "tls": tls}) as server:
        yield server


@pytest.fixture
def plain(app: App) -> Iterator[Served]:
    """Without TLS."""
    with Served(app, {"connections": {**SHORT, "max": 8}}) as server:
        yield server


def status(answer: bytes) -> int:
    """Of the first answer."""
    return int(answer.split(b" ", 2)[1]) if answer else 0


def descriptors() -> int:
    """Open in this process, at either end of a connection."""
    return len(list(Path("/proc/self/fd").iterdir()))


# --- time -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "expected", "reason", "least"),
    [
        pytest.param(b"", 0, "slow head", 0.3, id="nothing"),
        pytest.param(b"GET /ec", 408, "slow head", 0.3, id="half a head"),
        pytest.param(b"\r\n", 0, "slow head", 0.3, id="empty lines only"),
        pytest.param(POST + b"12", 408, "slow body", 0.4, id="half a body"),
        pytest.param(CHUNKED + b"2\r\n12\r\n", 408, "slow body", 0.4, id="half a chunked body"),
    ],
)
def test_late(served: Served, context: ssl.SSLContext | None, sent: bytes, expected: int, reason: str, least: float):
    """Whoever does not finish what it asks is told so where it has begun, and cut."""
    answer, took = served.talk(sent, context)
    assert (status(answer), served.cut(reason)) == (expected, 1)
    assert least <= took < least + 1


def test_late_answer_is_an_envelope(plain: Served) -> None:
    """A 408 is one of the standard's errors, and the last word of the connection."""
    head, _, body = plain.talk(POST)[0].partition(b"\r\n\r\n")
    assert json.loads(body) == {
        "success": False,
        "responseDetail": {"title": "Request Timeout", "status": 408, "detail": "the request's body took too long"},
    }
    assert b"connection: close" in head.lower()


def test_byte_by_byte(plain: Served) -> None:
    """A body that comes a byte at a time has no more time than one that does not come."""
    start = time.monotonic()
    with plain.connect() as connection:
        connection.sendall(CHUNKED)
        while not plain.cut("slow body"):
            assert time.monotonic() < start + PATIENCE_S
            connection.sendall(b"1\r\nx\r\n")
            time.sleep(0.05)


def test_a_large_body_that_comes(plain: Served) -> None:
    """A body is taken whole, however many pieces it has."""
    answer = httpx.post(f"http://{HOST}:{plain.port}/read", content=iter([b"x" * 65_536] * 50))
    assert answer.text == str(65_536 * 50)


def test_idle(served: Served, context: ssl.SSLContext | None) -> None:
    """Between two requests a connection is kept, for a while; closing it then is nobody's fault."""
    with served.connect(context) as connection:
        for _ in range(2):
            connection.sendall(GET)
            assert status(connection.recv(65_536)) == 200
            time.sleep(0.35)  # longer than a head may take
        assert read_all(connection) == b""  # long before the connection's own patience ends
    assert sum(served.server.door.cut.values()) == 0


def test_idle_after_a_body_that_was_not_read(plain: Served) -> None:
    """Nor does a body that ends after its answer keep a connection for ever."""
    with plain.connect() as connection:
        connection.sendall(POST.replace(b"/read", b"/echo"))
        assert status(connection.recv(65_536)) == 200
        connection.sendall(b"0123456789")
        assert read_all(connection) == b""


def test_slow_reader(served: Served, context: ssl.SSLContext | None) -> None:
    """Whoever does not take its answer is cut, and what has waited for it is gone."""
    with served.connect(context, receive_buffer=8_192) as connection:
        connection.sendall(GET.replace(b"/echo", b"/large"))
        connection.recv(1_024)
        wait_until(lambda: served.cut("slow reader") == 1)
        wait_until(lambda: served.call(lambda: served.server.door.connections) == 0)


def test_slow_but_steady_reader(plain: Served) -> None:
    """Whoever takes its answer slowly gets all of it, however long that takes."""
    start = time.monotonic()
    with plain.connect(receive_buffer=65_536) as connection:
        connection.sendall(LAST.replace(b"/echo", b"/large"))
        read = 0
        while piece := connection.recv(1 << 18):
            read += len(piece)
            time.sleep(len(piece) / 12_000_000)
    assert read > LARGE
    assert time.monotonic() - start > 2 * SHORT["send_timeout"]
    assert plain.cut("slow reader") == 0


def test_steady_reader_of_many(plain: Served) -> None:
    """So does whoever asks for more before all is taken: what counts is what was taken, not what is left."""
    with plain.connect(receive_buffer=65_536) as connection:
        connection.sendall(GET.replace(b"/echo", b"/some") * 4 + LAST)
        read = 0
        while piece := connection.recv(1 << 18):
            read += len(piece)
            time.sleep(len(piece) / 12_000_000)
    assert read > 4 * (LARGE // 2)
    assert plain.cut("slow reader") == 0


def test_our_own_slowness_does_not_count(plain: Served) -> None:
    """A body that waits behind another request of its connection has its whole time after that."""
    with plain.connect() as connection:
        connection.sendall(GET.replace(b"/echo", b"/slow") + POST + b"01234")
        assert status(connection.recv(65_536)) == 200
        connection.sendall(b"56789")
        assert connection.recv(65_536).endswith(b"\r\n\r\n10")


def test_a_body_after_its_answer(plain: Served) -> None:
    """A body that goes on after its answer is cut off without another answer."""
    answer, took = plain.talk(POST.replace(b"/read", b"/echo") + b"1")
    assert (answer.count(b"HTTP/1.1"), status(answer)) == (1, 200)
    assert SHORT["body_timeout"] <= took < SHORT["body_timeout"] + 1
    assert plain.cut("slow body") == 1


# --- what is no request -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        pytest.param(b"hello\r\n\r\n", 400, id="no HTTP"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64), 400, id="TLS without TLS"),
        pytest.param(b"GET http://[ HTTP/1.1\r\n\r\n", 400, id="target"),
        pytest.param(b"CONNECT bridge:80 HTTP/1.1\r\nHost: bridge\r\n\r\n", 400, id="CONNECT"),
        pytest.param(b"GET / HTTP/1.1\r\nHost : bridge\r\n\r\n", 400, id="blank before the colon"),
        pytest.param(b"GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", 400, id="folded"),
        pytest.param(b"GET / HTTP/1.1\r\nA: b\0c\r\n\r\n", 400, id="NUL"),
        pytest.param(CHUNKED.replace(b"Host", b"Content-Length: 3\r\nHost") + b"0\r\n\r\n", 400, id="two lengths"),
        pytest.param(b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n", 414, id="long target"),
        pytest.param(b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 300 + b"\r\n", 431, id="many headers"),
        pytest.param(b"GET / HTTP/1.1\r\na: " + b"b" * 3_000_000, 431, id="long header"),
        pytest.param(CHUNKED + b"xyz\r\n", 400, id="no chunk"),
    ],
)
def test_refused(plain: Served, sent: bytes, expected: int) -> None:
    """What is no request is answered with an envelope where that can still be read, and the connection is closed."""
    with plain.connect() as connection:
        try:
            connection.sendall(sent)
        except ConnectionError:
            assert expected == 431  # it is closed before all of it is written
        answer = read_all(connection)
    assert status(answer) in ((expected, 0) if expected == 431 else (expected,))
    if answer:
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["responseDetail"]["status"] == expected
    assert sum(plain.server.door.cut.values()) == 1


def test_a_long_credential_reaches_whoever_looks_at_it(plain: Served) -> None:
    """A megabyte in one header is a request like any other: its credential is wrong, not its head."""
    answer, _ = plain.talk(LAST.replace(b"Host", b"Authorization: Bearer " + b"x" * 1_000_000 + b"\r\nHost"))
    assert status(answer) == 200


def test_trailers_are_no_headers(plain: Served) -> None:
    """What comes after a chunked body does not pass for a header."""
    sent = CHUNKED.replace(b"/read", b"/echo").replace(b"Host", b"Connection: close\r\nHost")
    answer, _ = plain.talk(sent + b"1\r\nx\r\n0\r\nAuthorization: Bearer x\r\n\r\n")
    assert status(answer) == 200
    assert b"authorization" not in answer


def test_upgrade_is_not_taken(plain: Served) -> None:
    """A request that would rather speak something else is answered in HTTP/1.1."""
    answer, _ = plain.talk(GET.replace(b"Host", b"Connection: Upgrade\r\nUpgrade: h2c\r\nHost"))
    assert status(answer) == 200


# --- many at once -----------------------------------------------------------------------------------------------------


def test_pipelined(plain: Served) -> None:
    """Some requests in a row are answered in a row."""
    answer, _ = plain.talk(GET * 20 + LAST)
    assert answer.count(b"HTTP/1.1 200 OK") == 21


def test_pipelining_flood(plain: Served) -> None:
    """A flood of requests in a row is not kept: the first are answered, then the connection ends."""
    answer, _ = plain.talk(GET * 3_000)
    assert 1 <= answer.count(b"HTTP/1.1 200 OK") <= 66
    assert plain.cut("malformed") == 1


def test_a_client_that_leaves_is_noticed_behind_a_pipeline(app: App, plain: Served) -> None:
    """The request that is being answered hears that its client has gone, also when others wait behind it."""
    with plain.connect() as connection:
        connection.sendall(GET.replace(b"/echo", b"/wait") + GET)
        wait_until(lambda: plain.call(lambda: any(one.pipeline for one in plain.server.server_state.connections)))
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        for one in list(plain.server.server_state.connections):
            plain.call(one.transport.abort)
        wait_until(lambda: app.left == 1)


def test_full(served: Served, context: ssl.SSLContext | None) -> None:
    """One connection too many is told to come back later; when others have gone, there is room."""
    held = [served.connect(context) for _ in range(8)]
    for connection in held:
        connection.sendall(GET)
        assert status(connection.recv(65_536)) == 200
    answer, _ = served.talk(GET, context)
    for connection in held:
        connection.close()
    assert status(answer) == 503
    assert b"retry-after: 5" in answer
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["responseDetail"]["status"] == 503
    wait_until(lambda: status(served.talk(LAST, context)[0]) == 200)


@pytest.mark.parametrize("kind", ["silent", "half a head", "half a body"])
def test_half_open(app: App, kind: str) -> None:
    """1,000 half-open connections harm no request, and all of their descriptors come back."""
    sent = {"silent": b"", "half a head": b"POST /re", "half a body": POST + b"1"}[kind]
    patience = {"head_timeout": 1.0, "body_timeout": 1.0}
    with Served(app, {"connections": patience}) as served:
        before = descriptors()
        held = [served.connect() for _ in range(1_000)]
        for connection in held:
            connection.sendall(sent)
        with httpx.Client(base_url=f"http://{HOST}:{served.port}") as client:
            took = [client.get("/echo").elapsed.total_seconds() for _ in range(50)]
        wait_until(lambda: served.call(lambda: served.server.door.connections) == 0)
        for connection in held:
            connection.close()
        assert max(took) < 1
        assert served.cut("slow body" if "body" in kind else "slow head") == 1_000
        wait_until(lambda: descriptors() <= before + 2)


def test_no_handshake(app: App, authority: Authority) -> None:
    """Nor do those that begin no TLS, each of which counts from the beginning."""
    pair = authority.issue()
    sections = {"connections": {**SHORT, "max": 8}, "tls": {"cert_file": pair.cert, "key_file": pair.key}}
    with Served(app, sections) as served:
        held = [served.connect() for _ in range(150)]
        wait_until(lambda: served.cut("handshake") == 108)  # as many as there may be, with those that are told
        wait_until(lambda: served.call(lambda: served.server.door.connections) == 0)
        assert served.cut("full") == 150 - 108
        assert status(served.talk(LAST, authority.trusted())[0]) == 200
        for connection in held:
            connection.close()


def test_plain_http_at_the_tls_port(app: App, authority: Authority) -> None:
    """Whoever speaks HTTP where HTTPS is spoken is not left waiting."""
    pair = authority.issue()
    with Served(app, {"tls": {"cert_file": pair.cert, "key_file": pair.key}}) as served:
        assert served.talk(GET)[1] < 1


def test_cuts_are_logged_together(plain: Served, caplog: pytest.LogCaptureFixture) -> None:
    """A flood of bad connections is a line a minute."""
    with caplog.at_level("INFO", "bridge.connections"):
        for _ in range(20):
            plain.talk(b"hello\r\n\r\n")
        wait_until(lambda: caplog.messages)
        time.sleep(0.3)
    assert len(caplog.messages) == 1


def test_stop_with_connections(app: App) -> None:
    """The server stops in time, whoever is connected."""
    with Served(app) as served:
        held = [served.connect() for _ in range(20)]
        start = time.monotonic()
    assert time.monotonic() - start < PATIENCE_S
    for connection in held:
        connection.close()


def test_no_descriptors(app: App) -> None:
    """Where the process may open no more files, the server waits and goes on."""
    with Served(app) as served:
        listener = served.server.door._listeners[0]
        served.call(lambda: served.server.door._wait(listener, OSError(24, "Too many open files")))
        assert status(served.talk(LAST)[0]) == 200
        assert served.cut("no descriptors") == 1


def test_protocol_is_the_same_with_asyncio(app: App) -> None:
    """Where there is no uvloop, asyncio's own loop serves as well."""
    with Served(app, {"connections": SHORT}, loop=asyncio.new_event_loop) as served:
        assert status(served.talk(LAST)[0]) == 200
        assert status(served.talk(POST)[0]) == 408
