"""Entity tags: who has a listing already is told so without it, and never holds a wrong one."""

import gzip
from collections.abc import Iterator

import httpx
import plantlike
import pytest
from hypothesis import HealthCheck, given, settings
from inprocess import AXIS, SPEED, InProcess, checked

from bridge.space.node import DEAD
from bridge.uns import Message

LISTINGS = ("/namespaces", "/objecttypes", "/relationshiptypes", "/objects")
QUERIES = (
    *LISTINGS,
    *("/objects?includeMetadata=true", "/objects?root=true", "/objecttypes?namespaceUri=urn:test"),
)


def ask(bridge: InProcess, path: str, **headers: str) -> httpx.Response:
    return bridge.ask("GET", f"/v1{path}", **headers)


@pytest.mark.parametrize("path", QUERIES)
@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_not_modified(bridge: InProcess, path: str, coding: str) -> None:
    """Asked again with its tag, a listing is 304 without a body, with the headers that it would have had."""
    first = ask(bridge, path, accept_encoding=coding)
    tag = first.headers["etag"]
    assert tag.startswith('"'), "strong"
    again = ask(bridge, path, accept_encoding=coding, if_none_match=tag)
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers.keys() == {"etag", "cache-control", "vary"}
    for name in again.headers:
        assert again.headers[name] == first.headers[name]
    assert first.headers.get_list("vary") == ["Accept-Encoding, Authorization"]


@pytest.mark.parametrize(
    ("said", "status"),
    [
        pytest.param("{tag}", 304, id="the tag"),
        pytest.param("W/{tag}", 304, id="weak"),
        pytest.param('"other" , {tag}', 304, id="in a list"),
        pytest.param("*", 304, id="anything"),
        pytest.param('"other"', 200, id="another"),
        pytest.param("", 200, id="empty"),
        pytest.param("{tag}x", 200, id="longer"),
    ],
)
def test_if_none_match(bridge: InProcess, said: str, status: int) -> None:
    """RFC 9110, 13.1.2: a list of tags, compared weakly, or `*`."""
    tag = ask(bridge, "/objects").headers["etag"]
    assert ask(bridge, "/objects", if_none_match=said.replace("{tag}", tag)).status_code == status


def test_forms_differ(bridge: InProcess) -> None:
    """The packed form has a tag of its own: each is right for itself only."""
    plain, packed = (ask(bridge, "/objects", accept_encoding=coding) for coding in ("identity", "gzip"))
    assert plain.headers["etag"] != packed.headers["etag"]
    assert ask(bridge, "/objects", accept_encoding="gzip", if_none_match=plain.headers["etag"]).status_code == 200
    assert len(gzip.compress(plain.content)) < len(plain.content), "worth it"


def test_queries_differ(bridge: InProcess) -> None:
    """Each query has a tag of its own, whatever the order of its parameters."""
    tags = [ask(bridge, path).headers["etag"] for path in ("/objects", "/objects?root=true", "/objects?root=false")]
    assert len(set(tags)) == 3
    kind = "typeElementId=urn:test%23Speed"
    first, second = (ask(bridge, f"/objects?{query}") for query in (f"root=true&{kind}", f"{kind}&root=true"))
    assert first.headers["etag"] == second.headers["etag"]


def test_values_change_no_listing(bridge: InProcess) -> None:
    """A new value leaves the tags as they are; only metadata, which tell when it came, have a new one."""
    before = [ask(bridge, path).headers["etag"] for path in QUERIES]
    bridge.pass_time(1)
    bridge.publish(SPEED, 6)
    after = [ask(bridge, path).headers["etag"] for path in QUERIES]
    differ = [path for path, old, new in zip(QUERIES, before, after, strict=True) if old != new]
    assert differ == ["/objects?includeMetadata=true"]


def test_extensions_come_and_go(bridge: InProcess) -> None:
    """Whatever makes an element extended, or ends that, gives listings a new tag; a source that dies does not."""
    bridge.pass_time(60)
    bridge.arrange()

    def told() -> tuple[str, bool]:
        answer = ask(bridge, "/objects")
        rows = {row["elementId"]: row for row in checked(answer, 200)["result"]}
        return answer.headers["etag"], rows[AXIS]["isExtended"]

    more = {"x": 1, "pos": {"y": 2}, "oops": 1}
    seen = []
    for value in (more, None, more, more, None, None, {"x": 1, "pos": {"y": 2}}, None):
        bridge.publish(AXIS, value)
        seen.append(told())
    assert [extended for _, extended in seen] == [True, False, True, True, False, False, False, False]
    tags = [tag for tag, _ in seen]
    assert tags[2] == tags[3]
    assert tags[4] == tags[5]
    assert tags[6] == tags[7], "nothing was extended any more"
    assert len({tags[0], tags[1], tags[2], tags[4]}) == 4
    bridge.publish(AXIS, more)
    before = told()
    bridge.engine.space.nodes[AXIS].doubt |= DEAD
    assert told() == before


def test_new_elements_change_listings(bridge: InProcess) -> None:
    """Who names an old tag after the model has changed gets the new listing."""
    tag = ask(bridge, "/objects").headers["etag"]
    bridge.publish("acme/line1/press9/speed", 1)
    answer = ask(bridge, "/objects", if_none_match=tag)
    assert "acme/line1/press9" in {row["elementId"] for row in checked(answer, 200)["result"]}


def test_processes_differ(bridge: InProcess) -> None:
    """Another process counts its revisions anew: its tags are never those of this one."""
    other = InProcess()
    other.press()
    assert ask(other, "/objects").headers["etag"] != ask(bridge, "/objects").headers["etag"]


def test_mistakes_have_no_tag(bridge: InProcess) -> None:
    """A wrong query is refused, whatever tag is named."""
    answer = ask(bridge, "/objects?root=1", if_none_match="*")
    assert answer.status_code == 400
    assert "etag" not in answer.headers


def test_browsers_see_tags(bridge: InProcess) -> None:
    """CORS shows the header to scripts of other origins, with 304 too."""
    for tag in ('"none"', "*"):
        answer = ask(bridge, "/objects", origin="http://localhost:5173", if_none_match=tag)
        assert answer.headers["access-control-expose-headers"] == "ETag, Retry-After, X-Request-ID"


def test_documented(bridge: InProcess) -> None:
    """The OpenAPI document names tag, condition and 304 for each listing, and for nothing else."""
    paths = bridge.get("/openapi.json")["paths"]
    tagged = [path for path, methods in paths.items() if "304" in methods.get("get", {"responses": {}})["responses"]]
    assert sorted(tagged) == sorted(LISTINGS)
    for path in tagged:
        found = paths[path]["get"]
        assert "If-None-Match" in {one["name"] for one in found["parameters"]}
        assert "ETag" in found["responses"]["200"]["headers"]
        assert "content" not in found["responses"]["304"]


def listings(bridge: InProcess) -> Iterator[tuple[str, str, bytes]]:
    for path in QUERIES:
        answer = ask(bridge, path)
        yield path, answer.headers["etag"], answer.content


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(batches=plantlike.batches)
def test_a_tag_names_one_answer(batches: list[list[Message]]) -> None:
    """Whatever is published, young or settled: two different answers never have one tag."""
    bridge = InProcess()
    known: dict[tuple[str, str], bytes] = {}
    for batch in batches:
        for message in batch:
            message.received_ns = bridge.now_ns
        bridge.ingest(*batch)
        bridge.pass_time(11)
        for path, tag, body in listings(bridge):
            assert known.setdefault((path, tag), body) == body
