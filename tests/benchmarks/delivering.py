"""Sessions on their way to a server: beside the requests alone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests

from booklore_core import BookRef, Item, Match
from booklore_core.core import Core
from booklore_core.pipeline.facts import batched
from booklore_core.testing import BookLoreServer
from tests.benchmarks.figures import Measured, figure, timed
from tests.benchmarks.ingesting import core_in
from tests.benchmarks.starting import took

SESSIONS, BOOKS, LATENCY = 10_000, 50, 0.02
SINGLE = "/api/v1/reading-sessions"
ACCOUNT = {"username": "admin", "password": "adminadmin"}


@contextmanager
def server(dialect: str, latency: float = 0) -> Iterator[BookLoreServer]:
    """latency: seconds that each request waits."""
    books = [{"title": f"Book {n}", "fileName": f"{n}.epub", "fileSizeKb": 900, "md5": md5(n)} for n in range(BOOKS)]
    with BookLoreServer(dialect, {"books": books, "web_login": ACCOUNT}) as one:
        if latency:
            one.on_request = lambda record: time.sleep(latency)
        yield one


def md5(number: int) -> str:
    return f"{number + 1:032x}"


def sessions(count: int) -> Iterator[Item]:
    """Of one book after the other, begun after the database: nothing has to be looked for."""
    begun = datetime.now(UTC) + timedelta(hours=1)
    for number in range(count):
        start = begun + timedelta(seconds=number)
        body = {"start": f"{start:%Y-%m-%dT%H:%M:%SZ}", "end": f"{start + timedelta(minutes=9):%Y-%m-%dT%H:%M:%SZ}",
                "duration": 540, "start_percent": 0.1, "end_percent": 0.2, "start_page": 1, "end_page": 9}  # fmt: skip
        yield Item("session", f"key {number}", BookRef(md5(number * BOOKS // count), "Book"), body, start)


def fill(core: Core, server: BookLoreServer, count: int) -> None:
    for name, value in {"url": server.url, **ACCOUNT}.items():
        core.settings.set(f"booklore.{name}", value)
    core.refresh()
    for some in batched(sessions(count), 2000):
        core.put(some, "sessions")


def delivered(folder: Path, server: BookLoreServer, count: int) -> float:
    """Seconds of a sync that brings so many sessions of matched books."""
    spent: list[float] = []
    with core_in(folder / f"home-{count}") as core:
        fill(core, server, 0)
        fill(core, server, count)
        for book in core.books.unmatched("booklore"):
            row = next(one for one in server.books.values() if one.partial_md5 == book.partial_md5)
            core.books.match(book.partial_md5, "booklore", Match(str(row.id), "digest"), core.clock())
        core.targets["booklore"].check()  # as `booklore login` does: it knows what the server can do
        with timed(spent):
            report = core.sync("booklore")
        assert report.total("delivered") == {"session": count}, report
    return spent[0]


def posted(server: BookLoreServer, count: int, anew: bool = False) -> float:
    """Seconds of the same sessions one by one in a bare loop. anew: over a new connection each."""
    token = requests.post(f"{server.url}/api/v1/auth/login", json=ACCOUNT, timeout=10).json()["accessToken"]
    headers, spent = {"Authorization": f"Bearer {token}"}, list[float]()
    bodies = [body_of(item) for item in sessions(count)]
    with timed(spent), requests.Session() as session:
        for body in bodies:
            send = requests.post if anew else session.post
            assert send(f"{server.url}{SINGLE}", json=body, headers=headers, timeout=30).status_code == 202
    return spent[0]


def body_of(item: Item) -> dict[str, Any]:
    body = item.body
    return {
        "bookId": 1, "bookType": "EPUB", "startTime": body["start"], "endTime": body["end"], "durationSeconds": 540,
        "durationFormatted": "9m", "startProgress": 10.0, "endProgress": 20.0, "progressDelta": 10.0,
        "startLocation": "1", "endLocation": "9",
    }  # fmt: skip


@figure("delivery", f"delivery of {SESSIONS:,} sessions to a stock server", "a bare loop of requests", 1.5)
def stock(folder: Path) -> Measured:
    with server("booklore") as one:
        ours = delivered(folder, one, SESSIONS)
    with server("booklore") as one:
        return Measured(ours, posted(one, SESSIONS), detail=f"{ours / SESSIONS * 1000:.1f} ms a session")


@figure("delivery-far", f"delivery of 2,000 sessions, {LATENCY * 1000:.0f} ms away", "a bare loop of requests", 1 / 3)
def far(folder: Path) -> Measured:
    with server("booklore", LATENCY) as one:
        ours = delivered(folder, one, 2000)
        return Measured(ours, posted(one, 2000))


@figure(
    "delivery-batch", f"delivery of {SESSIONS:,} sessions in batches, {LATENCY * 1000:.0f} ms away",
    "one post each over new connections (a tenth of them, times ten)", 1 / 50,
)  # fmt: skip
def batches(folder: Path) -> Measured:
    with server("custom", LATENCY) as one:
        ours = delivered(folder, one, SESSIONS)
        limit = 10 * posted(one, SESSIONS // 10, anew=True)
        return Measured(ours, limit, detail=f"{ours / SESSIONS * 1000:.1f} ms a session")


@figure("sync-nothing", "booklore sync with nothing to do, less python -c 'import typer'", "150 ms", 1)
def nothing(folder: Path) -> Measured:
    with server("booklore") as one:
        with core_in(folder) as core:
            fill(core, one, 0)
        before = len(one.requests)
        ours = took(folder, "-m", "booklore_core", "sync") - took(folder, "-c", "import typer")
        return Measured(ours, 0.15, detail=f"{len(one.requests) - before} requests")
