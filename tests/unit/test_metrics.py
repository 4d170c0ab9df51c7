"""/metrics: numbers that are read where they are kept, in the Prometheus text format."""

from inprocess import PRESS, SPEED, InProcess
from prometheus_client.parser import text_string_to_metric_families

from bridge.metrics import BridgeCollector, exposition
from bridge.sources.base import Health
from bridge.uns import Message


class Quiet:
    """A source of which only the health is asked."""

    def health(self) -> Health:
        return Health(connected=True, since_ns=0, reconnects=3, sessions_lost=1)


def samples(bridge: InProcess) -> dict[str, float]:
    collector = BridgeCollector(bridge.engine, bridge.flow.ledger, bridge.history, Quiet(), "1.2.3")  # type: ignore[arg-type]  # see Quiet
    families = text_string_to_metric_families(exposition(collector).decode())
    return {
        one.name + "".join(f"/{value}" for value in one.labels.values()): one.value
        for family in families
        for one in family.samples
    }


def test_messages_balance(bridge: InProcess) -> None:
    """Every message has one outcome: received is the sum of stored, duplicate, rejected and unacknowledged."""
    bridge.publish(SPEED, 1, bridge.now_ns)
    bridge.publish(SPEED, 1, bridge.now_ns)
    bridge.ingest(Message(SPEED, b"x" * 300_000, received_ns=bridge.now_ns))
    found = samples(bridge)
    outcomes = {name: found[f"bridge_messages_total/{name}"] for name in ("stored", "duplicate", "rejected")}
    assert outcomes == {"stored": 1, "duplicate": 1, "rejected": 1}
    assert found["bridge_messages_received_total"] == sum(outcomes.values())
    assert found["bridge_messages_unacknowledged"] == 0
    assert found["bridge_messages_rejected_total/payload-size"] == 1


def test_subscriptions(bridge: InProcess) -> None:
    """What waits, what was dropped and who streams can be watched."""
    found = bridge.subscribe(PRESS, max_depth=0)
    bridge.engine.subscriptions.open_stream(found, lambda: None)
    told = samples(bridge)
    assert told["bridge_subscriptions"] == told["bridge_streams"] == told["bridge_monitored_items"] == 1
    assert told["bridge_updates_queued"] == 9
    assert told["bridge_updates_dropped_total"] == 0


def test_doubts(bridge: InProcess) -> None:
    """How many elements are silent, dead or lost can be watched."""
    bridge.publish(f"{PRESS}/LWT", "offline")
    told = samples(bridge)
    counts = [told[f"bridge_elements_{doubt}"] for doubt in ("stale", "dead", "lost")]
    assert counts == [0, 4, 0]


def test_the_rest(bridge: InProcess) -> None:
    """Model, history, broker and version are there."""
    bridge.publish(SPEED, 1)
    bridge.engine.space.refused["fields"] += 2
    bridge.engine.space.removal.removed["expired"] += 3
    bridge.engine.space.registry.drift.note("a", "b", "c", 0)
    told = samples(bridge)
    assert told["bridge_fields_refused_total/fields"] == 2
    assert told["bridge_elements_removed_total/expired"] == 3
    assert told["bridge_types_widened_total"] == 1
    assert told["bridge_elements"] == len(bridge.engine.space.nodes)
    assert told["bridge_history_rows"] == 1
    assert told["bridge_history_evicted_total"] == 0
    assert told["bridge_state_problems_total"] == 0
    assert told["bridge_source_connected"] == 1
    assert (told["bridge_source_reconnects_total"], told["bridge_source_sessions_lost_total"]) == (3, 1)
    assert told["bridge_build_info/1.2.3"] == 1
