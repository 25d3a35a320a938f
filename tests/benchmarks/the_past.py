"""Ten years of reading out of KOReader's statistics."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from told_thrice import TABLES

from tests.benchmarks.figures import Measured, best, figure

BOOKS, SESSIONS, PAGES, YEARS = 300, 40_000, 25, 10
BEGIN = 1_450_000_000
PROGRAM = """
import sys
from pathlib import Path
from booklore_core.cli import main
sys.argv = ["booklore", "history", "extract", sys.argv[1], "--yes"]
try:
    main()
finally:
    print(Path("/proc/self/status").read_text(), file=sys.stderr)
"""


def shown() -> Iterator[tuple[int, int, int, int, int]]:
    """Somebody who reads eleven times a day, now this book, now that one."""
    rnd, at = random.Random(14), BEGIN
    for session in range(SESSIONS):
        book, page, now = 1 + (session // 40 + rnd.choice([0, 0, 0, 7])) % BOOKS, rnd.randint(1, 900), at
        for number in range(PAGES):
            seconds = rnd.randint(5, 120)
            yield book, page + number, now, seconds, 1000
            now += seconds + rnd.choice([0, 0, 0, 30])
        at += YEARS * 365 * 86_400 // SESSIONS


def statistics(path: Path) -> Path:
    with closing(sqlite3.connect(path)) as db, db:
        db.executescript(TABLES)
        for number in range(1, BOOKS + 1):
            row = (number, f"Book {number}", f"Author {number % 97}", f"{number:032x}")
            db.execute("INSERT INTO book (id, title, authors, pages, md5) VALUES (?, ?, ?, 1000, ?)", row)
        db.executemany("INSERT INTO page_stat_data VALUES (?, ?, ?, ?, ?)", shown())
    return path


@figure("history", f"import of {SESSIONS * PAGES:,} rows of statistics", "one scan in a Python loop", 3)
def history(folder: Path) -> Measured:
    path = statistics(folder / "statistics.sqlite3")

    def scan() -> None:
        with closing(sqlite3.connect(path)) as db:
            for _book, _page, _start, _seconds, _total in db.execute(
                "SELECT * FROM page_stat_data ORDER BY start_time"
            ):
                pass

    told = ""

    def take_in() -> None:
        nonlocal told
        environ = {**os.environ, "BOOKLORE_HOME": str(folder / "home")}
        done = subprocess.run([sys.executable, "-c", PROGRAM, str(path)], env=environ, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        told = done.stderr.partition("VmHWM:")[2].split()[0]

    ours = best(1, take_in)
    return Measured(ours, best(3, scan), detail=f"{int(told) // 1024} MiB at most, {SESSIONS:,} sessions")
