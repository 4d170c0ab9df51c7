"""History in one SQLite file. `store` is the whole; `database` the file, `codec` blocks, `writer` and `work` what
writes, `reading` what reads, `archive` the file without a daemon.
"""

from bridge.history.sqlite.database import NAME
from bridge.history.sqlite.store import SqliteHistory
from bridge.history.sqlite.work import Keep

__all__ = ["NAME", "Keep", "SqliteHistory"]
