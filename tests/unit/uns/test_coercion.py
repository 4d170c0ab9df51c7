"""Texts that mean numbers, booleans, or numbers with a unit."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.uns import coercion

KINDS = frozenset({"numbers", "booleans"})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *(("5", 5), ("-5", -5), ("+5", 5), (" 5 ", 5), ("0", 0), ("9007199254740993", 9_007_199_254_740_993)),
        *(("23.5", 23.5), ("23,5", 23.5), ("1.", 1.0), (".5", 0.5), ("-.5", -0.5), ("1e3", 1000.0), ("1,5E-2", 0.015)),
        *(("007", None), ("1_000", None), ("0x1F", None), ("1,234.5", None), ("1.2.3", None), ("--5", None)),
        *(("", None), ("x", None), ("5 bar", None), ("NaN", None), ("inf", None), ("1e999", None), ("٣", None)),
        *((".", None), ("5" * 50, None), ("2026-01-15", None), ("12:30", None)),
    ],
)
def test_number(text: str, expected: float | None) -> None:
    """Decimal numbers are numbers, integers exactly; codes, thousands and other notations stay texts."""
    found = coercion.number(text)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *(("23.5 °C", (23.5, "°C")), ("45%", (45, "%")), ("-3,5bar", (-3.5, "bar")), ("1.2 m³/h", (1.2, "m³/h"))),
        *(("10 kΩ", (10, "kΩ")), ("5 µm", (5, "µm"))),
        *(("23.5", None), ("°C", None), ("5 bar abs", None), ("12:30", None), ("2026-01-15", None), ("5  bar", None)),
        *(("1e999 bar", None), ("007 bar", None), ("", None), ("5 " + "x" * 100, None)),
    ],
)
def test_measurement(text: str, expected: tuple[float, str] | None) -> None:
    """A number and a unit without blanks in it, and nothing else."""
    assert coercion.measurement(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *(("true", True), ("On", True), ("YES", True), ("FALSE", False), ("off", False), ("no", False)),
        *(("1", 1), ("none", "none"), ("nope", "nope"), (" on ", True), ("on" * 50, "on" * 50)),
    ],
)
def test_scalar(text: str, expected: object) -> None:
    """Words for true and false in any case; 0 and 1 are numbers."""
    found = coercion.scalar(text, KINDS)
    assert found == expected
    assert type(found) is type(expected)


def test_only_what_is_asked_for() -> None:
    """Nothing else is touched."""
    assert coercion.document({"a": "1", "b": ["on", {"c": "x"}], "d": None}, {"numbers"}) == {
        "a": 1, "b": ["on", {"c": "x"}], "d": None,
    }  # fmt: skip


@given(st.text(max_size=50))
def test_any_text(text: str) -> None:
    """Whatever a text is, it stays or becomes a plain finite scalar."""
    found = coercion.scalar(text, KINDS)
    assert found is text or isinstance(found, bool | int) or math.isfinite(found)
    coercion.measurement(text)
