"""What the settled types were not made for is noted, the latest of it kept."""

from feeding import NOW_NS

from bridge.space.learning.drift import MAX_EVENTS, MAX_TYPES, Drift


def test_events() -> None:
    """The latest type and the latest event come first; an event has its time, its sentence and its element."""
    drift = Drift()
    drift.note("urn:a#Vat", "property torque was added", "plant/vat1", NOW_NS)
    drift.note("urn:a#Pump", "integers became numbers", "plant/pump1/speed", NOW_NS)
    drift.note("urn:a#Vat", "property lid was added", "plant/vat2", NOW_NS)
    assert [row["typeElementId"] for row in drift.report()] == ["urn:a#Vat", "urn:a#Pump"]
    lid, torque = drift.report()[0]["events"]
    assert lid == {"at": "2027-01-15T08:00:00.000Z", "what": "property lid was added", "elementId": "plant/vat2"}
    assert torque["elementId"] == "plant/vat1"
    assert drift.latest is not None
    assert (drift.latest.element_id, drift.total) == ("plant/vat2", 3)
    assert drift.of("urn:a#Unknown") == []


def test_bounds() -> None:
    """Of one type only the latest events are kept, of all types those that drifted last; all are counted."""
    drift = Drift()
    for number in range(MAX_EVENTS + 5):
        drift.note("first", f"change {number}", "a", NOW_NS)
    assert [event.what for event in drift.of("first")][:1] == [f"change {MAX_EVENTS + 4}"]
    assert len(drift.of("first")) == MAX_EVENTS
    for number in range(MAX_TYPES):
        drift.note(f"type {number}", "change", "a", NOW_NS)
    assert len(drift.report()) == MAX_TYPES
    assert drift.of("first") == []
    assert drift.total == MAX_EVENTS + 5 + MAX_TYPES
