"""Writing current values: from what a client asks for to a message in the topic's own shape, and back.

`targets` says where a value goes, `shaping` and `words` how it is written there, `templates` remembers how it is
written, `kept` for a later run too, `writer` sends and waits, `audit` keeps who did what.
"""

from bridge.writing.audit import Attempt, Audit
from bridge.writing.targets import Asked
from bridge.writing.writer import Writer

__all__ = ["Asked", "Attempt", "Audit", "Writer"]
