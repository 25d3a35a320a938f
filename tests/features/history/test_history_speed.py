"""Ten years of reading, a million pages, in a few times what reading the rows costs, and in little memory."""

import json
import random
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from history_world import START, add_book, open_file

from booklore_core import Item
from booklore_core.pipeline.facts import Facts, batched

BOOKS, SESSIONS, PAGES = 300, 40_000, 25
ROWS = SESSIONS * PAGES
TEN_YEARS = 10 * 365 * 86_400
MOST_TO_MAKE, MOST_TO_PUT = 5, 4
"""Times of one scan of the rows in a loop. Measured: 3.1 and 1.4; with three times as many sessions 5.4 and 4.3."""

MEGABYTES = 150
STATUS = Path("/proc/self/status")
IN_ONE_PROCESS = f"""
import sys
from pathlib import Path
from booklore_core.cli import main
sys.argv = ["booklore", "history", "extract", sys.argv[1], "--yes", "--json"]
try:
    main()
finally:
    print(Path("{STATUS}").read_text(), file=sys.stderr)
"""


@pytest.fixture(scope="module")
def years(tmp_path_factory):
    """The file of somebody who reads eleven times a day, now this book, now that one."""
    path = tmp_path_factory.mktemp("years") / "statistics.sqlite3"
    db, rnd = open_file(path, wal=True), random.Random(14)
    db.execute("BEGIN")
    for number in range(BOOKS):
        add_book(db, f"Book {number}", authors=f"Author {number % 97}", pages=rnd.randint(60, 1400))
    db.executemany("INSERT INTO page_stat_data VALUES (?, ?, ?, ?, ?)", pages(rnd))
    db.execute("COMMIT")
    db.close()
    return path


def pages(rnd):
    at, pace = START - TEN_YEARS, TEN_YEARS // SESSIONS
    for session in range(SESSIONS):
        book, page, now = 1 + (session // 40 + rnd.choice([0, 0, 0, 7])) % BOOKS, rnd.randint(1, 900), at
        for number in range(PAGES):
            seconds = rnd.randint(5, 120)
            yield book, page + number, now, seconds, 1000
            now += seconds + rnd.choice([0, 0, 0, 30])
        at += pace


def scan(path):
    """What it costs to look at every row in a loop."""
    db, begun, rows = sqlite3.connect(path), time.process_time(), 0
    for _book, _page, _start, _seconds, _total in db.execute("SELECT * FROM page_stat_data ORDER BY start_time"):
        rows += 1
    assert rows == ROWS
    return time.process_time() - begun


@pytest.mark.bench
def test_ten_years_are_imported_in_a_few_times_what_reading_the_rows_costs(core, years):
    unit = min(scan(years) for _ in range(3))
    about = {"journal": core.journal, "facts": Facts(core.database, core.clock()), "progress": lambda done, total: None}

    begun = time.process_time()
    _, past = core.plugins.first("import_history", path=years, **about)
    items = [one for one in past if isinstance(one, Item)]
    made = time.process_time() - begun
    for batch in batched(items, 5000):
        core.put(batch, "history")
    put = time.process_time() - begun - made

    told = f"{made:.2f} s, {made / unit:.1f} times a scan, then put in {put:.2f} s, {put / unit:.1f} times"
    sys.stdout.write(f"\n{ROWS:,} rows made {len(items):,} sessions in {told}\n")
    assert core.pending() == {} and len(items) > 0.9 * SESSIONS
    assert made < MOST_TO_MAKE * unit
    assert put < MOST_TO_PUT * unit


@pytest.mark.bench
@pytest.mark.skipif(not STATUS.exists(), reason="the system does not say how much memory a process took")
def test_ten_years_are_imported_in_little_memory(years, tmp_path):
    environ = {"BOOKLORE_HOME": str(tmp_path / "home")}

    done = subprocess.run(
        [sys.executable, "-c", IN_ONE_PROCESS, str(years)], env=environ, capture_output=True, text=True, check=True
    )

    most = int(done.stderr.partition("VmHWM:")[2].split()[0]) // 1024
    sys.stdout.write(f"\n{most} MB\n")
    assert json.loads(done.stdout)["added"] == SESSIONS
    assert most < MEGABYTES
