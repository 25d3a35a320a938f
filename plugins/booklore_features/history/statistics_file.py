"""Opens KOReader's statistics without touching them: what is read is a copy, taken while nobody wrote.

To read a database in WAL mode SQLite makes files beside it; where it must not, it overlooks what the `-wal` holds. So
the file is copied with its log into a folder of its own, and read there.
"""

import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from booklore_features.history.statistics_tables import Tables, find_tables

NAME = "statistics.sqlite3"
MAGIC, HEADER = b"SQLite format 3\0", 100
LOGS = ("-wal", "-journal")
"""What SQLite keeps beside a database and has to be read with it; the index of the first it makes anew."""

TRIES, PAUSE = 5, 0.2
"""How often a file that changed while it was copied is copied again, and after how many seconds."""

AGAIN = "copy it from the e-reader again, with KOReader closed, and import the copy"


class Statistics:
    """A copy of KOReader's statistics that only this program knows of; gone when it is closed, or forgotten.

    name: of the file that it is a copy of.
    """

    def __init__(self, name: str, copy: Path, folder: "TemporaryDirectory[str]") -> None:
        self._name, self._folder = name, folder
        # Whoever reads it may go on in another thread, one at a time.
        self._connection = sqlite3.connect(copy, isolation_level=None, check_same_thread=False)
        self._connection.text_factory = lambda raw: raw.decode(errors="replace")

    def find_tables(self) -> Tables | None:
        """None for another program's file. Raises ValueError for one that is damaged, or of an unknown form."""
        with self.readable():
            tables = find_tables(self._connection, self._name)
            faults = self._connection.execute("PRAGMA quick_check(1)").fetchall() if tables else []
            if any(fault != "ok" for (fault,) in faults):
                raise sqlite3.DatabaseError(faults[0][0])
        return tables

    def rows(self, sql: str, **values: Any) -> Iterator[Any]:
        """To be read within `readable`."""
        return self._connection.execute(sql, values)

    @contextmanager
    def readable(self) -> Iterator[None]:
        """Raises ValueError where the file turns out to be damaged."""
        try:
            yield
        except (sqlite3.Error, UnicodeDecodeError) as error:  # its own messages may be of what is damaged
            fault = " ".join(str(error).split())
            raise ValueError(f"{self._name} is damaged ({fault}): {AGAIN}.") from error

    def close(self) -> None:
        self._connection.close()
        self._folder.cleanup()


def open_statistics(path: Path) -> tuple[Statistics, Tables] | None:
    """None for another kind of file. Raises ValueError, a sentence for people."""
    folder = TemporaryDirectory(prefix="booklore-statistics-", ignore_cleanup_errors=True)
    with ExitStack() as left:
        left.callback(folder.cleanup)
        try:
            copy = copy_at_rest(path, Path(folder.name)) if is_database(path) else None
        except OSError as error:
            raise ValueError(f"{path.name} could not be read or copied: {error.strerror or error}.") from error
        if copy is None:
            return None
        statistics = left.enter_context(closing(Statistics(path.name, copy, folder)))
        tables = statistics.find_tables()
        if tables is None:
            return None
        left.pop_all()
        return statistics, tables


def is_database(path: Path) -> bool:
    """Raises ValueError for a file that has the statistics' name and is none any more."""
    with path.open("rb") as file:
        if file.read(len(MAGIC)) == MAGIC:
            return True
    if path.name.startswith(NAME) and not path.name.endswith(LOGS):
        raise ValueError(f"{path.name} is no database, it is empty or damaged: {AGAIN}.")
    return False


def copy_at_rest(path: Path, folder: Path) -> Path:
    """The copy of a file and its log. Raises OSError, and ValueError for a file that never rests.

    A log may grow meanwhile: it tells by its checksums how far it is whole, and belongs to the file as long as that is
    not written itself.
    """
    copy = folder / NAME
    for _ in range(TRIES):
        before = state_of(path)
        shutil.copyfile(path, copy)
        for ending in LOGS:
            with suppress(FileNotFoundError):
                copy.with_name(copy.name + ending).unlink(missing_ok=True)
                shutil.copyfile(path.with_name(path.name + ending), copy.with_name(copy.name + ending))
        if state_of(path) == before:
            return copy
        time.sleep(PAUSE)
    raise ValueError(f"{path.name} is being written to all the time: close the book in KOReader and try again.")


def state_of(path: Path) -> tuple[Any, ...]:
    """Another one after each write, also where a file system tells the time of writing coarsely."""
    with path.open("rb") as file:
        header = file.read(HEADER)
    told = path.stat()
    return told.st_ino, told.st_size, told.st_mtime_ns, header
