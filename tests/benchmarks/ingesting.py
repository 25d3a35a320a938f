"""Lines of a device: from a file, over HTTP, and when there is much already."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median, quantiles
from threading import Event
from typing import Any

import requests
from bridge_http.bridge_world import EReader, paired

from booklore_core import BookRef, Item
from booklore_core.core import Core
from booklore_core.pipeline.facts import batched
from booklore_core.storage.places import Places
from booklore_core.testing import SampleReader, sample_book
from tests.benchmarks.figures import Measured, best, figure, timed

LINES, AT_ONCE, FACTS = 20_000, 500, 100_000

ARRIVED = """
INSERT INTO deliveries (item_id, target, state, revision, maybe_sent, retry_count, tried_at)
SELECT item_id, target, 'delivered', 1, 0, 0, 0 FROM owed
"""


def lines_of(device: str = "kobo-7f3a", count: int = LINES, days: float = 400) -> list[dict[str, Any]]:
    """A reader with forty books: an opening, checkpoints, a close, then the next evening."""
    reader = SampleReader(device, now=datetime.now(UTC) - timedelta(days=days))
    books = [sample_book(f"Book {number}") for number in range(40)]
    for evening in range(count):
        if len(reader.lines) >= count:
            break
        reader.open(books[evening % len(books)])
        for _ in range(8):
            reader.turn(5, 40)
            reader.checkpoint()
        reader.close()
        reader.sleep(600)
    return reader.lines[:count]


def plainest(folder: Path, lines: list[str]) -> float:
    """Seconds that the same lines take to be decoded and stored by hand, durably."""

    def store() -> None:
        file = folder / "plain.sqlite"
        file.unlink(missing_ok=True)
        with sqlite3.connect(file, isolation_level=None) as db:
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=FULL")
            db.execute("CREATE TABLE lines (id TEXT PRIMARY KEY, event TEXT, body TEXT)")
            for some in batched(lines, AT_ONCE):
                decoded = [json.loads(line) for line in some]
                db.execute("BEGIN")
                db.executemany(
                    "INSERT INTO lines VALUES (?, ?, ?)",
                    [
                        (f"{one['device']}:{one['id']}", one["event"], text)
                        for one, text in zip(decoded, some, strict=True)
                    ],
                )
                db.execute("COMMIT")
        db.close()

    return best(3, store)


def core_in(folder: Path) -> closing[Core]:
    return closing(Core(Places.from_environment({"BOOKLORE_HOME": str(folder)})))


@figure("ingest-file", f"ingest of a spool file, {LINES:,} lines", "json.loads and executemany", 40)
def from_a_file(folder: Path) -> Measured:
    lines = [json.dumps(line) for line in lines_of()]
    spool = folder / "spool.jsonl"
    spool.write_text("\n".join(lines) + "\n")
    environ = {**os.environ, "BOOKLORE_HOME": str(folder / "home")}
    took: list[float] = []
    with timed(took):
        subprocess.run(
            [sys.executable, "-m", "booklore_core", "ingest", str(spool)], env=environ, check=True, capture_output=True
        )
    return Measured(took[0], plainest(folder, lines), detail=f"{LINES / took[0]:,.0f} lines/s")


@contextmanager
def bridge(home: Path) -> Iterator[tuple[str, int]]:
    """A bridge in a process of its own: its address, and the process."""
    command = [sys.executable, "-m", "booklore_core", "serve", "--port", "0"]
    environ = {**os.environ, "BOOKLORE_HOME": str(home)}
    process = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout
        yield next(line.split()[-1] for line in process.stdout if "http://" in line), process.pid
    finally:
        process.terminate()
        process.wait(20)


def hand_over(ereader: EReader, lines: list[dict[str, Any]], at_once: int = AT_ONCE) -> None:
    """In lists of so many, over one connection."""
    with requests.Session() as session:
        session.headers.update(ereader.headers)
        for some in batched(lines, at_once):
            body = {"device": ereader.device, "lines": some}
            answer = session.post(f"{ereader.url}/v1/events", json=body, timeout=120).json()
            assert len(answer["ack"]) == len(some), answer


@figure("ingest-http", f"ingest over HTTP, lists of {AT_ONCE} lines", "json.loads and executemany", 60)
def over_http(folder: Path) -> Measured:
    lines, took = lines_of(), list[float]()
    with core_in(folder / "home") as core, bridge(folder / "home") as (url, _):
        ereader = paired(core, url)
        with timed(took):
            hand_over(ereader, lines)
    spelled = [json.dumps(line) for line in lines]
    return Measured(took[0], plainest(folder, spelled), detail=f"{LINES / took[0]:,.0f} lines/s")


@figure("one-line", f"one line over HTTP beside {FACTS:,} delivered facts", "the same with none", 1.2)
def one_line(folder: Path) -> Measured:
    return Measured(middle(folder / "full", FACTS), middle(folder / "empty", 0), unit="s a line")


def middle(home: Path, facts: int) -> float:
    """Seconds of the median line."""
    lines = lines_of(count=200, days=30)
    with core_in(home) as core:
        fill(core, facts)
        with bridge(home) as (url, _):
            ereader, took = paired(core, url), list[float]()
            for line in lines:
                with timed(took):
                    ereader.hand_off(line)
    return median(took)


def fill(core: Core, count: int) -> None:
    """Sessions of the past that a target has."""
    books = [BookRef(f"{number:032x}", f"Book {number}") for number in range(300)]
    begun = datetime.now(UTC) - timedelta(days=3650)
    moments = [begun + timedelta(minutes=30 * number) for number in range(count)]
    items = (Item("session", f"k{n}", books[n % 300], {"n": n}, moment) for n, moment in enumerate(moments))
    for some in batched(items, 2000):
        core.put(some, "sessions")
    core.database.run(ARRIVED)
    core.database.run("DELETE FROM owed")


@figure("eight-devices", "eight devices at once, 2,000 lines each", "one device with as many lines", 1.3)
def eight_devices(folder: Path) -> Measured:
    each, spent = 2000, []
    with core_in(folder / "home") as core, bridge(folder / "home") as (url, _):
        readers = [paired(core, url, f"kobo-{number}") for number in range(9)]
        waits, stop = list[float](), Event()

        def ask_all_the_time() -> None:
            for line in lines_of(readers[8].id, 4000, 30):
                with timed(waits):
                    readers[8].hand_off(line)
                if stop.wait(0.05):
                    return

        with ThreadPoolExecutor(9) as threads:
            asking = threads.submit(ask_all_the_time)
            with timed(spent):
                list(threads.map(lambda one: hand_over(one, lines_of(one.id, each)), readers[:8]))
            stop.set()
            asking.result()
    with core_in(folder / "alone") as core, bridge(folder / "alone") as (url, _):
        one = paired(core, url)
        with timed(spent):
            hand_over(one, lines_of(count=8 * each, days=800))
    slowest = quantiles(waits, n=20)[-1] * 1000
    return Measured(*spent, detail=f"one line among them {slowest:.0f} ms at the 95th percentile")
