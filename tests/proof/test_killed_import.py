"""Years of past reading, taken in and sent by processes that are killed at any moment: each session arrives once."""

from __future__ import annotations

import random
import sqlite3
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from killing import AHEAD, Command
from scenario import BOOKS, DIGESTS
from test_sigkill import World, run_and_kill

BEGINNING = datetime(2017, 1, 1, 19, tzinfo=UTC)
SCHEMA = """
CREATE TABLE IF NOT EXISTS book (id integer PRIMARY KEY, title text, authors text, pages integer, md5 text);
CREATE TABLE IF NOT EXISTS page_stat_data (id_book integer, page integer, start_time integer, duration integer,
    total_pages integer, UNIQUE (id_book, page, start_time));
PRAGMA user_version = 20221111
"""
Session = tuple[str, str, str, int]
"""Title, start, end, seconds."""


class Statistics:
    """What KOReader has counted so far. Somebody reads an hour or less every evening."""

    def __init__(self, path: Path, rng: random.Random) -> None:
        self.path, self.rng, self.evening = path, rng, BEGINNING
        self.read: Counter[Session] = Counter()
        with closing(sqlite3.connect(path)) as file:
            file.executescript(SCHEMA)
            rows = [
                (number, book["title"], "A", book["pages"], md5) for number, (md5, book) in enumerate(self.books, 1)
            ]
            file.executemany("INSERT INTO book VALUES (?, ?, ?, ?, ?)", rows)
            file.commit()

    @property
    def books(self) -> list[tuple[str, dict[str, object]]]:
        return [(md5, BOOKS[title]) for md5, title in DIGESTS.items()]

    def grow(self, evenings: int) -> None:
        with closing(sqlite3.connect(self.path)) as file:
            for _ in range(evenings):
                file.executemany("INSERT INTO page_stat_data VALUES (?, ?, ?, ?, ?)", self.evening_rows())
            file.commit()

    def evening_rows(self) -> list[tuple[int, int, int, int, int]]:
        number, pages, seconds = self.rng.randint(1, len(self.books)), self.rng.randint(1, 40), self.rng.randint(5, 90)
        start = int(self.evening.timestamp())
        end = self.evening + timedelta(seconds=pages * seconds)
        title = DIGESTS[self.books[number - 1][0]]
        self.read[title, zulu(self.evening), zulu(end), pages * seconds] += 1
        self.evening += timedelta(days=1)
        return [(number, page, start + (page - 1) * seconds, seconds, 600) for page in range(1, pages + 1)]


def zulu(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def arrived(world: World) -> Counter[Session]:
    titles = {book.id: str(book.title) for book in world.server.books.values()}
    return Counter(
        (titles[row["bookId"]], row["startTime"], row["endTime"], row["durationSeconds"])
        for row in world.server.sessions
    )


def import_rounds(folder: Path, dialect: str, seed: int, rounds: int) -> None:
    rng = random.Random(seed)
    world, statistics = World(folder, dialect, seed), Statistics(folder / "statistics.sqlite3", rng)
    environ = world.household.environ
    try:
        for _ in range(rounds):
            statistics.grow(rng.randint(1, 60))
            run_and_kill(world, rng, environ, "history", "extract", str(statistics.path), "--yes")
            run_and_kill(world, rng, environ, "history", "match", "--auto")
            world.clock.forward(AHEAD)
        assert Command(environ, "history", "extract", str(statistics.path), "--yes").finish() == 0
        assert Command(environ, "history", "match", "--auto").finish() in (0, 3)
        world.clock.forward(10 * AHEAD)
        with world.household.opened() as core:
            world.household.settle(core)
        assert arrived(world) == statistics.read
    finally:
        world.server.stop()


@pytest.mark.parametrize(("dialect", "seed"), [("booklore", 1), ("custom", 2)])
def test_killed_imports_lose_and_double_nothing(tmp_path: Path, dialect: str, seed: int) -> None:
    import_rounds(tmp_path, dialect, seed, 2)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(3, 8))
def test_many_killed_imports_lose_and_double_nothing(tmp_path: Path, dialect: str, seed: int) -> None:
    import_rounds(tmp_path, dialect, seed, 30)
