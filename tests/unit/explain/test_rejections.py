"""The last rejected message of each topic is kept, bounded in number and bytes."""

from feeding import NOW_NS

from bridge.explain.rejections import MAX_TOPICS, SHOWN_BYTES, Rejections
from bridge.uns import Message, Rejected

SIZE = Rejected("payload-size", "300 bytes")


def test_the_last_of_a_topic() -> None:
    """A later one takes the place of an earlier one, and they are counted."""
    found = Rejections()
    found.note(Message("a", b"first", received_ns=NOW_NS), Rejected("json-depth"))
    found.note(Message("a", b"\xffsecond", received_ns=NOW_NS), SIZE)
    kept = found.of("a")
    assert kept is not None
    assert kept.describe() == {
        "reason": "payload-size",
        "detail": "300 bytes",
        "payload": "\\xffsecond",
        "bytes": 7,
        "at": "2027-01-15T08:00:00.000Z",
        "times": 2,
    }
    assert found.of("b") is None


def test_bounds() -> None:
    """Only the beginning of a payload is kept; of too many topics those that were quiet longest go."""
    found = Rejections()
    for number in range(MAX_TOPICS):
        found.note(Message(f"t{number}", b"x" * 1_000), SIZE)
    found.note(Message("t0", b"again"), SIZE)
    found.note(Message("one more", b""), SIZE)
    assert len(found) == MAX_TOPICS
    assert found.of("t1") is None
    first, other = found.of("t0"), found.of("t2")
    assert first is not None
    assert other is not None
    assert (first.times, len(other.beginning), other.size) == (2, SHOWN_BYTES, 1_000)


def test_long_topics() -> None:
    """A topic of any length is found again, and does not take its room."""
    found = Rejections()
    found.note(Message("a" * 60_000, b""), SIZE)
    assert found.of("a" * 60_000) is not None
