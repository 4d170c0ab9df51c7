"""Projection of many payloads at once: the same as one by one, whatever they hold."""

from datetime import UTC
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.history.base import Series, unpacked
from bridge.history.projection import projected
from bridge.history.recipes import Projected
from bridge.space.projecting import at_path, project
from bridge.uns import BAD, GOOD
from bridge.uns.envelope import Plan

ODD = ['a"b', "back\\slash", "line\nbreak", "ä", "", "inner", "class", "\u2028", "a.b"]
PLAN = Plan(value="value", time="timestamp")

LEAVES = st.sampled_from([1, 2.5, "text", None, True, 10**40, [1, {"a": None}], {}, {"value": 3}, {"y": 4}])
PAYLOADS = st.one_of(
    st.dictionaries(st.sampled_from(["x", "pos", "other"]), LEAVES, max_size=3),
    st.fixed_dictionaries({"pos": st.dictionaries(st.sampled_from(["y", "z"]), LEAVES)}),
    LEAVES,
)


def series(payloads: list[Any]) -> Series:
    """Packed as stores give them."""
    values = [msgspec.json.encode(one) if isinstance(one, dict | list) else one for one in payloads]
    return Series(list(range(len(values))), values, [BAD if one is None else GOOD for one in values])


def by_hand(field: Projected, payloads: list[Any]) -> list[Any]:
    return [
        project(at_path(one, field.path), field.plan, BAD if one is None else GOOD, at, field.zone)
        for at, one in enumerate(payloads)
    ]


@settings(deadline=None)
@given(st.lists(PAYLOADS, max_size=5), st.sampled_from([("x",), ("pos", "y"), ("pos",)]), st.sampled_from([None, PLAN]))
def test_many(few: list[Any], path: tuple[str, ...], plan: Plan | None) -> None:
    """Few payloads, many of one form, and many of all forms."""
    field = Projected("axis", path, plan, UTC)
    for payloads in (few, [{"x": 1, "pos": {"y": 2}}] * 50 + few, [one for one in few if isinstance(one, dict)] * 50):
        found = projected(field, series(payloads))
        assert [unpacked(row) for row in found.rows()] == by_hand(field, payloads)
        assert not any(isinstance(value, dict | list) for value in found.values), "structured values are packed"


@pytest.mark.parametrize("key", ODD, ids=repr)
@pytest.mark.parametrize("nested", [False, True])
def test_odd_names(key: str, nested: bool) -> None:
    """Keys can be called anything."""
    path, payload = ((key, "in"), {key: {"in": 5}}) if nested else ((key,), {key: 5})
    found = projected(Projected("axis", path, None, UTC), series([payload] * 100))
    assert found.values == [5] * 100
