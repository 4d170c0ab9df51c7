"""Which changes of the configuration make the model anew."""

from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from bridge.engine import Options
from bridge.state import fingerprint
from bridge.uns.policy import Rule

BEFORE = Options(rules=(Rule(("a/#",), {"part": True}),))


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"levels": ("Site", "Line")}, id="levels"),
        pytest.param({"namespace": "urn:x"}, id="namespace"),
        pytest.param({"aspects": ("status",)}, id="aspects"),
        pytest.param({"guess_units": True}, id="guess_units"),
        pytest.param({"rules": ()}, id="no rule"),
        pytest.param({"rules": (Rule(("b/#",), {"part": True}),)}, id="another filter"),
        pytest.param({"rules": (Rule(("a/#",), {"part": False}),)}, id="another place"),
        pytest.param({"rules": (*BEFORE.rules, Rule(("#",), {"coerce": frozenset({"numbers"})}))}, id="coercion"),
    ],
)
def test_another_model(more: dict[str, Any]) -> None:
    """What changes types, places or names of a model is another configuration of it."""
    assert fingerprint(Options(**{"rules": BEFORE.rules, **more}), None) != fingerprint(BEFORE, None)


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"stale_after": 5.0, "expire_after": 5.0, "on_death": "keep"}, id="keeping"),
        pytest.param({"discovery_window": 1.0}, id="window"),
        pytest.param(
            {"rules": (*BEFORE.rules, Rule(("#",), {"stale_after": 5, "zone": UTC}))}, id="a rule about keeping"
        ),
    ],
)
def test_the_same_model(more: dict[str, Any]) -> None:
    """What only changes how long values hold is the same configuration of the model."""
    assert fingerprint(Options(**{"rules": BEFORE.rules, **more}), None) == fingerprint(BEFORE, None)


def test_model_file(tmp_path: Path) -> None:
    """The content of the model file counts, not where it lies."""
    one, two = tmp_path / "one.toml", tmp_path / "two.toml"
    one.write_text("format = 1\n")
    two.write_text("format = 1\n")
    assert fingerprint(BEFORE, one) == fingerprint(BEFORE, two) != fingerprint(BEFORE, None)
    two.write_text("format = 1 # changed\n")
    assert fingerprint(BEFORE, one) != fingerprint(BEFORE, two)
