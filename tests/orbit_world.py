"""A household that reads, a BookOrbit that has its books, and what arrives there."""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from databases import environ_of, put_empty_database
from one_clock import Clock

from booklore_core import BookRef, Item, Request, Result, Section, Store, hookimpl
from booklore_core.actions import start
from booklore_core.core import Core, Report
from booklore_core.storage.places import Places
from booklore_core.testing import MORNING, BookOrbitServer, SampleReader, answer_all, sample_book
from booklore_core.testing.orbit.orbit_state import OrbitBook
from booklore_targets import bookorbit
from booklore_targets.bookorbit.orbit_target import BookOrbit, Unset

FEATURES = (
    "sessions",
    "progress",
    "annotations",
    "bookmarks",
    "ratings",
    "reviews",
    "finished",
    "deletions",
    "history",
)
SECRET = "kosyncpw"
PLACE = "/body/DocFragment[1]/body/p[{}]/text().{}"


class OrbitOnClock:
    """The plugin as it is shipped, on a clock of the test's."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    @hookimpl
    def register_settings(self) -> Any:
        return bookorbit.register_settings()

    @hookimpl
    def register_targets(self, settings: Section, store: Store) -> Iterator[Any]:
        for target in bookorbit.register_targets(settings, store):
            yield BookOrbit(settings, store, self._clock) if not isinstance(target, Unset) else target


class OrbitWorld:
    """clock: everybody's. reader: of the first device; `device` gives others. Books are those of the server."""

    def __init__(self, home: Path, library: Any = None, **environ: str) -> None:
        self.clock, self.home = Clock(MORNING + timedelta(days=7)), home
        self.server = BookOrbitServer(library, now=self.clock).start()
        account = {"URL": self.server.url, "USERNAME": "reader", "PASSWORD": SECRET}
        self.environ = {**{f"BOOKLORE_BOOKORBIT__{name}": value for name, value in account.items()}, **environ}
        self.reader = SampleReader()
        self.core = self.open()

    def open(self) -> Core:
        put_empty_database(self.home)
        entries = [one for one in importlib.metadata.entry_points(group="booklore") if one.name in FEATURES]
        core = Core(Places.from_environment(environ_of(self.home)), self.clock.utc, self.environ, entries)
        core.plugins.register("bookorbit", OrbitOnClock(self.clock))
        core.refresh()
        return core

    def close(self) -> None:
        self.core.close()
        self.server.stop()

    @property
    def books(self) -> list[OrbitBook]:
        return list(self.server.books.values())

    def book(self, number: int = 0, **fields: Any) -> dict[str, Any]:
        """As the device tells it."""
        one = self.books[number]
        about = {"partial_md5": one.md5, "size": one.size, "authors": one.authors, **fields}
        return sample_book(one.title, **about)

    def take(self, *readers: SampleReader) -> None:
        for reader in readers or (self.reader,):
            assert self.core.take(reader.lines, "test").rejected == []

    def sync(self) -> Report:
        return self.core.sync()

    def send(self, *items: Item) -> Report:
        self.core.put(items, "bookorbit")
        return self.sync()

    def waiting(self) -> list[Any]:
        return [dict(row) for row in self.core.database.rows("SELECT * FROM deliveries WHERE state <> 'delivered'")]

    def asked(self, path: str) -> int:
        """How many requests a path, or one that begins so, was sent."""
        return sum(one.path.startswith(f"/api/v1/koreader{path}") for one in self.server.requests)


@contextmanager
def orbit_world(home: Path, library: Any = None, **environ: str) -> Iterator[OrbitWorld]:
    world = OrbitWorld(home, library, **environ)
    try:
        yield world
    finally:
        world.close()


def highlight(paragraph: int = 1, at: datetime = MORNING, **fields: Any) -> dict[str, Any]:
    """As KOReader's sidecar has it."""
    told = {"datetime": f"{at:%Y-%m-%d %H:%M:%S}", "pos0": PLACE.format(paragraph, 0), "drawer": "lighten"}
    told |= {"pos1": PLACE.format(paragraph, 4), "page": PLACE.format(paragraph, 0), "text": "Dune", "color": "yellow"}
    return {**told, "chapter": "Book One", "pageno": paragraph, **fields}


def dog_ear(paragraph: int = 1, at: datetime = MORNING, **fields: Any) -> dict[str, Any]:
    told = {"datetime": f"{at:%Y-%m-%d %H:%M:%S}", "page": PLACE.format(paragraph, 0), "text": "in Book One"}
    return {**told, "chapter": "Book One", "pageno": paragraph, **fields}


def read(world: OrbitWorld, marks: list[dict[str, Any]], number: int = 0, reader: SampleReader | None = None) -> None:
    """Half an hour with a book, at whose end these are its marks; and a sync."""
    reader = reader or world.reader
    reader.open(world.book(number))
    reader.turn(10, seconds=60)
    reader.close(annotations=marks)
    reader.sleep(7200)
    world.take(reader)
    world.sync()


def asked(world: OrbitWorld, *ends: str) -> list[dict[str, Any]]:
    return [json.loads(one.body) for one in world.server.requests if one.path.endswith(ends)]


def item(world: OrbitWorld, kind: str, body: dict[str, Any], at: datetime = MORNING, key: str = "") -> Item:
    one = world.books[0]
    book = BookRef(one.md5, one.title, tuple(one.authors), size=one.size)
    return Item(kind, key or one.md5, book, {"device": "kobo-7f3a", **body}, at)


def verify(world: OrbitWorld, **args: Any) -> Result:
    """As `booklore verify` does. args: resend, and what else it takes."""
    return answer_all(start(world.core, "verify", Request(args=args)), [])
