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
        pytest.param("x" * 33, None, id="long"),
        pytest.param("cubic metres per hour", "cubic metres per hour", id="words"),
        pytest.param("the unit of this value", None, id="sentence"),
        pytest.param("12.5", None, id="number-text"),
        pytest.param("n/a", None, id="placeholder"),
        pytest.param(5, None, id="number"),
        pytest.param(None, None, id="null"),
        pytest.param({"name": "bar"}, None, id="object"),
    ],
)
def test_clean(said: object, text: str | None) -> None:
    """A unit is a short, printable text."""
    assert units.clean(said) == text


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        *(("ConsumptionKW", "kW"), ("ConsumptionKWh", "kWh"), ("fill_pct", "%"), ("Temp_C", "°C")),
        *(
            ("oven_temp_c", "°C"),
            ("conveyor_speed_mpm", "m/min"),
            ("DowntimeMinutes", "min"),
            ("TIC-250-001_PV_Celsius", "°C"),
        ),
        *(("max_rpm", "rpm"), ("vibration_mm_s", "mm/s"), ("current_mA", "mA"), ("pressure_bar", "bar")),
        *(("runtime-hours", "h"), ("gas_flow_l_min", "l/min"), ("torque_nm", "Nm"), ("laser_power_w", "W")),
    ],
)
def test_guess(name: str, unit: str) -> None:
    """A name that ends with a unit which can hardly be anything else names it."""
    assert units.guess(name) == unit


@pytest.mark.parametrize(
    "name",
    [
        *("", "_", "Minutes", "bar", "c", "progress_bar", "phase_c", "line_c", "voltage_a", "wavelength_nm", "items"),
        *("opening_min", "cell_ph", "Temperature", "robot_weld_05", "carbon_intensity_g_per_kwh", "timestamp_ms"),
    ],
)
def test_no_guess(name: str) -> None:
    """What may be something else is not guessed: wrong is worse than absent."""
    assert units.guess(name) is None
