"""Whatever stands in the cells of the Lua plugin's tables: it ends in a result, and twice is as once."""

import random
import re
import sqlite3
from contextlib import closing

import pytest
from lua_database import NEWEST, kept_highlight, schema
from lua_world import open_world

CELLS = (
    *(
        None,
        "",
        0,
        1,
        -1,
        2,
        3.7,
        1e300,
        -0.0,
        2**63 - 1,
        -(2**63),
        "1",
        "2.0",
        "nan",
        "1e999",
        "0x1F",
        "true",
        "false",
    ),
    *("a" * 32, "A" * 32, "b" * 32, b"c" * 32, b"\xff\xfe\x00", "\x00", "title\nof two", "🐉" * 50, "x" * 5000),
    *("/mnt/onboard/a.epub", "/mnt/onboard/a.sdr", "historical://" + "a" * 32, "a.kepub.epub", "/", "."),
    *("2026-03-01T20:00:00Z", "2026-03-01T20:30:00Z", "2026-03-01 20:10:00", "2026-03-02T01:00:00+05:00", "not a time"),
    *(
        "1970-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "0001-01-01T00:00:00+14:00",
        1772395200,
        1772397000,
        1772395200123,
    ),
    *("highlight", "in_book_note", "both_note", "success", "error", "EPUB", "http://127.0.0.1:9", "manual", "pages"),
    *(kept_highlight(), kept_highlight(note="mine"), "{", "[]", '{"pos0": {"page": 3.5}}', '{"pos0": "\ud800"}'),
)
"""Each may stand anywhere."""

LIKELY = {
    "file_hash": ("a" * 32, "B" * 32, ""),
    "book_hash": ("a" * 32, "B" * 32, ""),
    "start_time": ("2026-03-01T20:00:00Z", "2026-03-01T20:10:00Z", 1772395200),
    "end_time": ("2026-03-01T20:30:00Z", "2026-03-01T20:40:00Z", 1772397000),
    "duration_seconds": (1800, "600.0", 5000),
    "book_cache_id": (1, 2, "1"),
    "id": (1, 2, 3),
    "payload": (kept_highlight(), kept_highlight(note="mine"), kept_highlight(pos0={"page": 3, "x": 1.5})),
    "ann_type": ("highlight", "in_book_note", "booklore_note", "both_note"),
    "annotation_type": ("highlight", "in_book_note", "booklore_note", "both_note"),
    "rating": (8, "6", 1),
    "synced": (0, 1, "1"),
    "tracking_enabled": (0, 1),
    "retry_count": (0, 3),
}
"""Column → what mostly stands there."""

KEYS = ("server_url", "password", "booklore_password", "sync_mode", "min_duration", "is_enabled", "upload_strategy")


@pytest.fixture
def world(tmp_path, open_core, clock):
    yield from open_world(tmp_path, open_core, clock)


def database_of(path, rng):
    """Every table of the newest version, without types and constraints, some columns missing."""
    cells = [cell.encode("utf-8", "replace").decode() if isinstance(cell, str) else cell for cell in CELLS]
    with closing(sqlite3.connect(path)) as connection, connection:
        for table, told in schema(NEWEST).items():
            columns = [column.split()[0] for column in re.split(r",\s*(?![^(]*\))", told) if "UNIQUE(" not in column]
            columns = [column for column in columns if rng.random() < 0.95] or columns
            connection.execute(f"CREATE TABLE {table} ({', '.join(columns)})")
            marks = ", ".join("?" * len(columns))
            for _ in range(rng.randint(0, 12)):
                row = [cell_of(column, cells, rng) for column in columns]
                connection.execute(f"INSERT INTO {table} VALUES ({marks})", row)
    return path


def cell_of(column, cells, rng):
    likely = KEYS if column == "key" else LIKELY.get(column)
    return rng.choice(likely if likely and rng.random() < 0.85 else cells)


@pytest.mark.parametrize("seed", range(6))
def test_it_ends_in_a_result(world, tmp_path, seed):
    rng = random.Random(seed)
    for number in range(6):
        path = database_of(tmp_path / f"{number}.sqlite", rng)

        first = world.take_over(path)
        before = world.everything()
        second = world.take_over(path)

        assert first.ok, first.message
        assert world.everything() == before
        assert second.data["news"] == 0
        assert twice_counted(world) == []


def twice_counted(world):
    """The sessions that wait, and were never tried, of a time that another session of the book has as well."""
    states, items = world.states(), world.items("session")
    return [
        (one.key, other.key)
        for one in items
        for other in items
        if states[one.key] == "new" and one.key != other.key and one.book.partial_md5 == other.book.partial_md5
        if one.body["start"] < other.body["end"] and other.body["start"] < one.body["end"]
    ]
