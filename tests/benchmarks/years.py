"""A year of somebody who reads a lot: how large the database gets, and whether it makes anything slower."""

from __future__ import annotations

import gzip
import json
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from booklore_core.core import Core
from booklore_core.pipeline.facts import batched
from booklore_core.testing import SampleReader, sample_book
from tests.benchmarks.figures import Figure, Measured, figure
from tests.benchmarks.ingesting import AT_ONCE, core_in
from tests.benchmarks.starting import took

SESSIONS, MARKS, BOOKS = 1_500, 5_000, 60
SENTENCE = 120
"""Letters of a highlight, on average."""


class HeavyReader:
    """Four stretches a day, in one book after the other; every stretch marks a few sentences and notes some."""

    def __init__(self, sessions: int = SESSIONS) -> None:
        self.dice, self.sessions = random.Random(7), sessions
        self.words = ["".join(self.dice.choices("abdeghiklmnoprstuw", k=self.dice.randint(2, 9))) for _ in range(3000)]
        self.reader = SampleReader("kobo-year", now=datetime.now(UTC) - timedelta(days=366))
        self.marks: list[dict[str, Any]] = []

    def lines(self) -> Iterator[dict[str, Any]]:
        each = max(1, self.sessions // BOOKS)
        for session in range(self.sessions):
            if session % each == 0:
                book, self.marks = sample_book(f"Book {session // each}", pages=900), []
            self.reader.open(book)
            for _ in range(4):
                self.reader.turn(5, self.dice.randint(20, 60))
                self.reader.checkpoint()
            self._mark(session)
            finished = session % each == each - 1
            self.reader.stars = self.dice.randint(1, 5) if finished else None
            self.reader.status = "complete" if finished else "reading"
            self.reader.close(annotations=list(self.marks))
            self.reader.sleep(5 * 3600)
            yield from self.reader.lines
            self.reader.lines.clear()

    def _mark(self, session: int) -> None:
        for number in range(self.dice.choice((2, 3, 4, 4, 4))):
            place = f"/body/DocFragment[{session % 40 + 1}]/body/p[{self.dice.randint(1, 300)}]/text()"
            text = " ".join(self.dice.choices(self.words, k=SENTENCE // 6))
            mark = {"datetime": f"{self.reader.now:%Y-%m-%d} 20:{number:02d}:{session % 60:02d}", "chapter": "One"}
            if number == 3:  # a bookmark
                self.marks.append({**mark, "page": f"{place}.0", "pageno": session % 900})
                continue
            mark |= {"pos0": f"{place}.0", "pos1": f"{place}.{len(text)}", "page": f"{place}.0", "text": text}
            note = {"note": " ".join(self.dice.choices(self.words, k=9))} if number == 2 else {}
            self.marks.append({**mark, **note, "drawer": "lighten", "color": "yellow", "pageno": session % 900})


def take_year(core: Core, sessions: int) -> int:
    """How many lines it were."""
    count = 0
    for some in batched(HeavyReader(sessions).lines(), AT_ONCE):
        core.take([json.dumps(line, separators=(",", ":")) for line in some], "year")  # as the shim spells them
        count += len(some)
    return count


DELIVERED = """
INSERT INTO deliveries (item_id, target, state, revision, maybe_sent, retry_count, remote_id, tried_at, given_to)
SELECT o.item_id, o.target, 'delivered', i.revision, 0, 0, '' || o.item_id, i.updated_at, '17'
FROM owed o JOIN items i ON i.id = o.item_id
"""


def deliver(core: Core) -> None:
    """As it stands when the targets have all of it."""
    with core.database.writing():
        core.database.run(DELIVERED)
        core.database.run("DELETE FROM owed")


def facts_of(file: Path) -> bytes:
    """All facts as JSON."""
    with closing(sqlite3.connect(file)) as db:
        rows = db.execute("SELECT kind, key, book_md5, body FROM items ORDER BY id").fetchall()
    return b"\n".join(json.dumps([kind, key, book, json.loads(body)]).encode() for kind, key, book, body in rows)


@figure("year", "database after a year of a heavy reader", "its facts as gzipped JSON", 20)
def year(folder: Path) -> Measured:
    with core_in(folder) as core:
        count = take_year(core, SESSIONS)
        deliver(core)
        kinds = core.database.rows("SELECT kind, COUNT(*) AS count FROM items GROUP BY kind ORDER BY kind")
    packed = len(gzip.compress(facts_of(folder / "booklore.sqlite")))
    size = sum(one.stat().st_size for one in folder.glob("booklore.sqlite*"))
    told = ", ".join(f"{row['count']:,} {row['kind']}" for row in kinds)
    return Measured(size / 1e6, packed / 1e6, unit="MB", detail=f"{count:,} lines; {told}")


def flat(name: str) -> Figure:
    @figure(f"year-{name}", f"booklore {name} after a year of a heavy reader", "after the first week", 1.2)
    def measure(folder: Path) -> Measured:
        spent = []
        for sessions in (SESSIONS, SESSIONS // 52):
            with core_in(folder / str(sessions)) as core:
                take_year(core, sessions)
                deliver(core)
            spent.append(took(folder / str(sessions), "-m", "booklore_core", name))
        return Measured(*spent)

    return measure


STATUS, SYNC = flat("status"), flat("sync")
