"""Paths, methods, CORS, gzip and errors: what holds for every answer (i3x-1.0.md section 1)."""

import gzip
import logging
import re
from collections.abc import Callable, Iterator

import pytest
from inprocess import SPEED, InProcess, checked

from bridge.api import ApiLimits, Readiness
from bridge.api.compression import accepts_gzip
from bridge.space.browse import Browser

ORIGIN = "http://localhost:5173"
BODY = b'{"elementIds": ["%s", "nobody"]}' % SPEED.encode()

# Every kind of answer: method, path, body, status.
ANSWERS = [
    pytest.param("GET", "/v1/info", b"", 200, id="a result"),
    pytest.param("POST", "/v1/objects/value", BODY, 200, id="a bulk result"),
    pytest.param("POST", "/v1/objects/value", b"{", 400, id="400"),
    pytest.param("POST", "/v1/subscriptions/sync", b'{"clientId":"a","subscriptionId":"b"}', 404, id="404 of the API"),
    pytest.param("GET", "/v1/nowhere", b"", 404, id="404"),
    pytest.param("GET", "/nowhere", b"", 404, id="404 outside"),
    pytest.param("GET", "/docs/static/nowhere.js", b"", 404, id="404 of a file"),
    pytest.param("DELETE", "/v1/objects", b"", 405, id="405"),
    pytest.param("POST", "/docs/static/swagger-ui.css", b"", 405, id="405 of a file"),
    pytest.param("POST", "/v1/objects/value", b" " * 2_000, 413, id="413"),
    pytest.param("PUT", "/v1/objects/value", b'{"updates": []}', 501, id="501"),
    pytest.param("GET", "/v1/namespaces", b"", 500, id="500"),
    pytest.param("POST", "/v1/objects/history", BODY[:-1] + b', "startTime": "2026-01-01T00:00:00Z", "endTime": '
                 b'"2027-01-01T00:00:00Z"}', 206, id="206"),
]  # fmt: skip


@pytest.fixture
def fragile(make_bridge: Callable[..., InProcess], monkeypatch: pytest.MonkeyPatch) -> Iterator[InProcess]:
    """A bridge that answers in every possible way: /namespaces has a bug, history is cut after one row."""

    def fail(_: Browser, **__: object) -> None:
        raise RuntimeError("a secret of ours")

    monkeypatch.setattr(Browser, "namespaces", fail)
    bridge = make_bridge(limits=ApiLimits(max_body=1_000), rows=1)
    bridge.press()
    bridge.publish(SPEED, 1)
    bridge.pass_time(1)
    bridge.publish(SPEED, 2)
    return bridge


@pytest.mark.parametrize(("method", "path", "body", "status"), ANSWERS)
class TestEveryAnswer:
    def test_envelope(self, fragile: InProcess, method: str, path: str, body: bytes, status: int) -> None:
        """The status of the table, strict JSON, errors in the envelope."""
        checked(fragile.ask(method, path, body), status)

    def test_gzip(self, fragile: InProcess, method: str, path: str, body: bytes, status: int) -> None:
        """Who accepts gzip gets it, however small the body; nobody else does."""
        plain = fragile.ask(method, path, body)
        packed = fragile.ask(method, path, body, accept_encoding="br, gzip;q=0.5")
        assert "content-encoding" not in plain.headers
        assert packed.headers["content-encoding"] == "gzip"
        assert "accept-encoding" in packed.headers["vary"].lower()
        assert packed.content == plain.content, "unpacked by the client"
        assert plain.headers["content-length"] == str(len(plain.content))
        assert int(packed.headers["content-length"]) != len(plain.content)

    def test_cors(self, fragile: InProcess, method: str, path: str, body: bytes, status: int) -> None:
        """clients.md 12: one set of CORS headers for whoever tells an origin, gzip or not."""
        for headers in ({}, {"accept_encoding": "gzip"}):
            answer = fragile.ask(method, path, body, origin=ORIGIN, **headers)
            assert answer.status_code == status
            assert answer.headers.get_list("access-control-allow-origin") == ["*"]
            assert "access-control-allow-credentials" not in answer.headers

    def test_again(self, fragile: InProcess, method: str, path: str, body: bytes, status: int) -> None:
        """What one client's headers did to an answer does not show in the next one."""
        first = fragile.ask(method, path, body)
        fragile.ask(method, path, body, origin=ORIGIN, accept_encoding="gzip")
        again = fragile.ask(method, path, body)
        assert (again.headers, again.content) == (first.headers, first.content)


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        pytest.param(None, False, id="none"),
        pytest.param("", False, id="empty"),
        pytest.param("gzip", True, id="gzip"),
        pytest.param("GZIP", True, id="capitals"),
        pytest.param("deflate, gzip;q=1.0, *;q=0.5", True, id="among others"),
        pytest.param("*", True, id="everything"),
        pytest.param("gzip;q=0", False, id="refused"),
        pytest.param("gzip; q=0.000", False, id="refused in three digits"),
        pytest.param("*, gzip;q=0", False, id="everything else"),
        pytest.param("identity", False, id="identity"),
        pytest.param("notgzip", False, id="another name"),
        pytest.param("gzip;q=x", True, id="an unreadable weight"),
    ],
)
def test_accepts_gzip(header: str | None, accepted: bool) -> None:
    """Accept-Encoding is read as RFC 9110 says."""
    headers = [(b"host", b"a")] if header is None else [(b"accept-encoding", header.encode())]
    assert accepts_gzip(headers) is accepted


def test_large_gzip(bridge: InProcess) -> None:
    """A large body is packed off the event loop and arrives whole."""
    body = b'{"elementIds": [%s]}' % b",".join(b'"nobody%d"' % index for index in range(5_000))
    answer = bridge.ask("POST", "/v1/objects/value", body, accept_encoding="gzip")
    assert int(answer.headers["content-length"]) < len(answer.content) / 5
    assert len(checked(answer, 200)["results"]) == 5_000


def test_file_gzip(bridge: InProcess) -> None:
    """A file that comes in pieces is packed as one stream."""
    plain, packed = (
        bridge.ask("GET", "/docs/static/swagger-ui-bundle.js", **headers)
        for headers in ({}, {"accept_encoding": "gzip"})
    )
    assert packed.content == plain.content
    assert "content-length" not in packed.headers
    assert gzip.compress(plain.content)[:3] == b"\x1f\x8b\x08"


PREFLIGHT = {"origin": ORIGIN, "access_control_request_method": "POST"}


class TestPreflight:
    @pytest.mark.parametrize("path", ["/v1/objects/value", "/v1/nowhere", "/v1/subscriptions/stream"])
    def test_echo(self, bridge: InProcess, path: str) -> None:
        """A preflight allows the methods of the standard and echoes the headers that were asked for."""
        answer = bridge.ask("OPTIONS", path, **PREFLIGHT, access_control_request_headers="authorization,x-odd")
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["access-control-allow-headers"] == "authorization,x-odd"
        assert {"GET", "POST", "PUT"} <= set(answer.headers["access-control-allow-methods"].split(", "))

    def test_file_origin(self, bridge: InProcess) -> None:
        """Pages from the disk are an origin too, called null."""
        answer = bridge.ask("GET", "/v1/info", origin="null")
        assert answer.headers["access-control-allow-origin"] == "*"

    def test_private_network(self, bridge: InProcess) -> None:
        """A public page may reach a bridge in a private network."""
        answer = bridge.ask("OPTIONS", "/v1/info", **PREFLIGHT, access_control_request_private_network="true")
        assert answer.headers["access-control-allow-private-network"] == "true"

    def test_configured_origins(self, make_bridge: Callable[..., InProcess]) -> None:
        """With configured origins only those are allowed, by name."""
        bridge = make_bridge(cors_origins=[ORIGIN])
        answer = bridge.ask("GET", "/v1/info", origin=ORIGIN)
        assert answer.headers.get_list("access-control-allow-origin") == [ORIGIN]
        assert "Origin" in answer.headers["vary"]
        assert "access-control-allow-origin" not in bridge.ask("GET", "/v1/info", origin="http://evil.example").headers


class TestMethods:
    @pytest.mark.parametrize("path", ["/v1/info", "/v1/objects", "/v1/openapi.json", "/livez", "/docs", "/metrics"])
    def test_head(self, bridge: InProcess, path: str) -> None:
        """HEAD has the status and headers of GET."""
        head, get = bridge.ask("HEAD", path), bridge.ask("GET", path)
        assert (head.status_code, head.headers) == (get.status_code, get.headers)

    @pytest.mark.parametrize(
        ("path", "allowed"),
        [("/v1/info", "GET, HEAD"), ("/v1/objects/value", "POST, PUT"), ("/v1/subscriptions/stream", "POST")],
    )
    def test_another(self, bridge: InProcess, path: str, allowed: str) -> None:
        """A wrong method is 405 and says which are right; OPTIONS only says so."""
        for method in ("DELETE", "PATCH", "TRACE", "GET" if "GET" not in allowed else "POST"):
            answer = bridge.ask(method, path)
            assert allowed in checked(answer, 405)["responseDetail"]["detail"]
            assert answer.headers["allow"] == allowed
        answer = bridge.ask("OPTIONS", path)
        assert (answer.status_code, answer.headers["allow"], answer.content) == (204, allowed, b"")

    @pytest.mark.parametrize(
        "path", ["/v1", "/v1/", "/v1/info/", "/v1//info", "/V1/info", "/v2/info", "/info", "/%2e%2e/etc/passwd",
                 "/docs/static/../../__init__.py", "/docs/static/%2e%2e/%2e%2e/__init__.py", "/docs/static/"],
    )  # fmt: skip
    def test_unknown_path(self, bridge: InProcess, path: str) -> None:
        """An unknown path is 404 in the envelope; nothing is reached beside the table."""
        checked(bridge.ask("GET", path), 404)


class TestMistakesOfOurs:
    def test_logged_once(self, fragile: InProcess, caplog: pytest.LogCaptureFixture) -> None:
        """A bug is told to the log, once and whole, and to no client."""
        with caplog.at_level(logging.INFO):
            answer = fragile.ask("GET", "/v1/namespaces")
        assert "secret" not in checked(answer, 500)["responseDetail"]["detail"]
        (record,) = caplog.records
        assert record.getMessage() == "GET /v1/namespaces failed"
        assert record.exc_info is not None
        assert record.exc_info[0] is RuntimeError

    def test_goes_on(self, fragile: InProcess) -> None:
        """The next request is answered."""
        fragile.ask("GET", "/v1/namespaces")
        checked(fragile.ask("GET", "/v1/info"), 200)


class TestPages:
    def test_health(self, bridge: InProcess) -> None:
        """/livez says that the process lives; /readyz whether data flows, and why not."""
        assert bridge.ask("GET", "/livez").status_code == 200
        assert bridge.ask("GET", "/readyz").json() == {"ready": True, "reasons": []}
        bridge.ready = Readiness(ready=False, reasons=("the broker is not connected",))
        answer = bridge.ask("GET", "/readyz")
        assert (answer.status_code, answer.json()["reasons"]) == (503, ["the broker is not connected"])

    def test_metrics(self, bridge: InProcess) -> None:
        """/metrics is Prometheus text."""
        answer = bridge.ask("GET", "/metrics")
        assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"

    def test_docs_need_no_internet(self, bridge: InProcess) -> None:
        """The documentation page loads nothing from elsewhere, and everything that it loads is here."""
        page = bridge.ask("GET", "/docs").text
        assert "//" not in page.replace("<!doctype", "")
        loaded = re.findall(r'(?:href|src)="([^"]+)"', page)
        assert len(loaded) >= 3
        for path in loaded:
            assert bridge.ask("GET", f"/{path}").status_code == 200

    def test_docs_with_a_slash(self, bridge: InProcess) -> None:
        """/docs/ leads to /docs, where the page's relative links hold."""
        answer = bridge.ask("GET", "/docs/")
        assert (answer.status_code, answer.headers["location"]) == (307, "../docs")
