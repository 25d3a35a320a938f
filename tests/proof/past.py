"""What KOReader's own statistics know of: the years before this program, and what devices have told of as well."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from books import DIGESTS, PAGES, TITLES
from facts import Facts, Session
from scenario import Unit, text

from booklore_core.actions import start
from booklore_core.core import Core
from booklore_core.flows import Request
from booklore_core.testing import answer_all

LONG_AGO = datetime(2012, 1, 1, 19, tzinfo=UTC), datetime(2018, 1, 1, 19, tzinfo=UTC)
"""The first evenings of two devices, of which nobody reads both at once."""

DEVICE = "statistics"
"""Statistics do not say on which device somebody read."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS book (id integer PRIMARY KEY, title text, authors text, pages integer, md5 text);
CREATE TABLE IF NOT EXISTS page_stat_data (id_book integer, page integer, start_time integer, duration integer,
    total_pages integer, UNIQUE (id_book, page, start_time));
PRAGMA user_version = 20221111
"""
PageRow = tuple[int, int, int, int, int]
"""Number of the book, page, start in unix seconds, seconds, pages of the book."""


class Statistics:
    """The file of one device. Somebody reads an hour or less every evening. facts: what must come of it."""

    def __init__(self, path: Path, rng: random.Random, evening: datetime = LONG_AGO[0]) -> None:
        self.path, self.rng, self.evening = path, rng, evening
        self.facts, self.seconds = Facts(), 0
        books = [(number, DIGESTS[md5], "A", PAGES[DIGESTS[md5]], md5) for number, md5 in enumerate(DIGESTS, 1)]
        with closing(sqlite3.connect(path)) as file:
            file.executescript(SCHEMA)
            file.executemany("INSERT INTO book VALUES (?, ?, ?, ?, ?)", books)
            file.commit()

    def grow(self, evenings: int) -> None:
        """So many evenings of the past are read."""
        self._write(row for _ in range(evenings) for row in self._evening())

    def live(self, unit: Unit) -> None:
        """KOReader counts what somebody reads today, too: of a stretch without a pause, each page for as long."""
        for told in unit.facts.session:
            start, end = (datetime.fromisoformat(one) for one in (told.start, told.end))
            pages = int(told.last_page) - int(told.first_page)
            if pages > 0 and (end - start).total_seconds() == told.seconds and not told.seconds % pages:
                self._write(rows(told.book, start, int(told.first_page), pages, told.seconds // pages))

    def _evening(self) -> list[PageRow]:
        title, pages, seconds = self.rng.choice(TITLES), self.rng.randint(1, 40), self.rng.randint(5, 90)
        start, read = self.evening, pages * seconds
        told = (text(start), text(start + timedelta(seconds=read)), read, "1", str(pages))
        self.facts.session[Session(DEVICE, title, *told)] += 1
        self.seconds += read
        self.evening += timedelta(days=1)
        return rows(title, start, 1, pages, seconds)

    def _write(self, told: Iterable[PageRow]) -> None:
        with closing(sqlite3.connect(self.path)) as file:
            file.executemany("INSERT OR IGNORE INTO page_stat_data VALUES (?, ?, ?, ?, ?)", told)
            file.commit()


def rows(title: str, start: datetime, first_page: int, pages: int, seconds: int) -> list[PageRow]:
    number, begun = list(DIGESTS.values()).index(title) + 1, int(start.timestamp())
    return [(number, first_page + page, begun + page * seconds, seconds, PAGES[title]) for page in range(pages)]


def extract(core: Core, statistics: Statistics) -> str:
    """What the action says to it."""
    flow = start(core, "extract_history", Request(args={"path": str(statistics.path)}))
    return answer_all(flow, [True, True]).message
