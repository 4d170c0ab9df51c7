"""Times, qualities and texts in the form of others of their kind."""

from datetime import UTC
from zoneinfo import ZoneInfo

import pytest

from bridge.uns import moments, quality
from bridge.writing import words

NS = 1_795_835_272_123_456_789  # 2026-11-28T03:07:52.123456789Z
BERLIN = ZoneInfo("Europe/Berlin")

TIMES = [
    pytest.param(1_700_000_000, "", UTC, 1_795_835_272, id="seconds"),
    pytest.param(1_700_000_000_000, "", UTC, 1_795_835_272_123, id="milliseconds"),
    pytest.param(1_700_000_000_000_000, "", UTC, 1_795_835_272_123_456, id="microseconds"),
    pytest.param(1_700_000_000_000_000_000, "", UTC, NS, id="nanoseconds"),
    pytest.param(1_700_000_000.5, "", UTC, NS / 1e9, id="seconds with decimals"),
    pytest.param(5, "ms", UTC, 1_795_835_272_123, id="declared milliseconds"),
    pytest.param("1700000000000", "", UTC, "1795835272123", id="milliseconds as text"),
    pytest.param("2025-01-01T00:00:00Z", "", UTC, "2026-11-28T03:07:52Z", id="whole seconds"),
    pytest.param("2025-01-01T00:00:00.1Z", "", UTC, "2026-11-28T03:07:52.1Z", id="tenths"),
    pytest.param("2025-01-01T00:00:00.000000Z", "", UTC, "2026-11-28T03:07:52.123456Z", id="microseconds, ISO"),
    pytest.param("2025-01-01T00:00:00.123+01:00", "", UTC, "2026-11-28T04:07:52.123+01:00", id="offset"),
    pytest.param("2025-01-01T00:00:00-0530", "", UTC, "2026-11-27T21:37:52-0530", id="offset without a colon"),
    pytest.param("2025-01-01 00:00:00,123", "", BERLIN, "2026-11-28 04:07:52,123", id="no offset: configured zone"),
    pytest.param("20250101T000000Z", "", UTC, "20261128T030752Z", id="basic"),
    pytest.param("yesterday", "", UTC, "2026-11-28T03:07:52.123Z", id="no form that is known"),
    pytest.param(None, "", UTC, "2026-11-28T03:07:52.123Z", id="none yet"),
]


@pytest.mark.parametrize(("like", "unit", "zone", "expected"), TIMES)
def test_times(like, unit, zone, expected):
    """A time is written as the last one was, and read back as the same instant, as exactly as the form allows."""
    made = words.moment(NS, like, unit, zone)
    assert made == expected
    assert type(made) is type(expected)
    back = moments.PARSERS[unit](made, zone)
    assert back is not None
    assert abs(back - NS) < 1_000_000_000


@pytest.mark.parametrize("said", ["Good", "Uncertain", "Bad"])
@pytest.mark.parametrize(
    ("like", "meaning"),
    [
        pytest.param("GOOD", "", id="words"),
        pytest.param(192, "da", id="OPC DA"),
        pytest.param(192, "", id="codes"),
        pytest.param(0, "ua", id="OPC UA"),
        pytest.param({"Code": 0, "Symbol": "Good"}, "", id="OPC UA JSON"),
    ],
)
def test_qualities(like, meaning, said):
    """There is a form of the same kind, and it reads as the quality that is meant."""
    forms = list(words.qualities(said, like, meaning))
    assert forms
    assert {type(form) for form in forms} == {type(like)}
    assert {quality.parse(form, meaning) for form in forms} == {said}


@pytest.mark.parametrize(("like", "meaning"), [(True, ""), (1, "one-is-good"), (False, "zero-is-good")])
def test_flags_know_two_qualities(like, meaning):
    """What only knows good and bad has no word for Uncertain."""
    assert list(words.qualities("Good", like, meaning))
    assert list(words.qualities("Bad", like, meaning))
    assert list(words.qualities("Uncertain", like, meaning)) == []


@pytest.mark.parametrize(
    ("value", "like", "expected"),
    [
        pytest.param(True, "OFF", "ON", id="switch"),
        pytest.param(False, "yes", "no", id="yes and no"),
        pytest.param(23.5, "7,25", "23,5", id="decimal comma"),
        pytest.param(23.5, "7.25 °C", "23.5 °C", id="with a unit"),
        pytest.param(8, "7", "8", id="plain"),
    ],
)
def test_scalars(value, like, expected):
    """The likeliest text comes first."""
    assert next(words.scalars(value, like)) == expected
