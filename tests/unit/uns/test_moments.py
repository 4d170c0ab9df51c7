"""Instants: what is read as a time, what is not, and how one is written."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.uns import moments

NOON = 1_768_478_400 * moments.SECOND  # 2026-01-15T12:00:00Z
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("said", "ns"),
    [
        pytest.param(1768478400, NOON, id="seconds"),
        pytest.param(1768478400.123, NOON + 123_000_000, id="float-seconds"),
        pytest.param(1795216881.853636, 1_795_216_881_853_636_000, id="float-microseconds"),
        pytest.param(1768478400123, NOON + 123_000_000, id="milliseconds"),
        pytest.param(1768478400123.0, NOON + 123_000_000, id="float-milliseconds"),
        pytest.param(1768478400123456, NOON + 123_456_000, id="microseconds"),
        pytest.param(1768478400123456789, NOON + 123_456_789, id="nanoseconds"),
        pytest.param("1768478400", NOON, id="text-seconds"),
        pytest.param("1768478400.5", NOON + 500_000_000, id="text-float-seconds"),
        pytest.param(" 1768478400123 ", NOON + 123_000_000, id="text-milliseconds"),
        pytest.param("2026-01-15T12:00:00Z", NOON, id="rfc3339"),
        pytest.param("2026-01-15T12:00:00.123Z", NOON + 123_000_000, id="3-digits"),
        pytest.param("2026-01-15T12:00:00.1Z", NOON + 100_000_000, id="1-digit"),
        pytest.param("2026-01-15T12:00:00.123456Z", NOON + 123_456_000, id="6-digits"),
        pytest.param("2026-01-15T12:00:00.1234567Z", NOON + 123_456_700, id="7-digits"),
        pytest.param("2026-01-15T12:00:00.123456789Z", NOON + 123_456_789, id="9-digits"),
        pytest.param("2026-01-15T12:00:00.123456789123Z", NOON + 123_456_789, id="12-digits"),
        pytest.param("2026-01-15T12:00:00,5Z", NOON + 500_000_000, id="decimal-comma"),
        pytest.param("2026-01-15T12:00:00z", NOON, id="lower-case-z"),
        pytest.param("2026-01-15T13:00:00+01:00", NOON, id="offset"),
        pytest.param("2026-01-15T13:00:00.123456+01:00", NOON + 123_456_000, id="offset-6-digits"),
        pytest.param("2026-01-15T13:00:00.1234567+01:00", NOON + 123_456_700, id="offset-7-digits"),
        pytest.param("2026-01-15T13:00:00+0100", NOON, id="offset-without-colon"),
        pytest.param("2026-01-15T13:00:00+01", NOON, id="offset-of-hours"),
        pytest.param("2026-01-15T06:30:00-05:30", NOON, id="offset-west"),
        pytest.param("2026-01-15 12:00:00", NOON, id="no-zone"),
        pytest.param("2026-01-15T12:00:00.123456", NOON + 123_456_000, id="no-zone-6-digits"),
        pytest.param("2026-01-15T12:00:00.1234567", NOON + 123_456_700, id="no-zone-7-digits"),
        pytest.param("2026-01-15T12:00", NOON, id="no-seconds"),
        pytest.param("2026-01-15 12:00:00 Z", NOON, id="blank-before-zone"),
        pytest.param("20260115T120000Z", NOON, id="basic"),
        pytest.param("  2026-01-15T12:00:00Z\n", NOON, id="outer-blanks"),
        pytest.param("Thu, 15 Jan 2026 12:00:00 GMT", NOON, id="http-date"),
        pytest.param("Thu, 15 Jan 2026 13:00:00 +0100", NOON, id="mail-date"),
        pytest.param("Thu, 15 Jan 2026 12:00:00 -0000", NOON, id="mail-date-of-unknown-place"),
        pytest.param("2025-12-31T23:59:60Z", 1_767_225_600 * moments.SECOND, id="leap-second"),
        pytest.param("2025-12-31T23:59:60.5Z", 1_767_225_600 * moments.SECOND + 500_000_000, id="in-a-leap-second"),
        pytest.param("2099-01-01T00:00:00Z", 4_070_908_800 * moments.SECOND, id="far-future"),
        pytest.param("1999-01-01T00:00:00Z", moments.EARLIEST, id="earliest"),
    ],
)
def test_instant(said: object, ns: int) -> None:
    """Epochs by magnitude, RFC 3339 and its relatives are read to the nanosecond where they say it."""
    assert moments.parse(said) == ns


@pytest.mark.parametrize(
    "said",
    [
        *(0, -1, 38, 21.5, 45672.5, 1e300, -1e300, float("nan"), float("inf"), float("-inf"), 10**299, -(10**299)),
        pytest.param(133489632000000000, id="filetime"),
        pytest.param(638000000000000000, id="dotnet-ticks"),
        pytest.param(1234578, id="january-1970"),
        pytest.param(-1768478400, id="negative-epoch"),
        pytest.param(915148799, id="before-1999"),
        pytest.param(4102444800, id="2100"),
        *(None, True, False, [], {}, [1768478400], {"t": 1768478400}),
        *("", " ", "null", "12:30", "now", "Z", "-", "2026", "2026-01-15", "T", "1768478400s"),
        *("0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2100-01-01T00:00:00Z"),
        *("2026-02-30T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-15T24:00:00Z", "2026-01-15T12:60:00Z"),
        *("2026-01-15T12:00:00+24:00", "2026-01-15T12:00:00+99:99", "2026-01-15T12:00:00 COT"),
        *("Thu Sep 26 10:54:24 COT 2024", "1/15/2026 12:00:00 PM", "15.01.2026 13:00:00", "/Date(1768478400000)/"),
        *("Thu, 30 Feb 2026 12:00:00 GMT", "Thu, 15 Foo 2026 12:00:00 GMT", "Thu, 15 Jan 2026"),
        *("٢٠٢٦-٠١-١٥T١٢:٠٠:٠٠Z", "２０２６-01-15T12:00:00Z", "2026-01-15T12:00:00.\u0661Z"),  # digits, but not ASCII
        pytest.param("9" * 5_000, id="digits"),
        pytest.param("1" * 1_000_000, id="megabyte-of-digits"),
        pytest.param("2026-01-15T12:00:00" + " " * 1_000_000 + "Z", id="megabyte-of-blanks"),
        pytest.param("2026-01-15T12:00:00." + "1" * 1_000_000 + "Z", id="megabyte-of-fraction"),
        pytest.param("2026-01-15T12:00:00Z" + " " * 60 + "x", id="something-after-64-characters"),
    ],
)
def test_no_instant(said: object) -> None:
    """What names no plausible instant is no time, whatever its kind or size; then the time of receipt counts."""
    assert moments.parse(said) is None


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose own clock is 14 hours ahead."""
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize("said", ["Thu, 15 Jan 2026 12:00:00 -0000", "2026-01-15T12:00:00", "2026-01-15T12:00:00Z"])
def test_the_machines_own_zone_does_not_matter(said: str) -> None:
    """Only the payload's zone and the configured one count."""
    assert moments.parse(said) == NOON


@pytest.mark.parametrize(
    ("local", "utc"),
    [
        pytest.param("2026-01-15T13:00:00", "2026-01-15T12:00:00.000Z", id="winter"),
        pytest.param("2026-07-15T14:00:00", "2026-07-15T12:00:00.000Z", id="summer"),
        pytest.param("2026-10-25T02:30:00", "2026-10-25T00:30:00.000Z", id="twice-the-first"),
        pytest.param("2026-03-29T02:30:00", "2026-03-29T01:30:00.000Z", id="skipped"),
        pytest.param("2026-07-15T14:00:00Z", "2026-07-15T14:00:00.000Z", id="zone-given"),
        pytest.param("2026-07-15T14:00:00-05:00", "2026-07-15T19:00:00.000Z", id="offset-given"),
    ],
)
def test_configured_zone(local: str, utc: str) -> None:
    """A time without a zone is in the configured one; the first of two where clocks are put back."""
    ns = moments.parse(local, BERLIN)
    assert ns is not None
    assert moments.render(ns) == utc


@given(
    st.datetimes(datetime(1999, 1, 2), datetime(2099, 12, 30)),  # noqa: DTZ001 - the zone is drawn, too
    st.integers(-23 * 60, 23 * 60),
    st.sampled_from(["auto", "milliseconds", "microseconds"]),
)
def test_every_iso_text(local: datetime, offset: int, precision: str) -> None:
    """Whatever Python writes as ISO 8601 is read back exactly."""
    when = local.replace(tzinfo=timezone(timedelta(minutes=offset)))
    if precision == "milliseconds":
        when = when.replace(microsecond=when.microsecond // 1_000 * 1_000)
    since = when - datetime(1970, 1, 1, tzinfo=UTC)
    assert moments.parse(when.isoformat(timespec=precision)) == since // timedelta(microseconds=1) * 1_000


@given(st.one_of(st.text(max_size=80), st.from_regex(r"[0-9T:.,+\- Z]{0,40}"), st.integers(), st.floats()))
def test_anything(said: object) -> None:
    """Whatever stands there is a plausible instant or none."""
    ns = moments.parse(said, BERLIN)
    assert ns is None or moments.plausible(ns)


@given(st.integers(moments.EARLIEST, moments.LATEST - 1))
def test_rendered_is_read_back(ns: int) -> None:
    """What we write, we and any RFC 3339 reader read back, to the nanosecond."""
    text = moments.render(ns)
    assert moments.parse(text) == ns
    assert moments.parse_request(text) == ns
    assert datetime.fromisoformat(text).timestamp() == pytest.approx(ns / moments.SECOND)


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        pytest.param(NOON, "2026-01-15T12:00:00.000Z", id="whole-second"),
        pytest.param(NOON + 123_000_000, "2026-01-15T12:00:00.123Z", id="milliseconds"),
        pytest.param(NOON + 123_456_000, "2026-01-15T12:00:00.123456Z", id="microseconds"),
        pytest.param(NOON + 123_456_789, "2026-01-15T12:00:00.123456789Z", id="nanoseconds"),
        pytest.param(NOON + 1, "2026-01-15T12:00:00.000000001Z", id="one-nanosecond"),
        pytest.param(0, "1970-01-01T00:00:00.000Z", id="epoch"),
        pytest.param(-1, "1969-12-31T23:59:59.999999999Z", id="before-the-epoch"),
        pytest.param(-(10**30), "0001-01-01T00:00:00.000Z", id="before-the-calendar"),
        pytest.param(10**30, "9999-12-31T23:59:59.000Z", id="after-the-calendar"),
    ],
)
def test_render(ns: int, text: str) -> None:
    """UTC with a literal Z and 3, 6 or 9 digits; never an exception."""
    assert moments.render(ns) == text


def test_rendering_remembers_a_bounded_number_of_seconds() -> None:
    """Rendering many instants does not fill the memory."""
    for second in range(10_000):
        moments.render(NOON + second * moments.SECOND)
    assert len(moments._cache) <= moments._CACHED_SECONDS


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        pytest.param("2026-01-15T12:00:00Z", NOON, id="utc"),
        pytest.param("2026-01-15t12:00:00.5z", NOON + 500_000_000, id="lower-case"),
        pytest.param("2026-01-15T13:00:00+01:00", NOON, id="offset"),
        pytest.param("1969-12-31T23:59:59.5Z", -500_000_000, id="before-the-epoch"),
        pytest.param("0001-01-01T00:00:00Z", -62_135_596_800 * moments.SECOND, id="year-1"),
        pytest.param("0001-01-01T00:00:00+23:59", (-62_135_596_800 - 86_340) * moments.SECOND, id="before-year-1"),
        pytest.param("9999-12-31T23:59:59-23:59", (253_402_300_799 + 86_340) * moments.SECOND, id="after-year-9999"),
    ],
)
def test_request(text: str, ns: int) -> None:
    """A request's time is any RFC 3339 instant, plausible or not."""
    assert moments.parse_request(text) == ns


@pytest.mark.parametrize(
    "text",
    [
        *("", "now", "2026-01-15", "2026-01-15T12:00Z", "2026-01-15T12:00:00", "2026-01-15T12:00:00 Z"),
        *("20260115T120000Z", "2026-01-15T12:00:00,5Z", "2026-01-15T12:00:00+01", "2026-01-15T12:00:00+25:00"),
        *("1768478400", "2026-13-01T00:00:00Z", "2026-01-15T25:00:00Z", "0000-01-01T00:00:00Z"),
        pytest.param("2026-01-15T12:00:00." + "0" * 100_000 + "Z", id="long"),
    ],
)
def test_refused_request(text: str) -> None:
    """What is no RFC 3339 instant with a zone is refused, so that the answer is 400 and not a guess."""
    assert moments.parse_request(text) is None


@pytest.mark.parametrize(
    ("unit", "said", "ns"),
    [
        pytest.param("s", 1_768_478_400, NOON, id="s"),
        pytest.param("s", 1_768_478_400.25, NOON + 250_000_000, id="s-float"),
        pytest.param("s", "1768478400.25", NOON + 250_000_000, id="s-text"),
        pytest.param("ms", 1_768_478_400_123, NOON + 123_000_000, id="ms"),
        pytest.param("us", "1768478400000001", NOON + 1_000, id="us-text"),
        pytest.param("ns", NOON + 1, NOON + 1, id="ns"),
        pytest.param("ms", 1_768_478_400, None, id="seconds-are-no-ms"),
        pytest.param("ns", 10**40, None, id="huge"),
        pytest.param("s", 1e300, None, id="huge-float"),
        pytest.param("s", float("nan"), None, id="nan"),
        pytest.param("s", True, None, id="boolean"),
        pytest.param("ms", "2026-01-15T12:00:00Z", NOON, id="text"),
        pytest.param("ms", None, None, id="null"),
        pytest.param("", 1_768_478_400, NOON, id="by-magnitude"),
    ],
)
def test_declared_unit(unit: str, said: object, ns: int | None) -> None:
    """Numbers of a declared unit are not told apart by magnitude; other texts are read as ever."""
    assert moments.PARSERS[unit](said, UTC) == ns


@given(st.one_of(st.text(max_size=30), st.integers(), st.floats()), st.sampled_from(sorted(moments.PARSERS)))
def test_any_declared_unit(said: object, unit: str) -> None:
    """Whatever stands there, it is a plausible instant or none."""
    ns = moments.PARSERS[unit](said, BERLIN)
    assert ns is None or moments.plausible(ns)
