"""Models that can be owned: what was learnt, written as TOML; edited, loaded again, and pinned.

`learnt` and `text` make the file, `load` reads it, `Model` is what it says. `document` holds the tables and what a
value may be, `references` what they say about each other, `mistakes` and `lines` the words for what is wrong and where.
"""

from bridge.model.learnt import learnt
from bridge.model.load import load, parse
from bridge.model.model import Model
from bridge.model.write import text

__all__ = ["Model", "learnt", "load", "parse", "text"]
