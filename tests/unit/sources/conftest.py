"""Helpers that the tests of sources share, importable by name."""

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [path for path in (str(HERE), str(HERE.parents[1] / "helpers")) if path not in sys.path]


@pytest.fixture
def anyio_backend() -> str:
    """Tests marked with anyio run on asyncio."""
    return "asyncio"
