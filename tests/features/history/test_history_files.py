"""The file of statistics is only read, whoever writes it meanwhile, wherever it lies, and whatever became of it."""

import random
import shutil
import sqlite3
import tempfile
import time
from pathlib import Path

import pytest
from history_world import OF_2019, PAGES, START, add_book, add_pages, open_file, reading, spans

from booklore_core.pipeline.facts import Facts

AN_HOUR = [(0, 400, 400)]


def fault_of(read, path):
    with pytest.raises(ValueError) as raised:
        read(path)
    return str(raised.value)


def state(folder):
    """The names, contents and times of the files in a folder."""
    return {one.name: (one.read_bytes(), one.stat().st_mtime_ns) for one in folder.iterdir()}


@pytest.fixture
def written_while_copied(db, path, monkeypatch):
    """Has a page written to the file while it is copied, so many times, as by KOReader without its log."""

    def write_while_copied(times):
        copy, left = shutil.copyfile, list(reading(times))

        def copyfile(source, target):
            copy(source, target)
            if left and source == path:
                add_pages(db, left.pop(0))

        monkeypatch.setattr(shutil, "copyfile", copyfile)

    return write_while_copied


def test_a_file_that_was_written_while_it_was_copied_is_copied_again(read, path, written_while_copied):
    written_while_copied(times=2)

    assert spans(read(path)[0]) == [(0, 80, 80)]


def test_a_file_that_is_written_all_the_time_is_not_read(read, path, written_while_copied, temporary, monkeypatch):
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    written_while_copied(times=100)

    assert fault_of(read, path) == (
        "statistics.sqlite3 is being written to all the time: close the book in KOReader and try again."
    )
    assert list(temporary.iterdir()) == []


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """The folder for what is needed for a moment."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.mark.parametrize("wal", [False, True])
def test_a_file_that_koreader_has_open_is_read_and_not_touched(read, path, wal, temporary):
    db = open_file(path, wal=wal)
    add_book(db)
    add_pages(db, *reading(10))
    before = state(path.parent)

    items, _ = read(path)

    assert spans(items) == AN_HOUR
    assert state(path.parent) == before
    assert list(temporary.iterdir()) == []
    assert db.execute("SELECT COUNT(*) FROM page_stat_data").fetchone() == (10,)


def test_what_koreader_has_begun_to_write_and_not_finished_does_not_count(read, db, path):
    add_pages(db, *reading(10))
    db.execute("PRAGMA cache_size = 1")
    db.execute("BEGIN IMMEDIATE")
    add_pages(db, *[(4000 + 40 * number, 40, number) for number in range(30)])

    assert Path(f"{path}-journal").stat().st_size > 0
    assert spans(read(path)[0]) == AN_HOUR


def test_what_stands_in_the_log_counts_also_without_its_index(read, path, tmp_path):
    db = open_file(path, wal=True)
    add_book(db)
    add_pages(db, *reading(10))
    copy = tmp_path / "copy" / path.name
    copy.parent.mkdir()
    for ending in ("", "-wal"):
        Path(f"{copy}{ending}").write_bytes(Path(f"{path}{ending}").read_bytes())
    db.close()

    assert spans(read(copy)[0]) == AN_HOUR
    assert sorted(one.name for one in copy.parent.iterdir()) == [path.name, f"{path.name}-wal"]


def test_a_read_only_folder_is_enough_for_nothing_is_opened_in_it(read, path, monkeypatch):
    """To SQLite that is; the administrator writes into any folder."""
    db = open_file(path, wal=True)
    add_book(db)
    add_pages(db, *reading(10))
    db.close()
    before, opened, connect = state(path.parent), [], sqlite3.connect
    monkeypatch.setattr(
        sqlite3, "connect", lambda name, *how, **more: opened.append(name) or connect(name, *how, **more)
    )
    path.chmod(0o444)
    path.parent.chmod(0o555)

    try:
        assert spans(read(path)[0]) == AN_HOUR
    finally:
        path.parent.chmod(0o755)

    assert [name for name in opened if str(path.parent) in str(name)] == []
    assert state(path.parent) == before


def test_a_copy_that_nobody_reads_is_gone_with_the_last_who_could(core, path, db, temporary):
    add_pages(db, *reading(10))
    about = {"journal": core.journal, "facts": Facts(core.database, core.clock()), "progress": lambda done, total: None}

    _, past = core.plugins.first("import_history", path=path, **about)
    assert len(list(temporary.iterdir())) == 1
    del past

    assert list(temporary.iterdir()) == []


@pytest.fixture
def full(db, path):
    """A file of some two hundred kilobytes."""
    add_pages(db, *reading(4000))
    db.close()
    return path


@pytest.mark.parametrize("left", [40, 100, 4096, 30_000, 100_000])
def test_a_file_that_was_cut_off_is_told_to_be_damaged(read, full, left):
    full.write_bytes(full.read_bytes()[:left])

    fault = fault_of(read, full)

    assert fault.startswith("statistics.sqlite3 is damaged (")
    assert fault.endswith("copy it from the e-reader again, with KOReader closed, and import the copy.")


def test_a_file_with_a_page_of_nothing_is_told_to_be_damaged(read, full):
    content = bytearray(full.read_bytes())
    content[8 * 4096 : 9 * 4096] = bytes(4096)
    full.write_bytes(content)

    assert "statistics.sqlite3 is damaged (" in fault_of(read, full)


@pytest.mark.parametrize("content", [b"", bytes(8192), b"<html>not found</html>"])
def test_what_has_the_name_of_the_statistics_and_is_no_database_is_told(read, path, content):
    path.parent.mkdir()
    path.write_bytes(content)

    assert fault_of(read, path).startswith("statistics.sqlite3 is no database, it is empty or damaged: copy it")


@pytest.mark.parametrize("seed", range(30))
def test_no_damage_of_any_kind_is_an_error_of_the_program(read, full, seed):
    """What is still readable comes out; or a sentence does."""
    random.seed(seed)
    content = bytearray(full.read_bytes())
    for _ in range(random.choice([1, 10, 1000])):
        content[random.randrange(len(content))] = random.randrange(256)
    full.write_bytes(content)

    try:
        found = read(full)
    except ValueError as error:
        assert str(error).startswith("statistics.sqlite3 ")
    else:
        assert found is None or sum(item.body["duration"] for item in found[0]) <= 4000 * 600


def test_other_files_are_left_to_others(read, tmp_path):
    notes, other = tmp_path / "notes.csv", tmp_path / "booklore-sync.sqlite"
    notes.write_text("day,minutes\n")
    db = sqlite3.connect(other)
    db.execute("CREATE TABLE pending_sessions (id)")
    db.close()

    assert read(notes) is None
    assert read(other) is None


def test_a_file_that_there_is_not_is_told(read, tmp_path):
    assert fault_of(read, tmp_path / "statistics.sqlite3") == (
        "statistics.sqlite3 could not be read or copied: No such file or directory."
    )


def test_statistics_of_2019_are_read_with_the_pages_that_their_books_have(read, path):
    db = open_file(path, OF_2019, version=0)
    add_book(db, pages=200)
    for at, seconds, page in reading(10):
        db.execute("INSERT INTO page_stat VALUES (1, ?, ?, ?)", (page, START + at, seconds))

    items, _ = read(path)

    assert spans(items) == AN_HOUR
    assert (items[0].body["start_percent"], items[0].body["end_percent"]) == (0.005, 0.05)


def test_statistics_of_2020_without_the_index_of_times_are_read(read, path):
    db = open_file(path, PAGES.replace("CREATE INDEX", "-- "), version=20201010)
    add_book(db)
    add_pages(db, *reversed(reading(10)))

    assert spans(read(path)[0]) == AN_HOUR


def test_the_view_of_the_pages_is_never_read(read, db, path):
    """It deals the seconds out to other pages, and loses some."""
    add_pages(db, (0, 99), (99, 99))

    assert spans(read(path)[0]) == [(0, 198, 198)]


def test_a_form_that_nobody_knows_is_told_with_its_version(read, path):
    open_file(path, "CREATE TABLE page_stat_data (book_id, page, began_at, seconds)", version=20310101)

    assert fault_of(read, path) == (
        "statistics.sqlite3 holds statistics of a form that nobody here knows, of version 20310101: "
        "update this program."
    )


def test_progress_is_told_by_the_rows(read, db, path):
    add_pages(db, *reading(25_000, seconds=2))
    told = []

    read(path, progress=lambda done, total: told.append((done, total)))

    assert told == [(0, 25_000), (10_000, 25_000), (20_000, 25_000), (25_000, 25_000)]
