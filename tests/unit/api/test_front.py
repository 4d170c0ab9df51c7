"""What all answers have, whatever answers: an id that the log knows, too, and headers for browsers."""

import logging
import re
from collections.abc import Iterator

import httpx
import pytest
from inprocess import PRESS, InProcess, owner
from raw_http import RawStream
from served import HOST, Served

from bridge.access import Principal
from bridge.logs import TextFormatter

EVERYTHING = [
    pytest.param("GET", "/v1/info", 200, id="info"),
    pytest.param("GET", "/v1/objects", 200, id="listing"),
    pytest.param("GET", "/v1/nothing", 404, id="unknown path"),
    pytest.param("DELETE", "/v1/info", 405, id="another method"),
    pytest.param("OPTIONS", "/v1/info", 204, id="options"),
    pytest.param("HEAD", "/livez", 200, id="head"),
    pytest.param("POST", "/v1/objects/value", 400, id="bad request"),
    pytest.param("GET", "/", 200, id="explorer"),
    pytest.param("GET", "/web/nothing.js", 404, id="no file of the explorer"),
    pytest.param("GET", "/docs/", 307, id="redirect"),
    pytest.param("GET", "/docs", 200, id="page"),
    pytest.param("GET", "/docs/static/swagger-ui.css", 200, id="file"),
    pytest.param("GET", "/docs/static/nothing.css", 404, id="no file"),
    pytest.param("GET", "/metrics", 200, id="metrics"),
]
NEW = re.compile(r"[0-9a-f]{8}-\d+")


@pytest.fixture(scope="module")
def bridge() -> InProcess:
    bridge = InProcess()
    bridge.press()
    return bridge


@pytest.fixture(scope="module")
def served(bridge: InProcess) -> Iterator[Served]:
    with Served(bridge.app, {"proxy": {"trusted": [HOST]}}) as server:
        yield server


@pytest.fixture
def client(served: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://{HOST}:{served.port}") as found:
        yield found


@pytest.mark.parametrize(("method", "path", "status"), EVERYTHING)
class TestEveryAnswer:
    def test_id(self, client: httpx.Client, method: str, path: str, status: int) -> None:
        """Each has an id: its own, or the one that the request brings."""
        first, second = client.request(method, path), client.request(method, path)
        named = client.request(method, path, headers={"X-Request-ID": "proxy.7-A_b"})
        assert [answer.status_code for answer in (first, second, named)] == [status] * 3
        assert NEW.fullmatch(first.headers["x-request-id"])
        assert first.headers["x-request-id"] != second.headers["x-request-id"]
        assert named.headers["x-request-id"] == "proxy.7-A_b"

    def test_headers(self, client: httpx.Client, method: str, path: str, status: int) -> None:
        """None is taken for something else than it says, none tells the server's name, and data is not stored."""
        headers = client.request(method, path).headers
        assert headers.get_list("x-content-type-options") == ["nosniff"]
        assert "server" not in headers
        assert "etag" in headers or headers.get_list("cache-control") == ["no-store"]
        assert "strict-transport-security" not in headers
        assert ("content-security-policy" in headers) == headers.get("content-type", "").startswith("text/html")


@pytest.mark.parametrize("ident", ["", "a b", "x" * 65, "a\u00e4", "a;b", "$(reboot)", '"'])
def test_hostile_ids(client: httpx.Client, ident: str) -> None:
    """An id that is not harmless is not taken."""
    answer = client.get("/livez", headers=[(b"x-request-id", ident.encode())])
    assert NEW.fullmatch(answer.headers["x-request-id"])


def test_listings_keep_their_lifetime(client: httpx.Client) -> None:
    """What has a tag may be kept, if it is asked for again."""
    headers = client.get("/v1/objects").headers
    assert headers.get_list("cache-control") == ["private, no-cache"]
    assert headers["etag"]


def test_pages(client: httpx.Client) -> None:
    """The page's policy covers what the page does: its scripts are files of this server, and none stands in it."""
    answer = client.get("/docs")
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    scripts = re.findall(r"<script([^>]*)>([^<]*)</script>", answer.text)
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert len(scripts) == 2
    for attributes, content in scripts:
        path = re.search(r'src="([^"]+)"', attributes)
        assert path is not None
        assert not content.strip()
        script = client.get(f"/{path[1]}")
        assert script.status_code == 200
        assert "javascript" in script.headers["content-type"]
    assert not re.search(r"\son\w+=|<style|style=", answer.text)


def test_stream(bridge: InProcess, served: Served) -> None:
    """An event stream has an id and the headers, too."""
    subscription = served.call(lambda: bridge.subscribe(PRESS))
    with RawStream(served.port, dict(owner(subscription))) as stream:
        assert stream.status == 200
        assert NEW.fullmatch(stream.headers["x-request-id"])
        assert stream.headers["x-content-type-options"] == "nosniff"
        assert "no-store" in stream.headers["cache-control"]


@pytest.mark.parametrize(
    ("forwarded", "expected"),
    [
        pytest.param("198.51.100.9", "198.51.100.9", id="client"),
        pytest.param("203.0.113.1, 198.51.100.9", "198.51.100.9", id="spoofed"),
        pytest.param("nonsense", HOST, id="nonsense"),
    ],
)
def test_log(client: httpx.Client, caplog: pytest.LogCaptureFixture, forwarded: str, expected: str) -> None:
    """A line at level debug says how a request went and who has asked, without the query."""
    with caplog.at_level(logging.DEBUG, "bridge.requests"):
        client.get("/v1/objects?token=secret", headers={"X-Forwarded-For": forwarded})
    (line,) = caplog.messages
    assert re.fullmatch(rf"GET /v1/objects: 200 in \d+\.\d ms for anonymous at {re.escape(expected)}", line)


def test_no_log(client: httpx.Client, caplog: pytest.LogCaptureFixture) -> None:
    """Above that level there is none."""
    with caplog.at_level(logging.INFO, "bridge.requests"):
        client.get("/livez")
    assert caplog.messages == []


def test_scheme(client: httpx.Client) -> None:
    """Behind a proxy with TLS, browsers are told to stay with https."""
    assert "strict-transport-security" in client.get("/livez", headers={"X-Forwarded-Proto": "https"}).headers


def test_unnamed_proxies_are_not_believed(bridge: InProcess, caplog: pytest.LogCaptureFixture) -> None:
    """Where no proxy is named, forwarded headers are anybody's invention."""
    said = {"X-Forwarded-For": "198.51.100.9", "X-Forwarded-Proto": "https"}
    with Served(bridge.app) as served, caplog.at_level(logging.DEBUG, "bridge.requests"):
        answer = httpx.get(f"http://{HOST}:{served.port}/livez", headers=said)
    assert "strict-transport-security" not in answer.headers
    assert caplog.messages[0].endswith(f"for - at {HOST}")


def test_lines_about_a_request(caplog: pytest.LogCaptureFixture) -> None:
    """Whatever is logged while a request is answered carries its id; a fault's line is found from the answer."""
    broken = InProcess(principals={"t": Principal("tess", ("#",))})
    broken.context.engine.sight = lambda *_: 1 / 0  # type: ignore[method-assign, assignment]
    caplog.handler.setFormatter(TextFormatter())
    with Served(broken.app) as served, httpx.Client(base_url=f"http://{HOST}:{served.port}") as client:
        answer = client.get("/v1/objects", headers={"Authorization": "Bearer t"})
    assert answer.status_code == 500
    assert f"(request {answer.headers['x-request-id']})" in caplog.text
