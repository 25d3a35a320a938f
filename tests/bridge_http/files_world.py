"""A third party's plugin that asks an e-reader for a file, and what sends one in parts."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import requests
from bridge_world import EReader, ok

from booklore_core import Action, Confirm, Result, SendFile
from booklore_core.core import Core
from booklore_core.testing import FakePlugin

STATISTICS, FORMER = "statistics.sqlite3", "booklore-sync.sqlite"
PART = 100_000
NOON = 1_795_176_000
"""When the file was changed last, by the device's clock."""


def count_pages(core: Core, request: Any) -> Any:
    """Counts the rows of KOReader's statistics: of a file that is there, else of the e-reader's own."""
    path = request.args.get("path")
    if not path:
        if not (yield Confirm("Count the pages in the statistics?")):
            return Result("Nothing was counted")
        return Result(effects=(SendFile(STATISTICS, "count_pages", {"least": 1}),))
    with closing(sqlite3.connect(path)) as database:
        (count,) = database.execute("SELECT COUNT(*) FROM page_stat_data").fetchone()
    if request.args.get("asks") and not (yield Confirm(f"Keep {count} pages?")):
        return Result("Not kept")
    if request.args.get("fails"):
        raise RuntimeError("fell over")
    return Result(f"{count} pages", data=path)


def take_over(core: Core, request: Any) -> Any:
    yield from ()
    return Result(f"{len(Path(request.args['path']).read_bytes())} bytes taken over")


COUNT = Action("count_pages", "Count pages", count_pages)
TAKE_OVER = Action(
    "take_over", "Take over what the former plugin has kept", take_over, help="Nothing is sent twice.",
    menu=("Import & Matching",), offered_for=FORMER,
)  # fmt: skip


def with_actions(core: Core, *actions: Action) -> Core:
    core.plugins.register("third_party", FakePlugin(actions=actions or (COUNT, TAKE_OVER)))
    core.refresh()
    return core


def statistics(folder: Path, rows: int, journal: str = "delete") -> Path:
    """A database as KOReader keeps it; with so many rows of pages."""
    path = folder / STATISTICS
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"PRAGMA journal_mode = {journal}")
        database.execute("CREATE TABLE page_stat_data (id_book, page, start_time, duration, total_pages)")
        database.executemany(
            "INSERT INTO page_stat_data VALUES (1, ?, ?, 30, 400)", [(n, NOON + n) for n in range(rows)]
        )
        database.commit()
    return path


def put(
    ereader: EReader, name: str, body: bytes = b"", *, offset: int = 0, size: int, changed: int = NOON
) -> requests.Response:
    where = {"offset": offset, "size": size, "changed": changed}
    return requests.put(f"{ereader.url}/v1/files/{name}", data=body, params=where, headers=ereader.headers, timeout=30)


def held(answer: requests.Response) -> int:
    return int(ok(answer)["held"])


def sent(ereader: EReader, data: bytes, name: str = STATISTICS, changed: int = NOON, size: int = PART) -> list[int]:
    """Sends a file from where the core stands. Returns what the core had after each part."""
    about = {"size": len(data), "changed": changed}
    steps = [held(put(ereader, name, **about))]
    while steps[-1] < len(data):
        part = data[steps[-1] : steps[-1] + size]
        steps.append(held(put(ereader, name, part, offset=steps[-1], **about)))
    return steps


def kept(core: Core) -> list[Path]:
    """The files of all devices, those that are lent out included."""
    return sorted(path for path in (core.places.home / "uploads").rglob("*") if path.is_file())


def data_of(core: Core, name: str = STATISTICS) -> Iterator[bytes]:
    return (path.read_bytes() for path in kept(core) if path.name == name)
