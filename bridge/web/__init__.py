"""The explorer page and its files, which the API serves as they are: `index.html` at `/`, all others below `/web/`."""

from pathlib import Path

FOLDER = Path(__file__).parent

__all__ = ["FOLDER"]
