"""Disks that fail: writes that go wrong, files that may grow no more, a lock that somebody else holds."""

from __future__ import annotations

import resource
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import databases
import psycopg
from power import changes_something
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.engine.default import DefaultDialect

READS = ("SELECT", "PRAGMA", "BEGIN", "SET")


class Disk:
    """Counts writes, commits among them, and lets those from the first bad one on fail, `times` of them."""

    def __init__(self, first: int = 0, times: int = 1, error: str = "disk I/O error") -> None:
        self.first, self.times, self.error = first, times, error
        self.writes = 0

    def write(self) -> None:
        self.writes += 1
        if self.first and self.first <= self.writes < self.first + self.times:
            errors = psycopg if databases.on_postgresql() else sqlite3
            raise errors.OperationalError(self.error)

    @property
    def has_failed(self) -> bool:
        return bool(self.first) and self.writes >= self.first


@contextmanager
def failing(disk: Disk) -> Iterator[Disk]:
    """While this lasts every database write goes to disk."""
    known = {name: getattr(DefaultDialect, name) for name in ("do_execute", "do_executemany", "do_commit")}

    def execute(self: Any, cursor: Any, sql: str, *rest: Any) -> Any:
        if not sql.lstrip().upper().startswith(READS):
            disk.write()
        return known["do_execute"](self, cursor, sql, *rest)

    def execute_many(self: Any, cursor: Any, sql: str, *rest: Any) -> Any:
        disk.write()
        return known["do_executemany"](self, cursor, sql, *rest)

    def commit(self: Any, connection: Any) -> Any:
        if changes_something(connection) if databases.on_postgresql() else connection.total_changes:
            disk.write()
        return known["do_commit"](self, connection)

    for name, replaced in zip(known, (execute, execute_many, commit), strict=True):
        setattr(DefaultDialect, name, replaced)
    try:
        yield disk
    finally:
        for name, original in known.items():
            setattr(DefaultDialect, name, original)


@contextmanager
def told_to_sqlite(pragma: str) -> Iterator[None]:
    """Every connection that is opened meanwhile is told this: `max_page_count=9` makes a full disk."""

    def tell(connection: Any, record: Any) -> None:
        connection.execute(f"PRAGMA {pragma}")

    event.listen(Engine, "connect", tell)
    try:
        yield
    finally:
        event.remove(Engine, "connect", tell)


@contextmanager
def files_limited_to(size: int) -> Iterator[None]:
    """No file of this process may grow beyond size bytes: as a quota does it, or a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def locked(home: Path, seconds: float | None = None) -> Iterator[None]:
    """Somebody else writes to the database, until the end or for so long."""
    if there := databases.on_postgresql():
        with there.server.connect(there.name(home)) as holder:
            holder.execute("SELECT pg_advisory_lock(7265602)")
            timer = threading.Timer(seconds or 3600, holder.close)
            timer.start()
            yield
            timer.cancel()
            timer.join()
        return
    file = home / "booklore.sqlite"
    with closing(sqlite3.connect(file, check_same_thread=False, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        timer = threading.Timer(seconds or 3600, lambda: other.execute("ROLLBACK"))
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()
            if other.in_transaction:
                other.execute("ROLLBACK")
