"""Engineering units."""

import pytest

from bridge.uns import units


@pytest.mark.parametrize(
    ("unit", "code"),
    [
        *(("°C", "CEL"), ("℃", "CEL"), ("celsius", "CEL"), ("Celsius", "CEL"), ("°F", "FAH"), ("K", "KEL")),
        *(("bar", "BAR"), ("mbar", "MBR"), ("kPa", "KPA"), ("psi", "PS"), ("PSI", "PS")),
        *(("m³/h", "MQH"), ("m3/h", "MQH"), ("L/min", "L2"), ("l/min", "L2"), ("kg/h", "E93")),
        *(("µm", "4H"), ("μm", "4H"), ("mm/s", "C16"), ("m/s²", "MSK"), ("mS/cm", "H61"), ("µS/cm", "G42")),
        *(("Ω", "OHM"), ("\u2126", "OHM"), ("MΩ", "B75"), ("A", "AMP"), ("kWh", "KWH"), ("rpm", "RPM"), ("RPM", "RPM")),
        *(("%", "P1"), ("percent", "P1"), ("hours", "HUR"), ("Each", "EA"), ("ppm", "59"), ("pH", "Q30")),
    ],
)
def test_known(unit: str, code: str) -> None:
    """A unit that is certain has its UNECE Rec 20 code, however its signs are encoded."""
    assert units.rec20(unit) == code


@pytest.mark.parametrize(
    "unit",
    [
        "",
        "C",
        "gal",
        "ton",
        "count",
        "parts",
        "tool_number",
        "phase",
        "status",
        "Mbar",
        "MPA",
        "ph",
        pytest.param("x" * 100_000, id="long"),
    ],
)
def test_unknown(unit: str) -> None:
    """What is no unit of measure, or may be two, has no code: wrong is worse than absent."""
    assert units.rec20(unit) is None


@pytest.mark.parametrize(
    ("said", "text"),
    [
        pytest.param("bar", "bar", id="plain"),
        pytest.param(" °C ", "°C", id="trimmed"),
        pytest.param("", None, id="empty"),
        pytest.param("  ", None, id="blank"),
        pytest.param("a\nb", None, id="control"),
        pytest.param("x" * 65, None, id="long"),
        pytest.param(5, None, id="number"),
        pytest.param(None, None, id="null"),
        pytest.param({"name": "bar"}, None, id="object"),
    ],
)
def test_clean(said: object, text: str | None) -> None:
    """A unit is a short, printable text."""
    assert units.clean(said) == text
