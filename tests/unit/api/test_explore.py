"""The exploratory half of the standard (i3x-1.0.md sections 1, 3, 4); the address space itself is tested elsewhere."""

import pytest
from inprocess import AXIS, MOTOR, PARTS, PRESS, SPEED, InProcess, checked

BULK_QUERIES = [
    pytest.param("/objecttypes/query", "urn:test#Speed", id="types"),
    pytest.param("/relationshiptypes/query", "HasParent", id="relationship types"),
    pytest.param("/objects/list", SPEED, id="objects"),
    pytest.param("/objects/related", SPEED, id="related"),
    pytest.param("/objects/value", SPEED, id="values"),
]


def test_info(bridge: InProcess) -> None:
    """clients.md 1: /info tells the truth, without a word that makes clients switch dialects."""
    info = bridge.get("/info")["result"]
    assert info == {
        "specVersion": "1.0",
        "serverVersion": "1.2.3",
        "serverName": "i3x-bridge",
        "capabilities": {
            "query": {"history": True},
            "update": {"current": False, "history": True},
            "subscribe": {"stream": True},
        },
    }


def test_namespaces(bridge: InProcess) -> None:
    """Namespaces scope types and relationship types; filters take what is in them and nothing else."""
    uris = [row["uri"] for row in bridge.get("/namespaces")["result"]]
    assert len(uris) == len(set(uris))
    for listing in ("/objecttypes", "/relationshiptypes"):
        every = bridge.get(listing)["result"]
        parts = [row for uri in uris for row in bridge.get(f"{listing}?namespaceUri={uri}")["result"]]
        assert sorted(row["elementId"] for row in every) == sorted(row["elementId"] for row in parts)
        assert bridge.get(f"{listing}?namespaceUri=urn:nobody")["result"] == []


def test_objects(bridge: InProcess) -> None:
    """clients.md 2, 15: roots have no parent, everything has a name, filters combine."""
    every = bridge.get("/objects")["result"]
    roots = bridge.get("/objects?root=true")["result"]
    assert [row for row in every if row["parentId"] is None] == roots != []
    assert all(row["displayName"] for row in every)
    assert bridge.get("/objects?root=false")["result"] == every
    (speed,) = bridge.get("/objects?typeElementId=urn:test%23Speed&includeMetadata=true")["result"]
    assert (speed["elementId"], speed["metadata"]["system"]["topic"]) == (SPEED, SPEED)
    assert bridge.get("/objects?typeElementId=urn:test%23Speed&root=true")["result"] == []
    assert bridge.get("/objects?typeElementId=nobody")["result"] == []


@pytest.mark.parametrize("query", ["includeMetadata=yes", "root=1", "root=", "includeMetadata=TRUE", "root=%C3%28"])
def test_wrong_flags(bridge: InProcess, query: str) -> None:
    """A boolean in a query is true or false, anything else is 400 and names the parameter."""
    detail = bridge.get(f"/objects?{query}", 400)["responseDetail"]["detail"]
    assert query.split("=", maxsplit=1)[0] in detail
    assert "true" in detail


@pytest.mark.parametrize(("path", "known"), BULK_QUERIES)
def test_bulk(bridge: InProcess, path: str, known: str) -> None:
    """clients.md 3, 4: same order and size as asked, duplicates too; unknown ids fail alone; no top-level result."""
    ids = [known, "nobody", known, ""]
    body = bridge.post(path, elementIds=ids)
    assert body.keys() == {"success", "results"}
    assert body["success"] is False
    assert [item["elementId"] for item in body["results"]] == ids
    assert [item["success"] for item in body["results"]] == [True, False, True, False]
    assert body["results"][0] == body["results"][2]
    assert body["results"][1]["responseDetail"]["status"] == 404
    assert "result" not in body["results"][1]
    assert bridge.post(path, elementIds=[known])["success"] is True
    assert bridge.post(path, elementIds=[]) == {"success": True, "results": []}


def test_related(bridge: InProcess) -> None:
    """All relationships, seen from the object; either spelling of the filter; unknown relationships relate nothing."""
    rows = bridge.post("/objects/related", elementIds=[MOTOR])["results"][0]["result"]
    assert {(row["sourceRelationship"], row["object"]["elementId"]) for row in rows} == {
        ("ComponentOf", PRESS),
        ("HasComponent", f"{MOTOR}/current"),
        ("HasComponent", SPEED),
    }
    for spelling in ("relationshipType", "relationshiptype"):
        found = bridge.post("/objects/related", elementIds=[MOTOR], includeMetadata=True, **{spelling: "ComponentOf"})
        (row,) = found["results"][0]["result"]
        assert row["object"]["metadata"]["relationships"]["HasComponent"]
    assert bridge.post("/objects/related", elementIds=[MOTOR], relationshipType="Likes")["results"][0]["result"] == []


def test_metadata(bridge: InProcess) -> None:
    """Metadata comes only when asked for; relationships are always arrays."""
    plain, rich = (
        bridge.post("/objects/list", elementIds=[AXIS], includeMetadata=flag)["results"][0]["result"]
        for flag in (False, True)
    )
    assert "metadata" not in plain
    assert all(isinstance(ids, list) for ids in rich["metadata"]["relationships"].values())


def test_a_whole_space_at_once(bridge: InProcess) -> None:
    """clients.md 14: browsers post all compositions at once."""
    ids = [row["elementId"] for row in bridge.get("/objects")["result"]] * 1_000
    assert len(bridge.post("/objects/related", elementIds=ids)["results"]) == len(ids) > 9_000


def test_ids_are_fit_for_clients(bridge: InProcess) -> None:
    """clients.md 17, 18: readable ids without commas, double quotes and backslashes, whatever the topic."""
    bridge.publish('plant/a,b "c"\\d/°C', 1)
    ids = {row["elementId"] for row in bridge.get("/objects")["result"]}
    assert "plant/a%2Cb %22c%22%5Cd/°C" in ids
    assert ids > PARTS
    assert not any(set(ident) & set(',"\\') for ident in ids)


def test_folders(bridge: InProcess) -> None:
    """clients.md 21: folder objects say so in their sourceTypeId."""
    root, _ = bridge.get("/objects?root=true&includeMetadata=true")["result"]
    assert "FolderType" in root["metadata"]["sourceTypeId"]


def test_units(bridge: InProcess) -> None:
    """clients.md 19: a unit stands in the description, in the metadata and in the type's schema."""
    topic = f"{PRESS}/pressure"
    bridge.publish(topic, {"value": 2.5, "unit": "bar", "timestamp": bridge.now_ns // 1_000_000})
    bridge.arrange()
    found = bridge.post("/objects/list", elementIds=[topic], includeMetadata=True)["results"][0]["result"]
    assert "[bar]" in found["metadata"]["description"]
    assert found["metadata"]["system"]["unit"] == "bar"
    kind = bridge.post("/objecttypes/query", elementIds=[found["typeElementId"]])["results"][0]["result"]
    assert "bar" in str(kind["schema"])


def test_leaf_types(bridge: InProcess) -> None:
    """clients.md 15, 16: every type has a schema with one plain type at its root."""
    for kind in bridge.get("/objecttypes")["result"]:
        assert kind["schema"]["type"] in ("object", "array", "string", "number", "integer", "boolean")


@pytest.mark.parametrize("path", ["/objects/list", "/objects/related", "/objects/value"])
def test_odd_ids_come_back_as_they_were(bridge: InProcess, path: str) -> None:
    """Whatever a client calls an id stands in the answer unchanged, as strict JSON."""
    ids = ["\r\n", "\u2028", "𝄞", "a" * 10_000, "%00", '"', "\x00"]
    body = bridge.post(path, elementIds=ids)
    assert [item["elementId"] for item in body["results"]] == ids


def test_any_accept(bridge: InProcess) -> None:
    """No particular Accept header is required."""
    for accept in ("text/event-stream", "*/*", "application/json", "text/html"):
        checked(bridge.ask("GET", "/v1/info", accept=accept), 200)


@pytest.mark.parametrize("path", ["/objects/list", "/objects/related"])
def test_null_flag(bridge: InProcess, path: str) -> None:
    """includeMetadata null is the default, as null is everywhere."""
    plain = bridge.post(path, elementIds=[SPEED])
    assert bridge.post(path, elementIds=[SPEED], includeMetadata=None) == plain


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/objecttypes/query", "object type"),
        ("/relationshiptypes/query", "relationship type"),
        ("/objects/list", "element"),
    ],
)
def test_missing_by_kind(bridge: InProcess, path: str, kind: str) -> None:
    """An unknown id is told as what was asked for."""
    (item,) = bridge.post(path, elementIds=["nobody"])["results"]
    assert item["responseDetail"] == {"title": "Not Found", "status": 404, "detail": f"no such {kind}"}
