"""History in one SQLite file. `store` is the whole, `database` the file, `codec` its blocks, `log` its log.

`contents` is what is known of it, `outbox` what waits; `writer` and `work` write, `reading` reads; `archive` reads it
without a daemon.
"""

from bridge.history.sqlite.database import NAME
from bridge.history.sqlite.store import SqliteHistory
from bridge.history.sqlite.work import Keep

__all__ = ["NAME", "Keep", "SqliteHistory"]
