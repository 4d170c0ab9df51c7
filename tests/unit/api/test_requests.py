"""Bad requests: one documented outcome each, naming the field, and never a 500 (reliability.md S1, S5)."""

from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inprocess import SPEED, InProcess, checked

from bridge.api import ApiLimits

POSTS = (
    *("/objecttypes/query", "/relationshiptypes/query", "/objects/list", "/objects/related", "/objects/value"),
    *("/objects/history", "/subscriptions", "/subscriptions/list", "/subscriptions/delete", "/subscriptions/register"),
    *("/subscriptions/unregister", "/subscriptions/sync", "/subscriptions/stream"),
)
PUTS = ("/objects/value", "/objects/history")

MALFORMED = [
    pytest.param(b"", id="empty"),
    pytest.param(b"{", id="truncated"),
    pytest.param(b"[]", id="an array"),
    pytest.param(b"null", id="null"),
    pytest.param(b"7", id="a number"),
    pytest.param(b'"text"', id="a string"),
    pytest.param(b"{'elementIds': []}", id="single quotes"),
    pytest.param(b'{"elementIds": []} x', id="trailing data"),
    pytest.param(b'\xef\xbb\xbf{"elementIds": []}', id="byte order mark"),
    pytest.param(b'{"elementIds": ["\xff"]}', id="bad UTF-8"),
    pytest.param(b'{"elementIds": ["\\ud800"]}', id="lone surrogate"),
    pytest.param(b'{"elementIds": ["\\udc00\\ud800"]}', id="surrogates the wrong way round"),
    pytest.param(b'{"elementIds": [], "x": NaN}', id="NaN"),
    pytest.param(b'{"elementIds": [], "x": Infinity}', id="Infinity"),
    pytest.param(b'{"elementIds": [], "x": 1e999}', id="a number beyond a double"),
    pytest.param(b'{"elementIds": [], "x": ' + b"9" * 5_000 + b"}", id="a very long integer"),
    pytest.param(b'{"elementIds": ' + b"[" * 100_000, id="very deep"),
    pytest.param(b'{"elementIds": [], "x": ' + b"[" * 5_000 + b"]" * 5_000 + b"}", id="deep where nobody looks"),
    pytest.param(b"\x00", id="a zero byte"),
    pytest.param(b"elementIds=a", id="a form"),
    pytest.param(b'{"elementIds": ["a\nb"]}', id="a control character"),
]


@pytest.mark.parametrize("body", MALFORMED)
@pytest.mark.parametrize("path", POSTS)
def test_malformed(bridge: InProcess, path: str, body: bytes) -> None:
    """Whatever is no JSON object in UTF-8 is 400, never 422 and never 500."""
    detail = checked(bridge.ask("POST", f"/v1{path}", body), 400)["responseDetail"]["detail"]
    assert detail.isprintable()
    assert len(detail) < 600


@pytest.mark.parametrize("path", PUTS)
def test_malformed_put(bridge: InProcess, path: str) -> None:
    """A malformed update makes the whole request 400."""
    for body in (
        b"",
        b"{}",
        b'{"updates": 1}',
        b'{"updates": [{"value": {"value": 1}}]}',
        b'{"updates": [{"elementId": "a"}]}',
    ):
        checked(bridge.ask("PUT", f"/v1{path}", body), 400)


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        pytest.param(b"{}", "elementIds: is required", id="missing"),
        pytest.param(b"[]", "body: must be a JSON object", id="no object"),
        pytest.param(b'{"elementIds": "a"}', "elementIds: must be a list of strings", id="no list"),
        pytest.param(b'{"elementIds": null}', "elementIds: must be a list of strings", id="null"),
        pytest.param(b'{"elementIds": ["a", 1]}', "elementIds[1]: must be a string", id="no string"),
        pytest.param(b'{"elementIds": {}, "maxDepth": -1}', "elementIds: must be a list of strings; "
                     "maxDepth: must be 0 or more", id="two"),
        pytest.param(b'{"elementIds": [1,2,3,4,5,6,7]}', "; ".join(
                     f"elementIds[{i}]: must be a string" for i in range(5)) + " (and 2 more)", id="7"),
    ],
)  # fmt: skip
def test_details(bridge: InProcess, body: bytes, detail: str) -> None:
    """The detail names each field and what it should be; many mistakes are counted."""
    answer = checked(bridge.ask("POST", "/v1/objects/value", body), 400)
    assert answer["responseDetail"] == {"title": "Bad Request", "status": 400, "detail": detail}


def test_lenient_where_the_standard_is(bridge: InProcess) -> None:
    """Fields that the standard does not know are ignored; of equal keys the last counts; no content type is needed."""
    body = b'{"elementIds": ["nobody"], "elementIds": ["%s"], "hint": {"a": [1]}}' % SPEED.encode()
    found = checked(bridge.ask("POST", "/v1/objects/value", body), 200)
    assert [item["elementId"] for item in found["results"]] == [SPEED]
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1", ""):
        checked(bridge.ask("POST", "/v1/objects/value", body, content_type=kind), 200)


def test_escaped_pairs(bridge: InProcess) -> None:
    """Surrogate pairs are characters."""
    found = checked(bridge.ask("POST", "/v1/objects/value", b'{"elementIds": ["\\ud83c\\udfed"]}'), 200)
    assert found["results"][0]["elementId"] == "🏭"


@pytest.mark.parametrize("path", POSTS)
def test_too_large(make_bridge: Callable[..., InProcess], path: str) -> None:
    """A body that is too large is 413 and says how many bytes are taken; one that just fits is read."""
    bridge = make_bridge(limits=ApiLimits(max_body=1_000))
    detail = checked(bridge.ask("POST", f"/v1{path}", b" " * 1_001), 413)["responseDetail"]["detail"]
    assert "at most 1000" in detail
    checked(bridge.ask("POST", f"/v1{path}", b" " * 1_000), 400)


def test_too_large_without_length(make_bridge: Callable[..., InProcess]) -> None:
    """The same for a body whose length is not told, and for one whose told length is absurd."""
    bridge = make_bridge(limits=ApiLimits(max_body=1_000))
    answer = bridge.ask("POST", "/v1/objects/value", b" " * 1_001, transfer_encoding="chunked", content_length="")
    checked(answer, 413)
    for length in ("9" * 19, "9" * 400):
        checked(bridge.ask("POST", "/v1/objects/value", b"{}", content_length=length), 413)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ("elementIds", "subscriptionIds", "clientId", "subscriptionId", "startTime", "endTime", "maxDepth", "updates")
_BRIDGE = InProcess()
_BRIDGE.press()


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(POSTS[:-1]), st.dictionaries(st.sampled_from(FIELDS), JSON | st.just([SPEED])))
def test_any_json(path: str, body: dict[str, object]) -> None:
    """Whatever fields of whatever types: a documented status, in strict JSON."""
    answer = _BRIDGE.ask("POST", f"/v1{path}", msgspec.json.encode(body))
    assert answer.status_code in (200, 400, 404)
    checked(answer, answer.status_code)


@settings(deadline=None, max_examples=200)
@given(st.sampled_from(POSTS[:-1]), st.binary(max_size=200))
def test_any_bytes(path: str, body: bytes) -> None:
    """Whatever bytes: a documented status, in strict JSON."""
    answer = _BRIDGE.ask("POST", f"/v1{path}", body)
    checked(answer, answer.status_code)
    assert answer.status_code in (200, 400, 404)
