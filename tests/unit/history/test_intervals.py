"""Lengths of intervals: every common way to write one, and nothing else."""

import pytest

from bridge.history.intervals import parse_interval
from bridge.uns.moments import SECOND


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        (30, 30), (0.5, 0.5), (0.1, 0.1), ("30s", 30), ("250ms", 0.25), ("5m", 300), ("1.5 h", 5_400),
        ("1d", 86_400), ("2w", 1_209_600), ("PT5M", 300), ("PT0.25S", 0.25), ("P1DT12H", 129_600),
        ("P2W", 1_209_600), ("PT1H30M5S", 5_405), (36_525 * 86_400, 36_525 * 86_400), (0.001, 0.001),
    ],
)  # fmt: skip
def test_lengths(said: object, seconds: float) -> None:
    """Seconds as a number, short texts, ISO 8601 durations."""
    assert parse_interval(said) == round(seconds * SECOND)


@pytest.mark.parametrize(
    "said",
    [
        0, -1, 0.0001, True, None, "", "5", "m", "5 minutes", "-5m", "P1M", "P1Y", "PT", "P", "P1D T1H", "1h30m", "٣s",
        [], float("nan"), float("inf"), 10**40, 1e40, "9" * 40 + "s", "99999999999d", "5m\n\n" * 20, {"s": 1},
    ],
    ids=repr,
)  # fmt: skip
def test_no_lengths(said: object) -> None:
    """Nothing below a millisecond or above a century, no months or years, and nothing else."""
    assert parse_interval(said) is None
