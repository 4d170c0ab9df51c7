"""What the demo tells a newcomer."""

from datetime import UTC, datetime

from bridge.demo import settings_of, welcome
from bridge.sources.plant import LAYOUT


def test_welcome_announces_the_faults() -> None:
    """The faults of the plant are announced, so that nobody takes the log's warnings for ours."""
    text = welcome(8080, "mqtt://localhost:1883", datetime(2026, 11, 21, tzinfo=UTC))
    assert any(topic.endswith("/scale01") for topic, _ in LAYOUT)
    assert "faults on purpose. scale01 " in text
    assert "NaN" in text
    assert max(map(len, text.splitlines())) <= 120 or "curl" in max(text.splitlines(), key=len)


def test_nothing_is_kept() -> None:
    """A demo leaves no file behind, wherever it is started."""
    settings = settings_of(8080, "")
    assert (settings.history.backend, settings.state.directory) == ("memory", None)
