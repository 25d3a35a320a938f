"""Reads somebody else's SQLite file as it lies there: from a copy, so that nothing is left beside it or changed."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

MAGIC = b"SQLite format 3\0"
LARGEST = 512 * 1024 * 1024
"""Bytes."""

BESIDE = ("", "-wal", "-journal")
"""What belongs to a database file: without the log what was written last is missing, without the journal what was
written half is there."""

TRIES, PAUSE = 10, 0.2
HARMLESS = ("NULL value in", "CHECK constraint")
"""What a check of the file complains of although all of it can be read."""

OWN_TABLES = ("book_cache", "pending_sessions", "historical_sessions", "plugin_settings")

NO_DATABASE = (
    "{} is no database of the BookLore plugin. That one is called booklore-sync.sqlite and lies in the folder of "
    "KOReader's settings."
)
DAMAGED = "{} is damaged ({}), so nothing was taken over. Copy it from the e-reader once more, or take a backup of it."
BUSY = "{} is written to all the time. Close KOReader and try again."
TOO_LARGE = "{} has {} MiB, which no database of the BookLore plugin has; nothing was taken over."


class UnusableFile(Exception):
    """The file cannot be taken over; the text is a sentence that says why, and what to do."""


class CopiedTables:
    """The tables of a file by name, each row as column → cell. What there is not has no rows."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]

    def rows(self, name: str) -> list[dict[str, Any]]:
        """In the order in which they were made."""
        if name not in self.names:
            return []
        found = self._connection.execute(f'SELECT * FROM "{name}"')
        columns = [column[0].lower() for column in found.description]
        return [dict(zip(columns, row, strict=True)) for row in found]

    def count(self, name: str) -> int:
        if name not in self.names:
            return 0
        return int(self._connection.execute(f'SELECT COUNT(*) FROM "{name}"').fetchone()[0])


@contextmanager
def copied_tables(path: Path) -> Iterator[CopiedTables]:
    """The tables of a copy of the file. Raises UnusableFile."""
    with TemporaryDirectory(prefix="booklore-") as folder:
        copy = Path(folder) / "copy.sqlite"
        try:
            copy_whole(path.expanduser().resolve(), copy)
        except (OSError, ValueError, RuntimeError) as error:  # a path may be none, or lead round in a circle
            raise UnusableFile(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}.") from error
        refuse_strangers(copy, path.name)
        connection = sqlite3.connect(copy)
        try:
            yield checked(connection, path.name)
        except sqlite3.Error as error:
            raise UnusableFile(DAMAGED.format(path.name, error)) from error
        finally:
            connection.close()


def copy_whole(path: Path, copy: Path) -> None:
    """Copies the file with what belongs to it, as it was at one moment. Raises OSError, UnusableFile."""
    for _ in range(TRIES):
        before = stamps(path)
        if sum(size for size, _ in before) > LARGEST:
            raise UnusableFile(TOO_LARGE.format(path.name, before[0][0] // 2**20))
        for end, (size, _) in zip(BESIDE, before, strict=True):
            target = Path(f"{copy}{end}")
            target.unlink(missing_ok=True)
            if size > 0 or not end:
                shutil.copyfile(f"{path}{end}", target)
        if stamps(path) == before:
            return
        time.sleep(PAUSE)
    raise UnusableFile(BUSY.format(path.name))


def stamps(path: Path) -> list[tuple[int, int]]:
    """Size and time of the file and of what lies beside it, 0 and 0 for what does not."""
    found = []
    for end in BESIDE:
        try:
            told = Path(f"{path}{end}").stat()
            found.append((told.st_size, told.st_mtime_ns))
        except FileNotFoundError:
            if not end:
                raise
            found.append((0, 0))
    return found


def refuse_strangers(copy: Path, name: str) -> None:
    with copy.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise UnusableFile(NO_DATABASE.format(name))


def checked(connection: sqlite3.Connection, name: str) -> CopiedTables:
    """Raises UnusableFile for what is damaged or another program's, sqlite3.Error for what cannot even be looked at."""
    connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
    connection.execute("PRAGMA trusted_schema = OFF")
    found = [str(fault) for (fault,) in connection.execute("PRAGMA quick_check")]
    faults = [fault for fault in found if fault != "ok" and not fault.startswith(HARMLESS)]
    if faults:
        raise UnusableFile(DAMAGED.format(name, faults[0].splitlines()[-1]))
    tables = CopiedTables(connection)
    if not set(OWN_TABLES) & set(tables.names):
        raise UnusableFile(NO_DATABASE.format(name))
    return tables
