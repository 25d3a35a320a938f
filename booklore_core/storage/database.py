"""Opens the database and brings its schema up to date. Everything above speaks SQL to it, with named parameters."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import dataset
from sqlalchemy import bindparam, inspect, text
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.pool import QueuePool
from sqlalchemy.sql.elements import TextClause

from booklore_core.storage.faults import DatabaseUnusable as DatabaseUnusable
from booklore_core.storage.faults import backend, explained
from booklore_core.storage.faults import redact as redact
from booklore_core.storage.schema import MIGRATIONS, TYPES
from booklore_core.storage.views import view_statements

BUSY_TIMEOUT = 30.0
"""Seconds that a statement waits for another process's write."""

READ, WRITE = "BEGIN", "BEGIN IMMEDIATE"

ON_CONNECT = {"sqlite": ["PRAGMA foreign_keys=ON", "PRAGMA synchronous=FULL"], "postgresql": []}
"""FULL: what was acknowledged survives a power cut."""

MIGRATION_LOCK = "SELECT pg_advisory_xact_lock(7265601)"


@dataclass
class Transaction:
    """What a thread is in the middle of. fault: why nothing more can be done in it. memo: what was read in it."""

    connection: Connection
    writes: bool
    fault: DatabaseUnusable | None = None
    memo: dict[str, Any] = field(default_factory=dict)


class Database:
    """One database. Every thread may use it; a transaction belongs to the thread that began it.

    url: anything `dataset` takes, SQLite or PostgreSQL. wal: SQLite's write-ahead log; off for file systems without
    shared memory. busy_timeout: seconds. Raises DatabaseUnusable, also for a file of a newer version of this program.
    """

    def __init__(
        self,
        url: str,
        wal: bool = True,
        *,
        migrations: Sequence[str] = MIGRATIONS,
        busy_timeout: float = BUSY_TIMEOUT,
    ) -> None:
        self.url, self.dialect = url, backend(url)
        self._migrations = migrations
        self._local = threading.local()
        with explained(url):
            self._dataset = dataset.connect(
                url,
                ensure_schema=False,
                sqlite_wal_mode=False,
                engine_kwargs=engine_options(url, self.dialect, busy_timeout),
                on_connect_statements=list(ON_CONNECT[self.dialect]),
            )
            assert self._dataset.engine is not None
            self.engine = self._dataset.engine
            try:
                self._open(wal)
            except BaseException:
                self.close()
                raise

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """What is read in it belongs together. Within another one it joins that one."""
        if self._current:
            yield
            return
        with self._begun(READ):
            yield

    @contextmanager
    def writing(self) -> Iterator[None]:
        """All or nothing, durable at its end. Within another one that writes it joins that one.

        SQLite takes its write lock at once instead of failing half-way, so a reading transaction cannot go on to write.
        """
        if self._current is None:
            with self._begun(WRITE):
                yield
        elif self._current.writes:
            yield
        else:
            raise RuntimeError("a transaction that was begun for reading cannot write; begin it with writing()")

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undone by itself when it raises, while the writing transaction around it goes on."""
        with self.writing():
            current = self._local.current
            try:
                with current.connection.begin_nested():
                    yield
            except BaseException:
                current.memo.clear()
                raise

    def rows(self, sql: str, **values: Any) -> list[dict[str, Any]]:
        with self.transaction():
            return [dict(row) for row in self._execute(sql, values).mappings()]

    def row(self, sql: str, **values: Any) -> dict[str, Any] | None:
        found = self.rows(sql, **values)
        return found[0] if found else None

    def value(self, sql: str, **values: Any) -> Any:
        """The first column of the first row, None without a row."""
        found = self.row(sql, **values)
        return next(iter(found.values())) if found else None

    def run(self, sql: str, **values: Any) -> int:
        """Carries out a statement. Returns how many rows it touched."""
        with self.writing():
            return int(self._execute(sql, values).rowcount)

    def run_many(self, sql: str, values: list[dict[str, Any]]) -> None:
        if values:
            with self.writing():
                self._execute(sql, values)

    @property
    def memo(self) -> dict[str, Any]:
        """A place for what was read, forgotten at the end of this thread's transaction; outside of one, at once."""
        return self._current.memo if self._current else {}

    def close(self) -> None:
        self._dataset.close()

    @property
    def _current(self) -> Transaction | None:
        return getattr(self._local, "current", None)

    @contextmanager
    def _begun(self, begin: str) -> Iterator[None]:
        with explained(self.url), self.engine.connect() as connection, connection.begin():
            if self.dialect == "sqlite":
                connection.exec_driver_sql(begin)
            current = self._local.current = Transaction(connection, begin == WRITE)
            try:
                yield
            finally:
                self._local.current = None
            if current.fault:
                raise current.fault

    def _execute(self, sql: str, values: Any) -> Any:
        """SQLite may have undone the whole transaction on its own after a fault; what came next would be committed
        piece by piece. So nothing comes next, even if somebody swallows the error."""
        current: Transaction = self._local.current
        if current.fault:
            raise current.fault
        try:
            with explained(self.url):
                return current.connection.execute(statement(sql), values)
        except DatabaseUnusable as fault:
            current.fault = fault
            raise

    def _open(self, wal: bool) -> None:
        version = self._check_version()
        if self.dialect == "sqlite":
            self._set_journal("wal" if wal else "delete")
        if version == len(self._migrations):
            return
        try:
            with self.writing():
                self._migrate()
        except ProgrammingError as error:
            raise DatabaseUnusable(f"{redact(self.url)}: {error.orig}; nothing was changed") from error

    def _check_version(self) -> int:
        """The schema's version, 0 for an empty database. Raises DatabaseUnusable for one that is not ours to change."""
        with self.transaction():
            tables = inspect(self._local.current.connection).get_table_names()
            known = int(self.value("SELECT MAX(version) FROM schema_version") or 0) if "schema_version" in tables else 0
        if known > len(self._migrations):
            raise DatabaseUnusable(
                f"{redact(self.url)}: written by a newer version (schema {known}, this program knows"
                f" {len(self._migrations)}); upgrade booklore-sync"
            )
        if not known and tables and self.dialect == "sqlite":
            raise DatabaseUnusable(
                f"{redact(self.url)}: belongs to another program; it was left as it is: choose another file"
            )
        return known

    def _set_journal(self, mode: str) -> None:
        """The write-ahead log is a property of the file. While others use it the mode stays what it is."""
        with self.engine.connect() as connection:
            if connection.exec_driver_sql("PRAGMA journal_mode").scalar() == mode:
                return
            try:
                connection.exec_driver_sql(f"PRAGMA journal_mode={mode}").scalar()
            except OperationalError as error:
                if "locked" not in str(error.orig):
                    raise

    def _migrate(self) -> None:
        if self.dialect == "postgresql":
            self.rows(MIGRATION_LOCK)
        version = self._check_version()  # another process may have been quicker
        views = list(view_statements(self.dialect))
        for name, _ in reversed(views):
            self.run(f"DROP VIEW IF EXISTS {name}")
        for number in range(version, len(self._migrations)):
            self._upgrade(self._migrations[number], number + 1)
        for _, create in views:
            self.run(create)

    def _upgrade(self, script: str, version: int) -> None:
        if version == 1:
            self.run("CREATE TABLE schema_version (version INTEGER PRIMARY KEY)")
        for part in script.format(**TYPES[self.dialect]).split(";"):
            if part.strip():
                self.run(part)
        self.run("INSERT INTO schema_version (version) VALUES (:version)", version=version)


def engine_options(url: str, dialect: str, busy_timeout: float) -> dict[str, Any]:
    if dialect == "postgresql":
        return {"pool_pre_ping": True}
    # isolation_level None: sqlite3 must not begin transactions by itself, savepoints would break.
    arguments = {"timeout": busy_timeout, "isolation_level": None, "check_same_thread": False}
    in_memory = make_url(url).database in (None, "", ":memory:")
    size = {"pool_size": 1, "max_overflow": 0} if in_memory else {"max_overflow": -1}
    return {"connect_args": arguments, "poolclass": QueuePool, **size}


@lru_cache(maxsize=512)
def statement(sql: str) -> TextClause:
    """sql as SQLAlchemy runs it; `:ids` stands for a list."""
    return text(sql).bindparams(bindparam("ids", expanding=True)) if ":ids" in sql else text(sql)
