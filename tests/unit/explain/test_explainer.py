"""How a topic became an element, told from the running state; and what a payload would become."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from feeding import NOW, NOW_NS, Feed

from bridge.engine import Engine, Options
from bridge.explain import Explainer, Explanation, Rejections
from bridge.explain.explainer import MOST_BECOME
from bridge.space.owned.templates import Template
from bridge.space.owned.views import Tree, Views
from bridge.uns import Message
from bridge.uns.moments import SECOND
from bridge.uns.policy import Rule
from bridge.uns.topics import element_id

LEAF = {"value": 5, "timestamp": "2027-01-15T07:59:00Z", "quality": "good", "unit": "bar", "source": "plc"}


class Asked(Feed):
    """A feed whose elements are explained."""

    def __init__(self, **more: Any) -> None:
        options, self.rejections = Options(**more), Rejections()
        super().__init__(options)
        self.engine = Engine(options, self.rejections.note)
        self.browse = self.engine.browse
        self.explainer = Explainer(self.engine, options, self.rejections)

    def explain(self, name: str) -> Explanation:
        found = self.explainer.explain(name)
        assert found is not None, f"{name} is unknown"
        json.dumps(found)
        return found

    def fact(self, name: str, about: str) -> Any:
        return self.explain(name)["facts"][about]["said"]

    def why(self, name: str, about: str) -> str:
        return self.explain(name)["facts"][about].get("why", "")  # type: ignore[no-any-return]

    def trial(self, payload: Any, topic: str = "plant/x", properties: Mapping[str, str] | None = None) -> Any:
        raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        found = self.explainer.trial(topic, raw, properties, NOW_NS)
        json.dumps(found)
        return found


def test_unknown() -> None:
    """Nothing is told of what nobody has published."""
    assert Asked().take({"a/b": 1}).explainer.explain("a/c") is None


def test_by_topic_or_id() -> None:
    """A topic and its element id lead to the same explanation; a field has an id only."""
    asked = Asked().take({"a,b/c": {"x": 1}})
    assert asked.explain("a,b/c") == asked.explain(element_id("a,b/c"))
    assert asked.explain("a,b/c")["elementId"] == "a%2Cb/c"
    assert asked.explain("a%2Cb/c#/x")["facts"]["codec"] == {
        "said": "field",
        "why": "projected from the payload of a%2Cb/c",
    }


@pytest.mark.parametrize(
    ("payload", "codec", "envelope"),
    [
        pytest.param(b"5", "JSON", None, id="number"),
        pytest.param(b"running", "text or JSON", None, id="text"),
        pytest.param(b"\xff\x00", "base64", None, id="bytes"),
        pytest.param(LEAF, "JSON", {"attributes": ["source"]}, id="envelope"),
        pytest.param({"timestamp": 1_790_000_000_000, "x": 1}, "JSON", {"time": "timestamp"}, id="whole object"),
        pytest.param({"x": 1}, "JSON", {}, id="object without a time"),
    ],
)
def test_codec_and_envelope(payload: Any, codec: str, envelope: Any) -> None:
    """What the running state still tells of the payload: its codec, and the traces of its envelope."""
    facts = Asked().take({"a": payload}).explain("a")["facts"]
    assert facts["codec"]["said"] == codec
    assert facts.get("envelope", {}).get("said") == envelope


def test_time() -> None:
    """The payload's time where it is believed, else the time of receipt, and why."""
    asked = Asked().take({"a": LEAF, "b": 1, "c": {**LEAF, "timestamp": "2027-01-16T07:59:00Z"}})
    assert asked.fact("a", "time") == "2027-01-15T07:59:00.000Z"
    assert "payload" in asked.why("a", "time")
    assert asked.fact("a", "received") == NOW.format(0)
    for topic in ("b", "c"):
        assert asked.fact(topic, "time") == NOW.format(0)
        assert asked.why(topic, "time").startswith("of receipt")


def test_quality_and_doubts() -> None:
    """A retained copy without a time is doubted, and it is told why; so is a source that is gone, and who says so."""
    asked = Asked().take({"m/a": 1}, retain=True, replayed=True).take({"m/b": 1})
    assert (asked.fact("m/a", "quality"), asked.fact("m/b", "quality")) == ("Uncertain", "Good")
    assert "stored copy" in asked.why("m/a", "quality")
    assert "doubted since" in asked.explain("m/a")["facts"]
    asked.take({"m/LWT": "Online"}).take({"m/LWT": "Offline"})
    assert asked.fact("m/b", "quality") == "Bad"
    assert "m/LWT says so" in asked.why("m/b", "quality")


def test_composed() -> None:
    """Of equipment: that it is made of its parts, and which of them make it worse than Good."""
    asked = Asked().take({f"plant/vat{n}/edge/{name}": 1 for n in (1, 2) for name in "abcdef"}).settle()
    asked.take({f"plant/vat1/edge/{name}": {"value": 1, "quality": "bad"} for name in "abcde"})
    assert asked.fact("plant/vat1/edge", "codec") == "none"
    why = asked.why("plant/vat1/edge", "quality")
    assert why.startswith("a is Bad; b is Bad; c is Bad; and 2 more")
    assert asked.why("plant/vat2/edge", "quality") == "all parts are Good"


def test_composed_good() -> None:
    """What is worse and does not count is no reason for a Good: told is that it does not count."""
    asked = Asked().take({f"plant/vat{n}/edge/{name}": 1 for n in (1, 2) for name in "ab"}).settle()
    asked.take({"plant/vat1/edge/b": 2}, retain=True, replayed=True).take({"plant/vat1/edge/a": None})
    asked.take({"plant/vat2/edge/c": 2}, retain=True, replayed=True)
    assert asked.fact("plant/vat2/edge", "quality") == "Good"
    assert asked.why("plant/vat2/edge", "quality") == (
        "c is not confirmed yet, which does not count beside a Good part"
    )
    assert asked.fact("plant/vat1/edge", "quality") == "Uncertain"
    assert asked.why("plant/vat1/edge", "quality") == "a has no value, which does not count; b is Uncertain"


def test_type_and_place() -> None:
    """The type with its version and why, whom it is shared with, and whose part it is."""
    asked = Asked().take({f"plant/vat{n}/level": {"x": 1, "y": 2} for n in range(1, 7)}).settle()
    facts = asked.explain("plant/vat1/level")["facts"]
    assert facts["type"]["said"] == asked.node("plant/vat1/level").type.id
    assert "the role Level" in facts["type"]["why"]
    assert facts["version"]["said"].startswith("1.")
    assert facts["shared"]["said"] == 5
    assert facts["shared"]["why"].count("plant/vat") == 3
    assert facts["place"]["said"] == "part of plant/vat1"
    assert asked.fact("plant/vat1", "place") == "thing below plant"
    assert asked.fact("plant", "place") == "root"
    assert "a level above others" in asked.why("plant", "type")


def test_unit() -> None:
    """The unit, where it comes from, and the code that is known for it."""
    rule = Rule(("d",), {"unit": "kg"})
    asked = Asked(rules=(rule,)).take({"a": LEAF, "b": {**LEAF, "unit": "furlong²"}, "d": 1})
    assert (asked.fact("a", "unit"), asked.why("a", "unit")) == ("bar", "said by the payload; UNECE code BAR")
    assert asked.why("b", "unit").endswith("no UNECE code is known")
    assert asked.why("d", "unit").startswith("a rule of the configuration")
    asked.take({"p/TIC-1_PV": 5, "p/TIC-1_EU": "°C", "p/TIC-1_DESC": "Jacket"}).arrange()
    assert asked.fact("p/TIC-1_PV", "unit") == "°C"
    assert "p/TIC-1_EU" in asked.why("p/TIC-1_PV", "unit")


def test_rules() -> None:
    """What the configuration says about the topic, and nothing that it does not say."""
    rule = Rule(("plant/#",), {"time_unit": "ms", "coerce": frozenset({"numbers"})})
    asked = Asked(rules=(rule,)).take({"plant/a": 1, "other": 1})
    assert asked.fact("plant/a", "rules") == {"time_unit": "ms", "coerce": ["numbers"]}
    assert "rules" not in asked.explain("other")["facts"]


def test_drift() -> None:
    """What happened to the type of an element is told with it, and in the report."""
    asked = Asked().take({"a": 1}).settle()
    asked.engine.space.registry.drift.note(asked.node("a").type.id, "widened by the attribute 'x'", "a", NOW_NS)
    assert asked.fact("a", "drift of its type") == ["widened by the attribute 'x'"]
    report = asked.explainer.drift()
    assert report["total"] == 1
    assert report["types"][0]["events"][0]["elementId"] == "a"


def test_rejected() -> None:
    """The last payload that could not be used is told with its reason, also where there is no element."""
    asked = Asked(max_payload=10).take({"a/b": 1, "a/set": 1})
    asked.engine.ingest([Message("a/b", b"x" * 300, received_ns=NOW_NS + SECOND)])
    found = asked.fact("a/b", "rejected")
    assert (found["reason"], found["bytes"], found["at"]) == ("payload-size", 300, NOW.format(1))
    command = asked.explain("a/set")
    assert (command["elementId"], list(command["facts"])) == (None, ["rejected"])
    assert command["facts"]["rejected"]["said"]["reason"] == "command"


def test_own_elements() -> None:
    """The bridge's own elements are no payload of anybody's."""
    asked = Asked()
    assert asked.why("$bridge/model/version", "codec") == "the bridge tells it about itself"
    assert asked.why("$bridge/model/version", "type") == "the bridge brings it along"


def test_alias() -> None:
    """An element at another place is explained as what it stands for."""
    asked = Asked()
    tree = Tree(("energy", "{machine}"), Template("plant/{machine}/power"))
    asked.engine.space.watchers.append(Views(asked.engine.space, [tree]))
    asked.take({"plant/press1/power": 5}).arrange()
    found = asked.explain("$views/energy/press1")
    assert found["elementId"] == "$views/energy/press1"
    assert found["facts"]["alias of"]["said"] == "plant/press1/power"
    assert found["facts"]["value"]["said"] == 5


@pytest.mark.parametrize(
    ("payload", "codec", "envelope"),
    [
        pytest.param(b"23,5", "text", None, id="text"),
        pytest.param(b'{"value": 1', "text", None, id="malformed"),
        pytest.param(b"\x00", "base64", None, id="bytes"),
        pytest.param(b"", "empty", None, id="empty"),
        pytest.param(b"NaN", "JSON", None, id="lost number"),
        pytest.param(b"[" * 1_000 + b"]" * 1_000, "JSON", None, id="too deep"),
        pytest.param({"x": 1}, "JSON", {}, id="object"),
        pytest.param(
            LEAF,
            "JSON",
            {"value": "value", "time": "timestamp", "quality": "quality", "unit": "unit", "attributes": ["source"]},
            id="envelope",
        ),
        pytest.param([LEAF | {"ts": 1}], "JSON", {"value": "value"}, id="in an array"),
        pytest.param(b'{"value": NaN, "timestamp": 1790000000}', "JSON", {"value": "value"}, id="loose"),
        pytest.param({"dataPoint": LEAF, "id": 7}, "JSON", {"inside": "dataPoint", "value": "value"}, id="nested"),
    ],
)
def test_trial_tells_all_of_a_payload(payload: Any, codec: str, envelope: Any) -> None:
    """A payload at hand shows which codec it is in, and which of its keys is what."""
    facts = Asked().trial(payload)["facts"]
    assert facts["codec"]["said"] == codec
    if envelope:
        assert envelope.items() <= facts["envelope"]["said"].items()
    else:
        assert facts.get("envelope", {}).get("said") == envelope


def test_trial_stores_nothing() -> None:
    """The space, its counters and its revision stay as they are."""
    asked = Asked().take({"a": 1}).settle()
    before = asked.browse.objects(metadata=True), asked.engine.space.revision, asked.engine.counters.received
    found = asked.trial(LEAF, "plant/new/level")
    assert found["facts"]["quality"]["said"] == "Good"
    assert found["facts"]["becomes"]["said"] == ["plant/new/level"]
    assert asked.explainer.explain("plant/new/level") is None
    after = asked.browse.objects(metadata=True), asked.engine.space.revision, asked.engine.counters.received
    assert after == before


def test_trial_follows_the_rules() -> None:
    """The same options hold as for the running engine: envelope keys, limits, levels."""
    rule = Rule(("plant/#",), {"value": "reading", "time": "when"})
    asked = Asked(rules=(rule,), levels=("Plant", "Machine", "Unit"))
    found = asked.trial({"reading": 7, "when": "2027-01-15T07:59:00Z", "what": 1})["facts"]
    assert found["value"]["said"] == 7
    assert found["envelope"]["said"] == {"value": "reading", "time": "when", "attributes": ["what"]}
    assert found["time"]["said"] == "2027-01-15T07:59:00.000Z"
    assert found["place"]["said"] == "thing below plant"


def test_trial_with_properties() -> None:
    """MQTT 5 user properties count: the time of a CloudEvent."""
    found = Asked().trial(7, properties={"ce-time": "2027-01-15T07:59:00Z"})["facts"]
    assert found["time"]["said"] == "2027-01-15T07:59:00.000Z"


def test_trial_of_a_batch() -> None:
    """One message may become many elements; the first ones are named."""
    rows = [{"id": f"C.D.Tag{n}", "v": n, "q": True, "t": 1_790_000_000_000} for n in range(MOST_BECOME + 5)]
    found = Asked().trial({"timestamp": 1_790_000_000_000, "values": rows}, "iotgateway")["facts"]
    assert found["batch"]["said"] == "kepware"
    assert found["becomes"]["said"][0] == "iotgateway/C/D/Tag0"
    assert (len(found["becomes"]["said"]), found["becomes"]["why"]) == (MOST_BECOME, "and 5 more")


@pytest.mark.parametrize(
    ("topic", "payload", "reason"),
    [
        pytest.param("plant/set", b"1", "command", id="command"),
        pytest.param("$bridge/x", b"1", "reserved", id="reserved"),
        pytest.param("spBv1.0/G/NDATA/N", b"\x01", "sparkplug-payload", id="Sparkplug"),
        pytest.param("plant/x", b"1" * 300_000, "payload-size", id="too long"),
    ],
)
def test_trial_of_what_is_refused(topic: str, payload: bytes, reason: str) -> None:
    """What would be refused has no element, but a reason."""
    found = Asked().trial(payload, topic)
    assert found["elementId"] is None
    assert found["facts"]["rejected"]["said"]["reason"].startswith(reason.partition("-")[0])
