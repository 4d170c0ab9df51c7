"""Helpers that the tests of the address space share, importable by name."""

import sys
from pathlib import Path

HELPERS = str(Path(__file__).parents[2] / "helpers")
if HELPERS not in sys.path:
    sys.path.insert(0, HELPERS)
