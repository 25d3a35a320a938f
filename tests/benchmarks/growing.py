"""How ingest, sync and status grow with the facts that there are: a curve from a thousand to a million."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from booklore_core.core import Core
from tests.benchmarks.figures import Figure, Measured, best, figure
from tests.benchmarks.ingesting import core_in, fill, lines_of

FACTS = (1_000, 10_000, 100_000, 1_000_000)
SMALL = FACTS[0]

REPEAT = """
WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < :times)
INSERT INTO items (kind, key, book_md5, body, occurred_at, said_at, revision, plugin, created_at, updated_at)
SELECT kind, key || ':' || :times || ':' || n, book_md5, body, occurred_at + n, said_at + n, revision, plugin,
    created_at, updated_at FROM items, n WHERE items.id <= :most
"""
ARRIVED = """
INSERT INTO deliveries (item_id, target, state, revision, maybe_sent, retry_count, tried_at)
SELECT id, 'diary', 'delivered', 1, 0, 0, 0 FROM items WHERE true ON CONFLICT DO NOTHING
"""


def grow(home: Path, facts: int) -> None:
    """Sessions of the past, as many as that, each of which a target has. Those that are there are repeated."""
    with core_in(home) as core:
        if not core.database.value("SELECT COUNT(*) AS count FROM items"):
            fill(core, SMALL)
    with closing(sqlite3.connect(home / "booklore.sqlite")) as db, db:
        (count,) = db.execute("SELECT COUNT(*) FROM items").fetchone()
        if facts > count:
            db.execute(REPEAT, {"times": -(-(facts - count) // SMALL), "most": SMALL})
        db.execute(ARRIVED)


def curve(name: str, about: str, work: Callable[[Core], float], is_flat: bool) -> Figure:
    """is_flat: it may not grow by more than a fifth; else as the facts do, from the last but one point on."""
    beside = f"beside {SMALL:,}" if is_flat else f"ten times that beside {FACTS[-2]:,}"

    @figure(f"growth-{name}", f"{about} beside {FACTS[-1]:,} facts", beside, 1.2 if is_flat else 1)
    def measure(folder: Path) -> Measured:
        spent: list[float] = []
        for facts in FACTS:
            grow(folder, facts)
            with core_in(folder) as core:
                spent.append(work(core))
        told = ", ".join(f"{facts:,}: {seconds * 1000:.3g} ms" for facts, seconds in zip(FACTS, spent, strict=True))
        return Measured(spent[-1], spent[0] if is_flat else 10 * spent[-2], detail=told)

    return measure


def a_thousand_lines(core: Core) -> float:
    lines = lines_of(f"kobo-{core.event_log.end}", count=1000, days=30)
    return best(1, lambda: core.take(lines, "test"))


INGEST = curve("ingest", "a thousand lines", a_thousand_lines, is_flat=True)
SYNC = curve("sync", "sync with nothing to do", lambda core: best(5, core.sync), is_flat=True)
STATUS = curve("status", "status", lambda core: best(3, core.status), is_flat=False)
