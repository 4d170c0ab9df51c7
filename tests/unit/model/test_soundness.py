"""With a model at work, everything that holds for every address space still holds."""

import invariants
import plantlike
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plantlike import START_NS
from views import EngineView

from bridge.engine import Engine, Options
from bridge.model import learnt, parse, text
from bridge.uns import Message
from bridge.uns.moments import SECOND

FILE = """\
format = 1
[namespaces]
"urn:acme" = "Acme"
[[type]]
name = "Line"
kind = "object"
parts = true
[type.fields]
temperature = "number"
edge = { fields = { temperature = "number" } }
[[type]]
name = "Order"
kind = "object"
[type.fields]
x = "integer"
name = { kind = "string", enum = ["Good"] }
[[type]]
name = "Reading"
kind = "number"
minimum = 0
maximum = 3
[[type]]
name = "Count"
kind = "integer"
[[type]]
name = "Counts"
kind = "object"
map = "integer"
[[element]]
match = "plant/line*"
type = "Line"
part = false
name = "A line"
[[element]]
match = "+/+/temperature"
type = "Reading"
unit = "K"
[[element]]
match = "#"
description = "From the plant"
[[element]]
match = "+/orders"
type = "Order"
part = true
[[element]]
match = "edge/#"
type = "Count"
[[element]]
match = "orders/#"
type = "Counts"
part = false
[[element]]
match = "line1/0"
hide = true
[[relationship]]
name = "Beside"
reverse = "Beside"
from = "plant/{x}"
to = "plant/{y}"
[[relationship]]
name = "HasOrders"
reverse = "OrdersOf"
from = "{x}/{y}"
to = "{x}/{y}/orders"
[[tree]]
path = "All/{x}"
element = "{x}/+"
[[tree]]
path = "All/{x}/{y}"
element = "{x}/{y}"
[[tree]]
path = "{y} of {x}"
element = "{x}/{y}/#"
"""


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(batches=plantlike.batches, pauses=st.lists(st.sampled_from([0, 1, 11, 61]), min_size=5, max_size=5))
def test_space_is_sound_with_a_model(batches: list[list[Message]], pauses: list[int]) -> None:
    """After each batch, before and after arranging, young or settled: no promise is broken, no pinned type changes."""
    model = parse(FILE, "model.toml")
    engine, now_ns = Engine(Options(rules=model.rules())), START_NS
    model.pin(engine.space)
    pinned = [row for row in engine.browse.object_types() if row["namespaceUri"] == "urn:acme"]
    for pause, batch in zip(pauses, batches, strict=False):
        engine.ingest(in_step(now_ns, batch))
        assert invariants.faults(EngineView(engine)) == []
        now_ns += pause * SECOND
        engine.arrange(now_ns, float(now_ns), no_clock)
        assert invariants.faults(EngineView(engine)) == []
    again = [engine.browse.object_type(row["elementId"]) for row in pinned]
    assert again == pinned


def no_clock() -> float:
    """Arranging takes no time."""
    return 0.0


def in_step(now_ns: int, batch: list[Message]) -> list[Message]:
    """The messages as they arrive now."""
    for number, message in enumerate(batch):
        message.received_ns = now_ns + number
    return batch


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(traffic=st.dictionaries(plantlike.topics, plantlike.payloads.filter(bool), max_size=12))
def test_round_trip_of_anything(traffic: dict[str, bytes]) -> None:
    """Whatever was published, the file that it makes can be read, and is the same model for the same traffic."""
    first = settled(traffic)
    written = text(learnt(first.space))
    model = parse(written, "model.toml")
    engine = Engine(Options(rules=model.rules()))
    model.pin(engine.space)
    again = settled(traffic, engine)
    assert seen(again) == seen(first)
    assert text(learnt(again.space)) == written


def settled(traffic: dict[str, bytes], engine: Engine | None = None) -> Engine:
    """An engine that has taken the traffic while it was young, and is settled."""
    engine = engine or Engine(Options())
    engine.ingest([Message(topic, payload, received_ns=START_NS) for topic, payload in traffic.items()])
    for later in (0, 60):
        engine.arrange(START_NS + later * SECOND, float(later), no_clock)
    return engine


def seen(engine: Engine) -> list[dict[str, invariants.Row]]:
    browse = engine.browse
    return [{row["elementId"]: row for row in rows} for rows in (browse.objects(metadata=True), browse.object_types())]
