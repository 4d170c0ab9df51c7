"""An explanation as text: one fact a line, aligned, harmless in a terminal."""

import pytest

from bridge.explain.text import lines, shown
from bridge.uns import Json


def test_lines() -> None:
    """Names stand in a column of their own; the reason follows in brackets."""
    explanation = {
        "topic": "plant/speed",
        "elementId": "plant/speed",
        "facts": {"codec": {"said": "JSON"}, "quality": {"said": "Good", "why": "it says so"}},
    }
    assert list(lines(explanation)) == [
        "topic    plant/speed",
        "element  plant/speed",
        "codec    JSON",
        "quality  Good (it says so)",
    ]


def test_no_element() -> None:
    """Where there is no element it says so."""
    assert list(lines({"topic": "a", "elementId": None, "facts": {}}))[1] == "element  none"


def test_harmless() -> None:
    """Control characters from payloads and topics are shown, not sent to the terminal."""
    (topic, _) = lines({"topic": "a\x1b[2J\n\u202eb", "elementId": None, "facts": {}})
    assert topic.isprintable()
    assert "\\x1b[2J\\n\\u202eb" in topic


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        pytest.param(None, "–", id="nothing"),
        pytest.param(True, "yes", id="true"),
        pytest.param(False, "no", id="false"),
        pytest.param(1.5, "1.5", id="number"),
        pytest.param([], "–", id="empty list"),
        pytest.param(["a", "b"], "a, b", id="list"),
        pytest.param({"keys": ["x", "y"], "deep": {"z": None}}, "keys: [x, y], deep: [z: –]", id="object"),
    ],
)
def test_shown(said: Json, expected: str) -> None:
    """Everything that JSON can say fits into a line that people can read."""
    assert shown(said) == expected
