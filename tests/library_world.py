"""A library server and a household with its own core: what a reader does, and what comes of it on the server."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from databases import environ_of, put_empty_database
from one_clock import Clock, OnClock

from booklore_core.actions import start
from booklore_core.core import Core, Report
from booklore_core.flows import Choose, Request, Result
from booklore_core.storage.places import Places
from booklore_core.testing import MORNING, BookLoreServer, SampleReader, ServerBook, sample_book

EVENING = datetime(2026, 11, 27, 20, 0, tzinfo=UTC)
LISTING = "/api/v1/books"
OpenHousehold = Callable[..., "Household"]


def large_library(count: int) -> list[dict[str, Any]]:
    """Books of all sizes that nobody reads, their metadata as long as a real one's."""
    return [
        {
            "title": f"The Collected Works of Somebody, Volume {number}, With an Introduction and Notes by the Editor",
            "authors": [f"Author Number {number % 700}", "Somebody Else"],
            "fileName": f"Somebody - The Collected Works, Volume {number} (An Imprint, 2019).epub",
            "fileSizeKb": 3 + number % 2500,
            "md5": f"{number + 1:032x}",
            "isbn13": None,
        }
        for number in range(count)
    ]


def features(names: Collection[str]) -> list[importlib.metadata.EntryPoint]:
    return [entry for entry in importlib.metadata.entry_points(group="booklore") if entry.name in names]


class Household:
    """A core on a folder of its own that is older than all reading, an account on the server, and readers with their
    devices."""

    def __init__(
        self, home: Path, dialect: str, library: Any = None, plugins: Collection[str] = ("sessions",), **environ: str
    ) -> None:
        self.dialect, self.clock, self._plugins = dialect, (clock := Clock(MORNING)), plugins
        self.server = server = BookLoreServer(dialect, library, now=clock).start()
        account = {"BOOKLORE_USERNAME": server.username, "BOOKLORE_PASSWORD": server.password}
        self._environ = {"BOOKLORE_URL": server.url, **account, **environ}
        self.core = self._open(home)
        clock.seconds = EVENING.timestamp()
        self.readers: dict[str, SampleReader] = {}

    def _open(self, home: Path) -> Core:
        put_empty_database(home)
        core = Core(
            Places.from_environment(environ_of(home)),
            self.clock.utc,
            self._environ,
            features(self._plugins),
        )
        core.plugins.register("booklore", OnClock(self.clock))
        core.refresh()
        return core

    def begin_anew(self) -> None:
        """The core's database is lost, and the devices hand over again whatever they have written."""
        home = self.core.places.home
        self.core.close()
        self.core = self._open(home.with_name(f"{home.name}-anew"))
        for reader in self.readers.values():
            assert self.core.take(reader.lines, "test").rejected == []

    def close(self) -> None:
        self.core.close()
        self.server.stop()

    def build_anew(self, order: Iterable[int]) -> None:
        """The server's database is lost; its files are read in again in this order of their old ids, counted from 1."""
        old = self.server
        old.stop()
        self.clock.forward(3600)
        port = int(old.url.rpartition(":")[2])
        self.server = BookLoreServer(self.dialect, {"books": []}, now=self.clock, port=port)
        for book in (old.books[number] for number in order):
            self.server.add_book(book.read() or b"", book.file_name, book.title, book.authors, book.isbn13)
        self.server.start()

    def read(self, book: dict[str, Any], device: str = "kobo-1") -> None:
        """One session on a device."""
        reader = self.readers.setdefault(device, SampleReader(device))
        lines = reader.read(book)
        reader.sleep(900)
        assert self.core.take(lines, "test").rejected == []

    def sync(self) -> Report:
        self.clock.forward(5)
        return self.core.sync()

    def act(self, name: str, *answers: Any, **request: Any) -> Result:
        """What an action comes to; options may be answered by how they begin, candidates without their score."""
        flow, asked = start(self.core, name, Request(**request)), iter(answers)
        try:
            question = next(flow)
            while True:
                question = flow.send(index_of(question, next(asked)))
        except StopIteration as end:
            assert next(asked, None) is None, "answers are left over"
            return end.value

    def matches(self) -> dict[str, tuple[str, str, float]]:
        """partial MD5 → the server's id, how it was found and how sure that is."""
        rows = self.core.database.rows("SELECT book_md5, remote_id, how, sure FROM matches")
        return {row["book_md5"]: (row["remote_id"], row["how"], row["sure"]) for row in rows}

    def match_of(self, book: dict[str, Any]) -> tuple[str, str, float] | None:
        return self.matches().get(book["partial_md5"])

    def arrived(self) -> list[int]:
        """The ids of the books that the sessions on the server are of."""
        return [row["bookId"] for row in self.server.sessions]

    def asked(self, path: str) -> int:
        """How many GETs for a path, or for paths that begin so if it ends in a slash, the server has had."""
        paths = [one.path for one in self.server.requests if one.method == "GET"]
        return sum(one.startswith(path) if path.endswith("/") else one == path for one in paths)

    def posted(self, path: str) -> int:
        """How many POSTs for paths that begin so the server has done."""
        done = [one.path for one in self.server.requests if one.method == "POST" and one.status in (200, 202)]
        return sum(one.startswith(path) for one in done)

    def ranges(self) -> int:
        return sum(one.path.endswith("/content") for one in self.server.requests)


def index_of(question: Any, answer: Any) -> Any:
    if not (isinstance(question, Choose) and isinstance(answer, str)):
        return answer
    options = [option.rpartition(" % · ")[2] for option in question.options]
    (index,) = (number for number, option in enumerate(options) if option.startswith(answer))
    return index


def on_device(book: ServerBook, folder: str = "/mnt/onboard", **changed: Any) -> dict[str, Any]:
    """The server's very file as a device tells of it."""
    size = len(book.read() or b"")
    facts = {"partial_md5": book.partial_md5, "file": f"{folder}/{book.file_name}", "size": size}
    return {**sample_book(), "title": book.title, "authors": list(book.authors), **facts, **changed}


def swapped(content: bytes) -> bytes:
    """The content with its first byte changed: the same size, another digest."""
    return bytes([content[0] ^ 1]) + content[1:]
