"""The last rejected message of each topic is kept, bounded in number and bytes."""

import pytest
from feeding import NOW_NS

from bridge.explain.rejections import EXAMPLES, MAX_REASONS, MAX_TOPICS, SHOWN_BYTES, Rejections
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


def test_examples() -> None:
    """The last topics of each reason, the newest first; a flood of one reason leaves the others."""
    found = Rejections()
    found.note(Message("rare", b"", received_ns=1), Rejected("json-depth"))
    for number in range(1_000):
        found.note(Message(f"t{number % 10}", b"", received_ns=2 + number), SIZE)
    assert [topic for topic, _ in found.examples(lambda _: True)] == ["t9", "t8", "t7", "t6", "t5", "rare"]
    assert [topic for topic, _ in found.examples(lambda topic: topic != "t8")] == ["t9", "t7", "t6", "t5", "rare"]


def test_examples_of_one_topic() -> None:
    """A topic that fails again and again takes one place."""
    found = Rejections()
    for number in range(100):
        found.note(Message("other" if number == 50 else "broken", b"", received_ns=number), SIZE)
    assert [(topic, one.received_ns) for topic, one in found.examples(lambda _: True)] == [
        ("broken", 99),
        ("other", 50),
    ]


def test_examples_are_bounded() -> None:
    """In number of reasons, too."""
    found = Rejections()
    for number in range(10_000):
        found.note(Message(f"t{number}", b""), Rejected(f"r{number % 200}"))
    assert len(found.examples(lambda _: True)) == EXAMPLES * MAX_REASONS


@pytest.mark.parametrize(
    ("payload", "shown"),
    [
        pytest.param(b"21.5 bar", "21.5 bar", id="text"),
        pytest.param("°C ünï 🏭".encode(), "°C ünï 🏭", id="any language"),
        pytest.param(b"a\r\n\tb", "a   b", id="line breaks"),
        pytest.param(b"\x00\x1b[31m\x7f", "\ufffd\ufffd[31m\ufffd", id="controls"),
        pytest.param(b"\xff\xfe", "\ufffd\ufffd", id="no text"),
        pytest.param("\u202ea\u200b\u2028".encode(), "\ufffda\ufffd ", id="direction and separators"),
        pytest.param(b"\xe2\x82", "\ufffd", id="an end within a character"),
        pytest.param(b"x" * (SHOWN_BYTES - 1) + "€".encode(), "x" * (SHOWN_BYTES - 1), id="cut within a character"),
        pytest.param(b"", "", id="nothing"),
    ],
)
def test_excerpt(payload: bytes, shown: str) -> None:
    """A payload's beginning as one line that can be shown anywhere."""
    found = Rejections()
    found.note(Message("a", payload), SIZE)
    kept = found.of("a")
    assert kept is not None
    assert kept.excerpt() == shown
    assert len(shown) <= SHOWN_BYTES
