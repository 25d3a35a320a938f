"""What one reader read, as KOReader's statistics, the Lua plugin's database and the lines of his device tell it."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from lua_database import LuaDatabase

from booklore_core.testing import SampleReader

BEGIN = datetime(2026, 3, 1, 19, 0, tzinfo=UTC)
PAGES = 2000
PAUSE = 300
TABLES = """
CREATE TABLE book (id INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT, authors TEXT, notes INTEGER, last_open INTEGER,
    highlights INTEGER, pages INTEGER, series TEXT, language TEXT, md5 TEXT, total_read_time INTEGER,
    total_read_pages INTEGER);
CREATE TABLE page_stat_data (id_book INTEGER, page INTEGER NOT NULL DEFAULT 0, start_time INTEGER NOT NULL DEFAULT 0,
    duration INTEGER NOT NULL DEFAULT 0, total_pages INTEGER NOT NULL DEFAULT 0, UNIQUE (id_book, page, start_time));
CREATE TABLE numbers (number INTEGER PRIMARY KEY);
CREATE VIEW page_stat AS SELECT id_book, page, start_time, duration FROM page_stat_data;
PRAGMA user_version = 20221111;
"""

Shown = tuple[int, int, int]
"""A page that was shown: unix seconds, for how many, its number."""


@dataclass
class Evening:
    """shown: the pages. tracked: by whom each half was: `lua`, `live` or nobody."""

    shown: list[Shown]
    tracked: tuple[str, str]

    def of(self, who: str) -> list[list[Shown]]:
        """What somebody has tracked, in one go each."""
        middle = len(self.shown) // 2
        if self.tracked == (who, who):
            return [self.shown]
        halves = (self.shown[:middle], self.shown[middle:])
        return [half for half, tracker in zip(halves, self.tracked, strict=True) if tracker == who]


@dataclass
class Reading:
    """Of one book. sent: how many in ten of the Lua plugin's sessions are on the server."""

    title: str
    md5: str
    authors: str = ""
    evenings: list[Evening] = field(default_factory=list)

    @property
    def seconds(self) -> int:
        return sum(seconds for evening in self.evenings for _, seconds, _ in evening.shown)


def evenings(rng: random.Random, trackers: list[tuple[str, str]]) -> Iterator[Evening]:
    """Pages of a few seconds up to two minutes, now and then leafed back, with short pauses in between."""
    page = 1
    for day, tracked in enumerate(trackers):
        at = int((BEGIN + timedelta(days=day, minutes=rng.randint(0, 90))).timestamp())
        shown: list[Shown] = []
        for _ in range(rng.randint(8, 30)):
            seconds = rng.randint(5, 120)
            shown.append((at, seconds, page))
            at += seconds + (rng.randint(10, 280) if rng.random() < 0.1 else 0)
            page += -1 if rng.random() < 0.1 and page > 1 else 1
        yield Evening(shown, tracked)


def write_statistics(path: Path, readings: list[Reading]) -> Path:
    with closing(sqlite3.connect(path)) as db, db:
        db.executescript(TABLES)
        for number, one in enumerate(readings, start=1):
            row = (number, one.title, one.authors, PAGES, one.md5 or None)
            db.execute("INSERT INTO book (id, title, authors, pages, md5) VALUES (?, ?, ?, ?, ?)", row)
            rows = [(number, page, at, seconds, PAGES) for evening in one.evenings
                    for at, seconds, page in evening.shown]  # fmt: skip
            db.executemany("INSERT INTO page_stat_data VALUES (?, ?, ?, ?, ?)", rows)
    return path


def lua_sessions(shown: list[Shown]) -> Iterator[dict[str, Any]]:
    """As the plugin makes them of statistics: cut where a page begins more than five minutes after the one before, and
    dropped where nothing was gained (lua-plugin-behaviour §5.2)."""
    runs: list[list[Shown]] = []
    for row in shown:
        if runs and row[0] - runs[-1][-1][0] <= PAUSE:
            runs[-1].append(row)
        else:
            runs.append([row])
    for run in runs:
        first, last = run[0], run[-1]
        if last[2] > first[2]:
            times = {
                "start_time": iso(first[0]),
                "end_time": iso(last[0]),
                "duration_seconds": sum(s for _, s, _ in run),
            }
            places = {"start_location": str(first[2]), "end_location": str(last[2])}
            progress = {"start_progress": 100 * first[2] / PAGES, "end_progress": 100 * last[2] / PAGES}
            yield {**times, **places, **progress, "created_at": 1772400000}


def write_lua(database: LuaDatabase, readings: list[Reading], ids: dict[str, int], is_sent: Any, send: Any) -> None:
    """The plugin's database. is_sent: whether its n-th session was; send: what sends it."""
    number = 0
    for one in readings:
        place = {"book_hash": one.md5, "book_id": ids.get(one.title), "koreader_book_title": one.title}
        database.book(len(ids) + number + 1, one.md5, book_id=ids.get(one.title), title=one.title, author=one.authors)
        for evening in one.evenings:
            for part in evening.of("lua"):
                for row in lua_sessions(part):
                    number += 1
                    sent = is_sent(number) and one.title in ids
                    about = {"koreader_book_id": ids.get(one.title, 90), "matched": int(sent), "synced": int(sent)}
                    database.put("historical_sessions", {**row, **place, **about})
                    if sent:
                        send(one.title, row)


def live_lines(readings: list[Reading]) -> list[dict[str, Any]]:
    """What a device has told: opened at the first page of each evening, closed after the last one."""
    reader, told = SampleReader(), []
    for one in readings:
        book = {"partial_md5": one.md5, "title": one.title, "file": f"/mnt/onboard/{one.title}.epub", "pages": PAGES}
        book |= {"authors": [one.authors]} if one.authors else {}
        told += [(part, book) for evening in one.evenings for part in evening.of("live")]
    for part, book in sorted(told, key=lambda one: one[0][0]):
        reader.now = datetime.fromtimestamp(part[0][0], UTC)
        reader.open(book)
        for place, (at, seconds, page) in enumerate(part):
            reader.sleep(at - reader.now.timestamp())
            reader.page = page
            if place + 1 < len(part):
                reader.turn(1, seconds)
            else:
                reader.wait(seconds)
            if place % 7 == 6:
                reader.checkpoint()
        reader.close()
    return reader.lines


def iso(at: int) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"
