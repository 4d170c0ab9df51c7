"""Rendering: the same JSON as value by value, only faster."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.history.base import Series
from bridge.history.rendering import encoded, rendered
from bridge.uns.moments import SECOND, render

NEAR = 1_790_000_000 * SECOND


@given(st.lists(st.one_of(st.integers(0, 2**63 - 1), st.integers(NEAR, NEAR + 200 * SECOND), st.integers(0, 10**6))))
def test_times(times: list[int]) -> None:
    """Any times, in any order, with as many digits as each has."""
    times += [time_ns // 1_000 * 1_000 for time_ns in times] + [time_ns // 10**6 * 10**6 for time_ns in times]
    assert rendered(times) == list(map(render, times))


@pytest.mark.parametrize("value", [1, 10**40, 1.5, True, None, "ä\n", b'{"a":[1,null]}', b"[]"], ids=repr)
def test_values(value: object) -> None:
    """Every kind of value; packed ones are JSON already."""
    shown = msgspec.json.decode(value) if isinstance(value, bytes) else value
    assert msgspec.json.decode(encoded(Series([NEAR, NEAR + 1], [value, 2], ["Good", "Uncertain"]))) == [
        {"value": shown, "quality": "Good", "timestamp": render(NEAR)},
        {"value": 2, "quality": "Uncertain", "timestamp": render(NEAR + 1)},
    ]


def test_nothing() -> None:
    """No rows are an empty array."""
    assert bytes(memoryview(encoded(Series([], [], [])))) == b"[]"
