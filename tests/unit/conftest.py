"""A bridge inside the test's own process, and the helpers of `tests/helpers` by name."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HELPERS = str(Path(__file__).parents[1] / "helpers")
if HELPERS not in sys.path:
    sys.path.insert(0, HELPERS)

from inprocess import InProcess  # noqa: E402 - found through the line above


@pytest.fixture
def make_bridge() -> Callable[..., InProcess]:
    """Make bridges with limits of their own."""
    return InProcess


@pytest.fixture
def bridge() -> InProcess:
    """A bridge with one press: see `InProcess.press`."""
    made = InProcess()
    made.press()
    return made
