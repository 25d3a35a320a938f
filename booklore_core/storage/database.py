"""Opens the database and brings its schema up to date. Everything above speaks SQL to it, with named parameters.

The way to it is `dataset`: plain tables are read and written through its tables, everything else through its query.
"""

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import dataset
from sqlalchemy import CursorResult
from sqlalchemy.engine import Connection, Engine

from booklore_core.storage.engine import BUSY_TIMEOUT, ON_CONNECT, engine_options, statement
from booklore_core.storage.faults import DatabaseUnusable as DatabaseUnusable
from booklore_core.storage.faults import backend, explained
from booklore_core.storage.faults import redact as redact
from booklore_core.storage.migration import bring_up_to_date
from booklore_core.storage.places import sqlite_file
from booklore_core.storage.schema import MIGRATIONS
from booklore_core.storage.secrets import PRIVATE
from booklore_core.storage.tables import Table, stored
from booklore_core.storage.turns import Turns

T = TypeVar("T")

ON_BEGIN = {
    "sqlite": {"statement": "BEGIN", "read": "BEGIN", "write": "BEGIN IMMEDIATE"},
    "postgresql": {
        "statement": "",
        "read": "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
        "write": "SELECT pg_advisory_xact_lock(7265602)",
    },
}
"""How a transaction begins. There is one writer at a time: the order of row numbers is that of commits, so a consumer
that has come to one has seen all before, and what was read still holds when it is changed. A reader sees one state."""

OPTIONS: dict[str, Any] = {"ensure_schema": False, "sqlite_wal_mode": False}
"""The schema is declared, and the log switched on by the migration."""


@dataclass
class Transaction:
    """What a thread is in the middle of. fault: why nothing more can be done in it. known: what was read in it."""

    writes: bool
    fault: DatabaseUnusable | None = None
    known: dict[str, Any] = field(default_factory=dict)


class Database:
    """One database. Every thread may use it; a transaction belongs to the thread that began it.

    url: anything `dataset` takes, SQLite or PostgreSQL. wal: SQLite's write-ahead log; off for file systems without
    shared memory. migrations: None leaves it as it is. busy_timeout: seconds. Raises DatabaseUnusable, also for a file
    of a newer version of this program.
    """

    def __init__(
        self, url: str, wal: bool = True, migrations: Sequence[str] | None = MIGRATIONS,
        busy_timeout: float = BUSY_TIMEOUT,
    ) -> None:  # fmt: skip
        self.url, self.dialect = url, backend(url)
        self._local, self._turns = threading.local(), Turns(busy_timeout)
        self._file, self._identity = sqlite_file(url), None
        engine, statements = engine_options(url, self.dialect, busy_timeout), list(ON_CONNECT[self.dialect])
        create_private(self._file)
        with explained(url):
            self._dataset = dataset.connect(url, engine_kwargs=engine, on_connect_statements=statements, **OPTIONS)
            try:
                if migrations is not None:
                    bring_up_to_date(self, migrations, "wal" if wal else "delete")
            except BaseException:
                self.close()
                raise
        self._identity = identity(self._file)

    def transaction(self) -> AbstractContextManager[None]:
        """What is read in it belongs together. Within another one it joins that one."""
        return nullcontext() if self._current else self._begun("read")

    def writing(self) -> AbstractContextManager[None]:
        """All or nothing, durable at its end. Within another one that writes it joins that one.

        The write lock is taken at once instead of failing half-way, so a reading transaction cannot go on to write.
        """
        if self._current and not self._current.writes:
            raise RuntimeError("a transaction that was begun for reading cannot write; begin it with writing()")
        return nullcontext() if self._current else self._begun("write")

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undone by itself when it raises, while the writing transaction around it goes on."""
        with self.writing(), self._dataset.executable.begin_nested():
            yield

    def table(self, name: str) -> Table:
        """A plain table, read and written through dataset."""
        return Table(self, self._dataset[name])

    def rows(self, sql: str, **values: Any) -> list[dict[str, Any]]:
        """What a query gives. An empty list of ids gives nothing: PostgreSQL cannot even tell its type."""
        if values.get("ids") == []:
            return []
        with self.working(writes=False):
            found = self._execute(sql, values)
            names = tuple(found.keys())
            return [dict(zip(names, row, strict=True)) for row in found]

    def row(self, sql: str, **values: Any) -> dict[str, Any] | None:
        return next(iter(self.rows(sql, **values)), None)

    def stream(self, sql: str, size: int = 500) -> Iterator[dict[str, Any]]:
        """What a query gives, row by row: size of them are held at a time. Belongs into a transaction."""
        with self.working(writes=False):
            asked, options = statement(sql, self.dialect), {"yield_per": size}
            found = self._dataset.executable.execute(asked, execution_options=options)
            yield from map(dict, found.mappings())

    def value(self, sql: str, **values: Any) -> Any:
        """The first column of the first row, None without a row."""
        return next(iter((self.row(sql, **values) or {}).values()), None)

    def run(self, sql: str, **values: Any) -> int:
        """Carries out a statement. Returns how many rows it touched; of an empty list of ids none."""
        if values.get("ids") == []:
            return 0
        with self.working(writes=True):
            return int(self._execute(sql, values).rowcount)

    def run_many(self, sql: str, values: Sequence[dict[str, Any]]) -> None:
        if values:
            with self.working(writes=True):
                if self.dialect == "sqlite":  # it takes the names as they stand, and many rows at a third of the price
                    self._dataset.executable.exec_driver_sql(sql, values)
                else:
                    self._dataset.executable.execute(statement(sql, self.dialect), [stored(one) for one in values])

    def _execute(self, sql: str, values: dict[str, Any]) -> CursorResult[Any]:
        given = values if self.dialect == "sqlite" else stored(values)
        if "ids" in given and self.dialect == "sqlite":
            given = {**given, "ids": json.dumps(list(given["ids"]))}
        return self._dataset.executable.execute(statement(sql, self.dialect), given)

    def once(self, name: str, work: Callable[[], T]) -> T:
        """What work returns, asked once for as long as a reading transaction lasts: nothing changes within it."""
        known = self._current.known if self._current and not self._current.writes else {}
        if name not in known:
            known[name] = work()
        found: T = known[name]
        return found

    def names(self) -> tuple[list[str], list[str]]:
        """The tables and the views that there are."""
        with self.transaction():
            return self._dataset.tables, self._dataset.views

    @property
    def connection(self) -> Connection:
        """The thread's, in the middle of a transaction."""
        return self._dataset.executable

    @property
    def engine(self) -> Engine:
        assert self._dataset.engine is not None
        return self._dataset.engine

    def close(self) -> None:
        """A thread that is still in the middle of something finishes it; dataset's own close would pull the connection
        away from under it."""
        self.engine.dispose()

    @property
    def _current(self) -> Transaction | None:
        return getattr(self._local, "current", None)

    @contextmanager
    def working(self, writes: bool) -> Iterator[None]:
        """Around every statement, in the thread's transaction or one of its own.

        SQLite may have undone the whole transaction on its own after a fault; what came next would be committed piece
        by piece. So nothing comes next, even if somebody swallows the error.
        """
        alone = nullcontext() if self._current else self._begun("statement")
        with self.writing() if writes else alone:
            current: Transaction = self._local.current
            if current.fault:
                raise current.fault
            try:
                with explained(self.url):
                    yield
            except DatabaseUnusable as fault:
                current.fault = fault
                raise

    @contextmanager
    def _begun(self, kind: str) -> Iterator[None]:
        with explained(self.url), self._turns.one() if kind == "write" else nullcontext():
            try:
                self._dataset.begin()
                if first := ON_BEGIN[self.dialect][kind]:
                    self._dataset.executable.exec_driver_sql(first)
                current = self._local.current = Transaction(kind == "write")
                yield
                if current.fault:
                    raise current.fault
                if current.writes:
                    self.check_file()
                self._dataset.commit()
            except BaseException:
                self._dataset.rollback()
                self._discard_connection()
                raise
            finally:
                self._local.current = None

    def _discard_connection(self) -> None:
        """After a commit that failed dataset still holds the connection, and with it the transaction."""
        left = self._dataset.connections.pop(threading.get_ident(), None)
        if left is not None:
            if not left.invalidated:
                left.connection.rollback()
            left.close()

    def check_file(self) -> None:
        """What is written into a file that was removed or replaced is acknowledged into the void."""
        if self._identity is not None and identity(self._file) != self._identity:
            raise DatabaseUnusable(self.url, "the file was removed or replaced meanwhile; start again")


def identity(file: Path | None) -> tuple[int, int] | None:
    """Tells one file from another at the same place; None when there is none."""
    try:
        found = file.stat() if file else None
    except FileNotFoundError:
        return None
    return (found.st_dev, found.st_ino) if found else None


def create_private(file: Path | None) -> None:
    """Makes a file that is not there yet one that only its owner reads; SQLite's others beside it follow its mode."""
    with suppress(OSError):  # it is there already; or what is wrong with the place is told by who opens it
        if file:
            file.touch(PRIVATE, exist_ok=False)
