"""Files of KOReader's statistics, written by the tests that read them; and the recorded one."""

import hashlib
import sqlite3
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

RECORDED = Path(__file__).parents[2] / "captures" / "statistics"
"""What KOReader wrote, and what was really read. `null-md5.sqlite3-wal` lies beside a copy of the same file: a book's
digest is gone there, and 25 more pages are in it."""

START = int(datetime(2026, 10, 1, 20, tzinfo=UTC).timestamp())
"""Somebody begins to read."""

VERSION = 20221111
BOOK = """CREATE TABLE book (id integer PRIMARY KEY autoincrement, title text, authors text, notes integer,
    last_open integer, highlights integer, pages integer, series text, language text, md5 text,
    total_read_time integer, total_read_pages integer)"""
PAGES = """CREATE TABLE page_stat_data (id_book integer, page integer NOT NULL DEFAULT 0,
    start_time integer NOT NULL DEFAULT 0, duration integer NOT NULL DEFAULT 0, total_pages integer NOT NULL DEFAULT 0,
    UNIQUE (id_book, page, start_time), FOREIGN KEY(id_book) REFERENCES book(id));
    CREATE INDEX page_stat_data_start_time ON page_stat_data(start_time);
    CREATE VIEW page_stat AS SELECT id_book, page, start_time, duration / 2 AS duration FROM page_stat_data"""
UNTYPED = "CREATE TABLE page_stat_data (id_book, page, start_time, duration, total_pages)"
OF_2019 = """CREATE TABLE page_stat (id_book integer, page integer NOT NULL, start_time integer NOT NULL,
    period integer NOT NULL, UNIQUE (page, start_time), FOREIGN KEY(id_book) REFERENCES book(id));
    CREATE INDEX page_stat_id_book ON page_stat(id_book);
    CREATE TABLE info (version integer)"""


def digest(title):
    return hashlib.md5(title.encode(), usedforsecurity=False).hexdigest()


def open_file(path, schema=PAGES, version=VERSION, wal=False):
    """A connection to a new file of statistics."""
    path.parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(path, isolation_level=None)
    db.execute(f"PRAGMA journal_mode={'WAL' if wal else 'DELETE'}")
    db.executescript(f"{BOOK}; {schema}; PRAGMA user_version={version}")
    return db


def add_book(db, title="Dune", md5=..., authors="Frank Herbert", pages=600):
    """Returns its id. md5: by default that of `sample_book`."""
    row = (title, authors, pages, digest(title) if md5 is ... else md5)
    return db.execute("INSERT INTO book (title, authors, pages, md5) VALUES (?, ?, ?, ?)", row).lastrowid


def add_pages(db, *rows, book=1, total=600):
    """rows: seconds after START at which a page was shown, for how many seconds, and its number, by default one after
    the other."""
    each = ((page[0] if page else number, at, seconds) for number, (at, seconds, *page) in enumerate(rows, start=1))
    written = [(book, page, START + at, seconds, total) for page, at, seconds in each]
    db.execute("SAVEPOINT pages")
    db.executemany("INSERT INTO page_stat_data VALUES (?, ?, ?, ?, ?)", written)
    db.execute("RELEASE pages")


def reading(count, at=0, seconds=40):
    """Rows of so many pages, one after the other."""
    return [(at + number * seconds, seconds, number + 1) for number in range(count)]


def spans(items):
    """Start and end of each session in seconds after START, and its seconds of reading."""
    return [(*ends(item), item.body["duration"]) for item in items]


def ends(item):
    return tuple(int(datetime.fromisoformat(item.body[name]).timestamp()) - START for name in ("start", "end"))


def by_book(items):
    found = defaultdict(list)
    for item in sorted(items, key=lambda item: item.occurred_at):
        found[item.book.partial_md5].append(item)
    return found
