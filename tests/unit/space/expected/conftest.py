"""The recording that a test is about."""

import sys
from pathlib import Path

import pytest

HELPERS = str(Path(__file__).parents[3] / "helpers")
if HELPERS not in sys.path:
    sys.path.insert(0, HELPERS)

import recordings  # noqa: E402 - found through the line above
from expected import Plant, settled  # noqa: E402


@pytest.fixture
def plant(request: pytest.FixtureRequest) -> Plant:
    """The settled recording of the folder that `row` names."""
    if request.param not in recordings.shared_folders():
        pytest.skip(f"no recordings at {recordings.SHARED}: set BRIDGE_FIXTURES")
    return settled(request.param)
