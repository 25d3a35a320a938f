"""KOReader's statistics, sent by an unmodified KOReader to a real core, at the wish of a third party's action."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from koreader_process import Visit, visit, why_not

from booklore_core import Action, Confirm, Result, SendFile
from booklore_core.bridge import serving
from booklore_core.bridge.pairing import new_code
from booklore_core.core import Core
from booklore_core.storage.places import Places
from booklore_core.testing import FakePlugin

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())

STATISTICS = "statistics.sqlite3"
RECORDED = Path(os.environ.get("BOOKLORE_CAPTURES", "")) / "statistics" / "variant-wal-null-md5"
TABLES = """
CREATE TABLE book (id INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT, authors TEXT, pages INTEGER, md5 TEXT);
CREATE TABLE page_stat_data (id_book INTEGER, page INTEGER NOT NULL DEFAULT 0, start_time INTEGER NOT NULL DEFAULT 0,
    duration INTEGER NOT NULL DEFAULT 0, total_pages INTEGER NOT NULL DEFAULT 0, UNIQUE (id_book, page, start_time));
INSERT INTO book VALUES (1, 'Dune', 'Frank Herbert', 612, '5d41402abc4b2a76b9719d911017c592');
"""
TEXT = "{} pages were counted"


def count_pages(core: Core, request: Any) -> Any:
    if "path" not in request.args:
        agreed = yield Confirm("Count the pages in the statistics?")
        return Result(effects=(SendFile(STATISTICS, "count_pages"),) if agreed else ())
    with closing(sqlite3.connect(request.args["path"])) as database:
        return Result(TEXT.format(*database.execute("SELECT COUNT(*) FROM page_stat_data").fetchone()))


def put_statistics(folder: Path) -> int:
    """Puts a database there whose last rows are in its WAL, as after a crash. Returns the count of rows."""
    folder.mkdir()
    path = folder / STATISTICS
    made = folder.parent / "made.sqlite3"
    with closing(sqlite3.connect(made)) as database:
        database.executescript(f"PRAGMA journal_mode = WAL; {TABLES}")
        rows = [(n % 612, 1_700_000_000 + 40 * n) for n in range(60_000)]
        database.executemany("INSERT INTO page_stat_data VALUES (1, ?, ?, 30, 612)", rows)
        database.commit()
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        database.execute("INSERT INTO page_stat_data VALUES (1, 7, 1800000000, 30, 612)")
        database.commit()
        for end in ("", "-wal"):
            shutil.copyfile(RECORDED / f"{STATISTICS}{end}" if RECORDED.is_dir() else f"{made}{end}", f"{path}{end}")
    for end in ("", "-wal"):
        os.utime(f"{path}{end}", (1_700_000_000, 1_700_000_000))
        shutil.copyfile(f"{path}{end}", f"{made}{end}")
    with closing(sqlite3.connect(made)) as database:
        return int(database.execute("SELECT COUNT(*) FROM page_stat_data").fetchone()[0])


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Core]:
    core = Core(Places.from_environment({"BOOKLORE_HOME": str(tmp_path_factory.mktemp("core"))}), environ={})
    core.plugins.register("third_party", FakePlugin(actions=[Action("count_pages", "Count pages", count_pages)]))
    core.refresh()
    yield core
    core.close()


@pytest.fixture(scope="module")
def visited(core: Core, tmp_path_factory: pytest.TempPathFactory) -> Visit:
    home = tmp_path_factory.mktemp("koreader")
    count = put_statistics(home / "settings")
    with serving(core) as url:
        return visit("files", home, url, new_code(core)[0], COUNTED=TEXT.format(count))


def test_nothing_goes_wrong_inside(visited: Visit) -> None:
    assert "BookLore Sync:" not in visited.output
    assert "An error occurred" not in visited.output
    assert visited.report["end"]["windows"] == 1


def test_the_action_reads_the_statistics_and_the_reader_hears_of_it(visited: Visit) -> None:
    assert visited.report["counted"] == {"step": "counted", "isShown": True, "isGone": True, "toast": True}


def test_the_files_are_left_as_they_were(visited: Visit) -> None:
    untouched = visited.report["untouched"]

    assert untouched["before"] == untouched["after"] and untouched["before"].keys() == {STATISTICS, f"{STATISTICS}-wal"}


def test_the_screen_lives_on_meanwhile(visited: Visit) -> None:
    assert visited.report["loop"]["turns"] > 5


def test_nothing_stays_in_the_core(visited: Visit, core: Core) -> None:
    assert list((core.places.home / "uploads").rglob("*")) == []
