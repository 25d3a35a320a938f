"""What a database's address says: the file that it names, and how it is to be connected to."""

from pathlib import Path
from typing import Any

from sqlalchemy.engine import make_url
from sqlalchemy.pool import QueuePool


def file_of(url: str, dialect: str) -> Path | None:
    """The SQLite file, None for another database or one in memory."""
    name = make_url(url).database if dialect == "sqlite" else None
    return None if name in (None, "", ":memory:") or str(name).startswith("file:") else Path(str(name)).absolute()


def identity(file: Path | None) -> tuple[int, int] | None:
    """Tells one file from another at the same place; None when there is none."""
    try:
        found = file.stat() if file else None
    except FileNotFoundError:
        return None
    return (found.st_dev, found.st_ino) if found else None


def engine_options(url: str, dialect: str, busy_timeout: float) -> dict[str, Any]:
    if dialect == "postgresql":
        return {"pool_pre_ping": True}
    # isolation_level None: sqlite3 must not begin transactions by itself, savepoints would break.
    arguments = {"timeout": busy_timeout, "isolation_level": None, "check_same_thread": False}
    in_memory = make_url(url).database in (None, "", ":memory:")
    size = {"pool_size": 1, "max_overflow": 0} if in_memory else {"max_overflow": -1}
    return {"connect_args": arguments, "poolclass": QueuePool, **size}
