"""Which database a test goes to: SQLite's file in its data folder, or one of its own on a PostgreSQL server.

Tests name the data folder; what database belongs to it is decided here.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

from postgres_server import PostgresServer, marked, postgres_server

from booklore_core.storage.database import Database
from booklore_core.storage.places import sqlite_url

SQLITE, POSTGRESQL = "sqlite", "postgresql"


class Files:
    """SQLite: a file in each data folder."""

    kind = SQLITE

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def url(self, home: Path) -> str:
        return sqlite_url(home / "booklore.sqlite")

    def environ(self, home: Path) -> dict[str, str]:
        return {}

    def ask(self, home: Path, sql: str, values: Sequence[Any]) -> list[dict[str, Any]]:
        with closing(sqlite3.connect(home / "booklore.sqlite", timeout=30)) as connection, connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(sql, values)]

    def knows(self, name: str) -> bool:
        return name in self._kept

    def keep(self, name: str, home: Path) -> None:
        """Makes what lies in a data folder's database one that can be put into others."""
        self._kept[name] = (home / "booklore.sqlite").read_bytes()

    def put(self, name: str, home: Path) -> None:
        home.mkdir(exist_ok=True)
        file = home / "booklore.sqlite"
        if not file.exists():
            file.write_bytes(self._kept[name])
            file.chmod(0o600)

    def end_test(self) -> None:
        """The folders go with the test's own."""


class Named:
    """PostgreSQL: for each data folder a database of its own, until the test ends."""

    kind = POSTGRESQL

    def __init__(self, server: PostgresServer) -> None:
        self.server = server
        self._of: dict[Path, str] = {}
        self._kept: dict[str, str] = {}

    def name(self, home: Path) -> str:
        if home not in self._of:
            self._of[home] = self.server.create()
        return self._of[home]

    def url(self, home: Path) -> str:
        return self.server.url(self.name(home))

    def environ(self, home: Path) -> dict[str, str]:
        return {"BOOKLORE_DATABASE_URL": self.url(home)}

    def ask(self, home: Path, sql: str, values: Sequence[Any]) -> list[dict[str, Any]]:
        with self.server.connect(self.name(home)) as connection:
            cursor = connection.execute(marked(sql, values), values or None)
            return list(cursor.fetchall()) if cursor.description else []

    def knows(self, name: str) -> bool:
        return name in self._kept

    def keep(self, name: str, home: Path) -> None:
        self._kept[name] = self._of.pop(home)

    def put(self, name: str, home: Path) -> None:
        home.mkdir(exist_ok=True)
        if home not in self._of:
            self._of[home] = self.server.create(self._kept[name])

    def leave(self, home: Path, image: Path) -> None:
        """The process that had the database is killed; what it has left is found under another folder's name."""
        self.server.disconnect(self.name(home))
        self._of[image] = self._of.pop(home)

    def remove(self, home: Path) -> None:
        if home in self._of:
            self.server.drop(self._of.pop(home))

    def end_test(self) -> None:
        for home in list(self._of):
            self.remove(home)

    def end(self) -> None:
        for name in self._kept.values():
            self.server.drop(name)


_until_the_end = ExitStack()
_files = Files()
_named: list[Named] = []
_current: list[Files | Named] = [_files]


def current() -> Files | Named:
    return _current[-1]


def on_postgresql() -> Named | None:
    """The databases of the test that is run, if they are PostgreSQL's."""
    found = current()
    return found if isinstance(found, Named) else None


def environ_of(home: Path) -> dict[str, str]:
    """The variables that name a data folder and its database."""
    return {"BOOKLORE_HOME": str(home), **current().environ(home)}


def url_of(home: Path) -> str:
    """The address of a data folder's database."""
    return current().url(home)


def asked(home: Path, sql: str, *values: Any) -> list[dict[str, Any]]:
    """What a data folder's database answers to a program that is not this project's, and has written by then. Values
    stand where there are question marks."""
    return current().ask(home, sql, values)


def remove(home: Path) -> None:
    """A data folder and its database are lost."""
    shutil.rmtree(home, ignore_errors=True)
    if there := on_postgresql():
        there.remove(home)


def put_empty_database(home: Path) -> None:
    """Puts one with nothing but its schema into a data folder, which may be yet to be made, unless it has a database:
    making one anew takes longer than most tests."""
    databases, name = current(), "empty"
    if not databases.knows(name):
        template = home.with_name(f"{home.name}-empty")
        template.mkdir(parents=True)
        Database(databases.url(template)).close()
        databases.keep(name, template)
    databases.put(name, home)


def named() -> Named:
    """Those on the server, which is started when it is first asked for."""
    if not _named:
        _named.append(Named(_until_the_end.enter_context(postgres_server())))
        _until_the_end.callback(_named[0].end)
    return _named[0]


@contextmanager
def chosen(kind: str) -> Iterator[None]:
    """While this lasts data folders have databases of this kind."""
    databases = named() if kind == POSTGRESQL else _files
    _current.append(databases)
    try:
        yield
    finally:
        _current.pop()
        databases.end_test()


def end() -> None:
    """What was started for the tests of this process ends."""
    _until_the_end.close()
