"""Qualities as payloads say them."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.uns import BAD, GOOD, NO_DATA, UNCERTAIN, Quality, quality
from bridge.uns.policy import QualityProfile

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["Code", "Symbol", "x"]), inner, max_size=3)
    ),
)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        *((192, GOOD), (216, GOOD), (255, GOOD), (1, GOOD), (192.0, GOOD)),
        *(
            (64, UNCERTAIN),
            (100, UNCERTAIN),
            (127, UNCERTAIN),
            (191, UNCERTAIN),
            (500, UNCERTAIN),
            (0x4000_0000, UNCERTAIN),
        ),
        *((0, BAD), (2, BAD), (63, BAD), (256, BAD), (499, BAD), (512, BAD), (524, BAD), (0x3FFF_FFFF, BAD)),
        *((0x8000_0000, BAD), (0x8031_0000, BAD), (0xFFFF_FFFF, BAD), (10**400, BAD), (1e300, BAD)),
        pytest.param(-1, BAD, id="negative"),
        pytest.param(-2_144_272_384, BAD, id="signed-status-code"),
        pytest.param(-(10**400), BAD, id="huge-negative"),
        *((True, GOOD), (False, BAD)),
        *(
            ("GOOD", GOOD),
            ("Good", GOOD),
            ("good", GOOD),
            ("Good_Unspecified", GOOD),
            ("OK", GOOD),
            (" ok ", GOOD),
            ("true", GOOD),
        ),
        *(
            ("Uncertain", UNCERTAIN),
            ("UncertainLastUsableValue", UNCERTAIN),
            ("STALE", UNCERTAIN),
            ("questionable", UNCERTAIN),
        ),
        *(("Bad", BAD), ("Bad_Stale", BAD), ("BadSensorFailure", BAD), ("Error_Configuration", BAD), ("error", BAD)),
        *(("Not_Connected", BAD), ("not connected", BAD), ("invalid", BAD), ("false", BAD)),
        *(("GoodNoData", NO_DATA), ("Good_NoData", NO_DATA), ("good no data", NO_DATA)),
        *(
            ("192", GOOD),
            ("0", BAD),
            ("500", UNCERTAIN),
            ("-1", BAD),
            ("0x80310000", BAD),
            ("0xC0", GOOD),
            ("0X40", UNCERTAIN),
        ),
        *(
            (None, None),
            ("", None),
            ("excellent", None),
            ("0x", None),
            (0.97, None),
            ([], None),
            ({}, None),
            ({"a": 1}, None),
        ),
        *((float("nan"), None), (float("inf"), None)),
        pytest.param("g" + "o" * 1_000_000, None, id="megabyte"),
        pytest.param("9" * 1_000_000, None, id="megabyte-of-digits"),
        pytest.param({"Code": 2150891520, "Symbol": "BadSensorFailure"}, BAD, id="status-bad"),
        pytest.param({"Code": 1083441152, "Symbol": "UncertainSensorNotAccurate"}, UNCERTAIN, id="status-uncertain"),
        pytest.param({"Code": 0}, GOOD, id="status-code-only"),
        pytest.param({"Code": 2150891520}, BAD, id="status-bad-code-only"),
        pytest.param({"Symbol": "GoodClamped"}, GOOD, id="status-symbol-only"),
        pytest.param({"Code": 2150891520, "Symbol": "Vendor"}, BAD, id="status-unknown-symbol"),
        pytest.param({"Code": "x", "Symbol": 7}, None, id="status-of-wrong-kinds"),
    ],
)
def test_quality(said: object, expected: Quality | None) -> None:
    """Codes, words, booleans and status objects have the meaning that inference.md D gives them; others have none."""
    assert quality.parse(said) == expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        *(
            (0, GOOD),
            (192, GOOD),
            (0x3FFF_FFFF, GOOD),
            (0x4000_0000, UNCERTAIN),
            (0x8000_0000, BAD),
            (-1, BAD),
            (1 << 40, BAD),
        ),
        *(("0", GOOD), ("0x80310000", BAD), ("Good", GOOD), ("BadNodeIdUnknown", BAD)),
    ],
)
def test_ua_status_code(said: object, expected: Quality) -> None:
    """Under a key named statusCode, 0 is Good and the two highest of 32 bits are the severity."""
    assert quality.parse(said, "ua") == expected


@pytest.mark.parametrize(
    ("meaning", "said", "expected"),
    [
        *(("da", 192, GOOD), ("da", 216, GOOD), ("da", 64, UNCERTAIN), ("da", 128, BAD), ("da", 0, BAD)),
        *(("da", 1, BAD), ("da", 0x1C0, GOOD), ("da", 500, GOOD), ("da", -1, BAD)),
        *(("da", "192", GOOD), ("da", "uncertain", UNCERTAIN)),
        *(("ua", 192, GOOD), ("ua", 0x40000000, UNCERTAIN), ("ua", True, GOOD), ("ua", 0.0, GOOD)),
        *(("one-is-good", 1, GOOD), ("one-is-good", 0, BAD), ("one-is-good", 192, BAD), ("one-is-good", 1.0, GOOD)),
        *(("one-is-good", "1", GOOD), ("one-is-good", False, BAD), ("one-is-good", "bad", BAD)),
        *(("zero-is-good", 0, GOOD), ("zero-is-good", 1, BAD), ("zero-is-good", -1, BAD), ("zero-is-good", "0", GOOD)),
        *(("zero-is-good", False, GOOD), ("zero-is-good", True, BAD), ("zero-is-good", 0x40000000, UNCERTAIN)),
        *(("zero-is-good", {"Code": 0}, GOOD), ("zero-is-good", {"Symbol": "BadX"}, BAD), ("zero-is-good", None, None)),
    ],
)  # fmt: skip
def test_declared_meaning(meaning: QualityProfile, said: object, expected: Quality | None) -> None:
    """Numbers mean what is declared; words and status objects always mean themselves."""
    assert quality.parse(said, meaning) == expected


@given(ANYTHING, st.sampled_from(get_args(QualityProfile)))
def test_anything(said: object, meaning: QualityProfile) -> None:
    """Whatever stands there is one of the four qualities or none."""
    assert quality.parse(said, meaning) in (GOOD, UNCERTAIN, BAD, NO_DATA, None)
