"""The Lua plugin's file itself: only read, wherever it lies and whoever writes it, in every version."""

import os
import shutil
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
from lua_database import OLD_FORK, LuaDatabase
from lua_world import open_world

from booklore_core.actions import start
from booklore_core.flows import Request
from booklore_core.testing import answer_all

DUNE, EMMA = "d" * 32, "e" * 32


@pytest.fixture
def world(tmp_path, open_core, clock):
    yield from open_world(tmp_path, open_core, clock)


def ask(world, request):
    return answer_all(start(world.core, "import_lua_plugin", request), [])


def lies_in(folder):
    return {path.name: (path.stat().st_size, path.stat().st_mtime_ns) for path in folder.iterdir()}


@pytest.fixture
def database(tmp_path):
    (tmp_path / "settings").mkdir()
    database = LuaDatabase(tmp_path / "settings" / "booklore-sync.sqlite")
    return database.book(1, DUNE, title="Dune").waiting(DUNE, "2026-03-01 20:00", "2026-03-01 20:30", 1800)


def test_nothing_is_left_beside_the_file_or_changed_in_it(world, database):
    before, folder = lies_in(database.path.parent), database.path.parent
    content = database.path.read_bytes()

    assert world.take_over(database).ok

    assert lies_in(folder) == before
    assert database.path.read_bytes() == content


def test_what_stands_only_in_the_log_is_read(world, database):
    with closing(sqlite3.connect(database.path)) as koreader:
        koreader.execute("PRAGMA journal_mode=WAL")
        koreader.execute("UPDATE book_cache SET title = 'Dune Messiah'")
        koreader.commit()
        before = lies_in(database.path.parent)

        world.take_over(database)

        assert lies_in(database.path.parent) == before
    assert world.core.books.get(DUNE).title == "Dune Messiah"


def test_a_file_is_read_while_koreader_is_writing_it(world, database):
    with closing(sqlite3.connect(database.path, isolation_level=None)) as koreader:
        koreader.execute("BEGIN EXCLUSIVE")

        assert world.take_over(database).ok

    assert len(world.items("session")) == 1


def test_what_was_written_half_is_not_read(world, tmp_path, database):
    copy = tmp_path / "copied.sqlite"
    with closing(sqlite3.connect(database.path, isolation_level=None)) as koreader:
        koreader.execute("PRAGMA cache_spill = 1")
        koreader.execute("PRAGMA cache_size = 1")
        koreader.execute("BEGIN")
        koreader.execute("UPDATE pending_sessions SET duration_seconds = 60")
        koreader.execute("CREATE TABLE filler AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
                         "WHERE i < 5000) SELECT i, hex(randomblob(200)) AS x FROM n")  # fmt: skip
        shutil.copy(database.path, copy)
        shutil.copy(f"{database.path}-journal", f"{copy}-journal")
        koreader.execute("ROLLBACK")
    assert Path(f"{copy}-journal").stat().st_size > 0

    world.take_over(copy)

    assert world.spans() == [("03-01 20:00", "03-01 20:30", 1800)]


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only to root")
def test_a_folder_that_may_only_be_read_is_enough(world, database):
    database.path.chmod(stat.S_IRUSR)
    database.path.parent.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        assert world.take_over(database).ok
    finally:
        database.path.parent.chmod(stat.S_IRWXU)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda path: None, "cannot be read: No such file or directory."),
        (lambda path: path.mkdir(), "cannot be read: Is a directory."),
        (lambda path: path.symlink_to(path), "cannot be read: "),
        (lambda path: path.write_text("-- Lua\nreturn {}\n"), "is no database of the BookLore plugin."),
        (lambda path: path.write_bytes(b""), "is no database of the BookLore plugin."),
        (lambda path: path.write_bytes(b"SQLite format 3\0" + b"?" * 5000), "is damaged (file is not a database)"),
    ],
)
def test_what_is_no_such_file_is_told_in_a_sentence(world, tmp_path, make, told):
    path = tmp_path / "file.sqlite"
    make(path)

    result = world.take_over(path)

    assert not result.ok
    assert told in result.message
    assert result.message.endswith(".")
    assert world.items("session") == []


def test_a_file_of_another_program_is_told(world, tmp_path):
    path = tmp_path / "statistics.sqlite3"
    with closing(sqlite3.connect(path)) as statistics, statistics:
        statistics.execute("CREATE TABLE page_stat_data (id_book INTEGER, page INTEGER)")

    assert "booklore-sync.sqlite" in world.take_over(path).message


def test_our_own_database_is_none(world):
    own = world.core.places.database_file

    assert "is no database of the BookLore plugin" in world.take_over(own).message


def test_a_damaged_file_is_refused_whole(world, database):
    for number in range(200):
        database.put("plugin_settings", {"key": f"filler {number}", "value": "x" * 300})
    content = bytearray(database.path.read_bytes())
    content[-30_000:-10_000] = b"\xff" * 20_000
    database.path.write_bytes(content)

    result = world.take_over(database)

    assert not result.ok
    assert "is damaged" in result.message
    assert world.items("session") == []


def test_without_a_file_it_says_which_one_it_wants(world):
    result = ask(world, Request())

    assert not result.ok
    assert "Which file?" in result.message


@pytest.mark.parametrize(("version", "is_fork"), [(1, False), (8, False), (OLD_FORK, True), (14, False), (21, False)])
def test_every_version_is_read_as_far_as_it_goes(world, tmp_path, version, is_fork):
    database = LuaDatabase(tmp_path / "booklore-sync.sqlite", version, is_fork)
    database.book(1, DUNE, title="Dune", author="Frank Herbert", isbn13="9780441013593")
    database.waiting(DUNE, "2026-03-01 20:00", "2026-03-01 20:30", 1800)
    if version >= 8:
        database.sent(DUNE, "2026-02-01 20:00", "2026-02-01 20:10", 600, book_id=1)
    if is_fork:
        database.put("pending_deletions", {"file_hash": EMMA, "stem": "Emma", "book_id": None})

    result = world.take_over(database)

    assert result.data["version"] == version
    assert [state for state in world.states().values() if state == "delivered"] == ["delivered"] * (version >= 8)
    assert len(world.items("session")) == 1 + (version >= 8)
    assert world.core.books.get(DUNE).isbn == (None if version == 1 else "9780441013593")
    assert len(world.core.questions()) == is_fork


def test_columns_and_tables_that_nobody_knows_harm_nothing(world, database):
    with closing(sqlite3.connect(database.path)) as later, later:
        later.execute("ALTER TABLE book_cache ADD COLUMN mood TEXT DEFAULT 'good'")
        later.execute("ALTER TABLE pending_sessions DROP COLUMN start_location")
        later.execute("DROP TABLE historical_sessions")
        later.execute('CREATE TABLE "odd "" name" (x)')
        later.execute("CREATE TABLE pending_koreader_progress (document TEXT, percentage REAL)")
        later.execute("INSERT INTO pending_koreader_progress VALUES ('x', 0.5)")

    result = world.take_over(database, dry_run=True)

    assert result.data["session"]["due"] == 1
    assert "Reading positions that waited" in result.message


def test_numbers_as_texts_and_texts_as_anything_are_read(world, database):
    start, end = 1772395200, "2026-03-02T20:30:00+00:00"
    odd = {"book_hash": DUNE.upper().encode(), "start_time": start, "end_time": end, "duration_seconds": "600.0"}
    database.put("pending_sessions", {**odd, "start_progress": "12,5", "end_progress": "13.5", "retry_count": b"x"})
    database.put("pending_sessions", {**odd, "start_time": b"\xff\xfe", "duration_seconds": "many"})
    database.put("book_cache", {"file_path": b"/mnt/\xff.epub", "file_hash": 7, "title": b"\xc3\x28"})

    result = world.take_over(database)

    assert result.ok
    assert ("03-01 20:00", "03-02 20:30", 600) in world.spans()
    assert any("cannot be read" in one for one in world.remarks())


def test_a_device_is_asked_before_it_sends_its_file(world):
    flow = start(world.core, "import_lua_plugin", Request(device="kobo-7f3a"))

    result = answer_all(flow, [True])

    assert [effect.as_json() for effect in result.effects] == [
        {"type": "send_file", "name": "booklore-sync.sqlite", "then": {"action": "import_lua_plugin", "args": {}}}
    ]
    assert answer_all(start(world.core, "import_lua_plugin", Request(device="kobo-7f3a")), [False]).effects == ()
