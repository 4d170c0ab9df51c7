"""Documents that come in parts are put together, key by key."""

from typing import Any

import pytest

from bridge.space.merging import MAX_KEYS, merged


@pytest.mark.parametrize(
    ("last", "part", "whole"),
    [
        pytest.param({"a": 1, "b": 2}, {"b": 3}, {"a": 1, "b": 3}, id="a key replaced"),
        pytest.param({"a": 1}, {"b": 2}, {"a": 1, "b": 2}, id="a key added"),
        pytest.param({"p": {"x": 1, "y": 2}}, {"p": {"y": 3}}, {"p": {"x": 1, "y": 3}}, id="within"),
        pytest.param({"p": {"x": 1}}, {"p": 5}, {"p": 5}, id="another kind replaces"),
        pytest.param({"p": 5}, {"p": {"x": 1}}, {"p": {"x": 1}}, id="object where none was"),
        pytest.param({"a": 1}, {"a": None}, {"a": None}, id="null is a value"),
        pytest.param({"a": [1, 2]}, {"a": [3]}, {"a": [3]}, id="arrays are replaced"),
        pytest.param({"a": 1}, {}, {"a": 1}, id="nothing new"),
    ],
)
def test_merged(last: Any, part: Any, whole: Any) -> None:
    """What is in the part counts, and of the last document what is not; both stay as they are."""
    before = repr((last, part))
    assert merged(last, part) == whole
    assert repr((last, part)) == before


def test_keys_that_never_repeat() -> None:
    """A document does not grow for ever: beyond the limit the part replaces it."""
    whole: dict[str, int] = {}
    for number in range(3 * MAX_KEYS):
        whole = merged(whole, {f"k{number}": number})
        assert len(whole) <= MAX_KEYS
