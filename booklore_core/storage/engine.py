"""How each kind of database is spoken to: what is asked of it when a connection is made, and in which words."""

import uuid
from functools import lru_cache
from typing import Any

from sqlalchemy import QueuePool, TextClause, bindparam, make_url, text

BUSY_TIMEOUT = 30.0
"""Seconds that a statement waits for another process's write."""

ON_CONNECT = {"sqlite": ["PRAGMA foreign_keys=ON", "PRAGMA synchronous=FULL"], "postgresql": []}
"""FULL: what was acknowledged survives a power cut."""

PROGRAM = "booklore-"
"""So begins what a server's list of connections calls each database that this program has opened."""

SERVER = (
    "-c application_name={} -c lock_timeout={:.0f} -c default_transaction_isolation=read\\ committed "
    "-c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3"
)
"""What PostgreSQL is asked for: a writer whose computer is gone must not hold up the others for hours."""

NETWORK = {"connect_timeout": 10, "keepalives_idle": 30, "keepalives_interval": 10, "tcp_user_timeout": 60_000}
"""Seconds and, the last, milliseconds."""


def engine_options(url: str, dialect: str, busy_timeout: float) -> dict[str, Any]:
    query, told = make_url(url).query, dict[str, Any]()
    if dialect == "postgresql" and make_url(url).get_driver_name().startswith("psycopg"):
        told = {name: value for name, value in NETWORK.items() if name not in query}
        told["options"] = f"{SERVER.format(PROGRAM + uuid.uuid4().hex, busy_timeout * 1000)} {query.get('options', '')}"
    if dialect == "postgresql":
        return {"connect_args": told, "pool_pre_ping": True, "max_overflow": -1}
    # isolation_level None: sqlite3 must not begin transactions by itself, savepoints would break.
    arguments = {"timeout": busy_timeout, "isolation_level": None, "check_same_thread": False}
    in_memory = make_url(url).database in (None, "", ":memory:")
    size = {"pool_size": 1, "max_overflow": 0} if in_memory else {"max_overflow": -1}
    return {"connect_args": arguments, "poolclass": QueuePool, **size}


@lru_cache(maxsize=512)
def statement(sql: str, dialect: str) -> TextClause:
    """sql as SQLAlchemy runs it; `:ids` stands for a list. To SQLite a list is one value, so that the statement is the
    same for any, and prepared once."""
    if ":ids" not in sql:
        return text(sql)
    if dialect == "sqlite":
        return text(sql.replace(":ids", "(SELECT value FROM json_each(:ids))"))
    return text(sql).bindparams(bindparam("ids", expanding=True))
