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
                row = [rng.choice(KEYS) if column == "key" else rng.choice(cells) for column in columns]
                connection.execute(f"INSERT INTO {table} VALUES ({marks})", row)
    return path


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
