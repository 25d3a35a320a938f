"""Our own targets keep what every target has to keep."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from booklore_world import DECIMALS, ref
from hardcover_server import HardcoverServer
from marks_world import highlight
from sync_server import SyncServer

from booklore_core import BookRef, Kind, Store
from booklore_core.settings import Settings
from booklore_core.storage.preset import preset
from booklore_core.testing import MORNING, BookLoreServer, BookOrbitServer
from booklore_core.testing.target_contract import BOOKS, HttpTargetContract, TargetContract, sample_body
from booklore_targets import bookorbit
from booklore_targets.booklore import register_settings
from booklore_targets.booklore.target import BookLore
from booklore_targets.bookorbit.orbit_target import BookOrbit
from booklore_targets.hardcover import Hardcover
from booklore_targets.kosync import Kosync, read_servers
from booklore_targets.markdown import Markdown
from booklore_targets.webhook import Webhook


class Served(HttpTargetContract):
    """On one clock with its remote."""

    def seconds(self) -> float:
        return (self._house.now if self._house else MORNING).timestamp()


class TestKosync(Served):
    @pytest.fixture(autouse=True)
    def server(self) -> Iterator[None]:
        with SyncServer(now=self.seconds) as self.sync_server:
            yield

    def remote_url(self) -> str:
        return f"http://{self.sync_server.place}"

    def make_target(self, url: str, store: Store) -> Kosync:  # type: ignore[override]
        (server,) = read_servers(url.replace("http://", "club = http://paul:spice@")).values()
        return Kosync(server, store, clock=self.seconds)

    def held(self) -> Sequence[Any]:
        return list(self.sync_server.places.values())

    def is_write(self, method: str, path: str, body: bytes) -> bool:
        return method == "PUT"


class Nothing:
    """Where nothing is set."""

    def get(self, name: str) -> Any:
        return None

    set = remove = get


class BookLoreContract(Served):
    """At a stock Grimmory."""

    @pytest.fixture(autouse=True)
    def server(self) -> Iterator[None]:
        with BookLoreServer("grimmory", now=self.seconds) as self.library:
            yield

    def remote_url(self) -> str:
        return self.library.url

    def books(self) -> list[BookRef]:
        return [ref(book) for book in self.library.books.values()][:3]

    def make_target(self, url: str, store: Store) -> BookLore:  # type: ignore[override]
        account = {"USERNAME": self.library.username, "PASSWORD": self.library.password, "URL": url}
        given = preset(environ={f"BOOKLORE_{name}": value for name, value in account.items()})
        settings = Settings(Nothing(), Nothing(), given)  # type: ignore[arg-type]
        settings.declare("booklore", register_settings())
        settings.declare("sessions", [DECIMALS])
        return BookLore(settings.section("booklore"), store, self.seconds, lambda seconds: None)

    def is_write(self, method: str, path: str, body: bytes) -> bool:
        return super().is_write(method, path, body) and "/auth/" not in path and "/koreader-users/" not in path


class TestBookLoreSessions(BookLoreContract):
    kinds = ("session",)

    def held(self) -> Sequence[Any]:
        return self.library.sessions


class TestBookLoreReadings(BookLoreContract):
    kinds = ("rating", "progress")

    def held(self) -> Sequence[Any]:
        kept = self.library.readings.values()
        return [value for one in kept for value in (one.rating, one.percentage) if value is not None]


class TestBookLoreReviews(BookLoreContract):
    kinds = ("review",)

    def held(self) -> Sequence[Any]:
        return self.library.rows("book_notes")


@pytest.mark.soak
class TestBookLoreAnnotations(BookLoreContract):
    kinds = ("annotation",)
    quoted = ("text", "chapter")

    def sample(self, kind: str, number: int) -> Mapping[str, Any]:
        books = sorted(self.library.books.values(), key=lambda book: book.partial_md5)
        note = sample_body(kind, number)["note"]  # type: ignore[index]
        return highlight(books[number // 2], number + 1, note=note).body

    def held(self) -> Sequence[Any]:
        return [*self.library.rows("annotations"), *self.library.rows("notes")]


class BookOrbitContract(Served):
    """A book that it does not know it names in an answer of 201, of the others' it says 404."""

    answers = {
        "refuses": (400, b'{"statusCode": 400, "message": "not like this"}'),
        "unknown": (201, b'{"results": [], "unmatched": ["00000000000000000000000000000000"]}'),
        "unauthorised": (401, b'{"statusCode": 401, "message": "Invalid credentials"}'),
        "error": (500, b'{"statusCode": 500, "message": "Internal server error"}'),
    }

    @pytest.fixture(autouse=True)
    def server(self) -> Iterator[None]:
        with BookOrbitServer(now=self.seconds) as self.orbit:
            yield

    def remote_url(self) -> str:
        return self.orbit.url

    def books(self) -> list[BookRef]:
        books = list(self.orbit.books.values())[:3]
        return [BookRef(one.md5, one.title, tuple(one.authors), size=one.size) for one in books]

    def make_target(self, url: str, store: Store) -> BookOrbit:  # type: ignore[override]
        account = {"URL": url, "USERNAME": "reader", "PASSWORD": self.orbit.koreader_password}
        given = preset(environ={f"BOOKLORE_BOOKORBIT__{name}": value for name, value in account.items()})
        settings = Settings(Nothing(), Nothing(), given)  # type: ignore[arg-type]
        settings.declare("bookorbit", bookorbit.register_settings())
        return BookOrbit(settings.section("bookorbit"), store, self.seconds)

    def is_write(self, method: str, path: str, body: bytes) -> bool:
        asks = b'"changes": []' in body and b'"keysComplete": false' in body
        return method not in ("GET", "HEAD") and not path.endswith(("match-check", "sweeps")) and not asks

    def sample(self, kind: str, number: int) -> Mapping[str, Any]:
        return placed_in_small_books(super().sample(kind, number))


def placed_in_small_books(body: Mapping[str, Any]) -> dict[str, Any]:
    """The same in a book of one chapter."""
    return {name: one.replace("[8]", "[1]") if isinstance(one, str) else one for name, one in body.items()}


class TestBookOrbitSessions(BookOrbitContract):
    kinds = ("session",)

    def held(self) -> Sequence[Any]:
        return self.orbit.sessions


class TestBookOrbitReadings(BookOrbitContract):
    kinds = ("rating", "progress")
    answers = {**BookOrbitContract.answers, "unknown": (404, b'{"statusCode": 404, "message": "Book 1 not found"}')}

    def held(self) -> Sequence[Any]:
        kept = [one.get(name) for one in self.orbit.readings.values() for name in ("rating", "percent")]
        return [one for one in kept if one is not None]


class TestBookOrbitStatuses(BookOrbitContract):
    kinds = ("status",)

    def held(self) -> Sequence[Any]:
        return [one["status"] for one in self.orbit.readings.values() if one["status"]]


class TestBookOrbitReviews(BookOrbitContract):
    kinds = ("review",)

    def held(self) -> Sequence[Any]:
        return [one["review"] for one in self.orbit.readings.values() if one.get("review")]


class TestBookOrbitAnnotations(BookOrbitContract):
    kinds = ("annotation",)
    quoted = ("text", "chapter")

    def held(self) -> Sequence[Any]:
        return self.orbit.annotations


class TestBookOrbitBookmarks(BookOrbitContract):
    kinds = ("bookmark",)
    quoted = ("chapter",)

    def held(self) -> Sequence[Any]:
        return self.orbit.bookmarks


class TestWebhook(HttpTargetContract):
    def make_target(self, url: str, store: Store) -> Webhook:  # type: ignore[override]
        kinds = ("session", "progress", "annotation", "rating")
        return Webhook(url, "secret", {kind: Kind(kind, "", kind, kind) for kind in kinds})


class TestMarkdown(TargetContract):
    """A folder that can be away; nothing else of a remote's faults is a folder's."""

    def make_target(self, store: Store) -> Markdown:
        return Markdown(self.folder)

    def held(self) -> Sequence[Any]:
        notes = [note.read_text(encoding="utf-8") for note in sorted(self.folder.glob("*.md"))]
        return [fact for note in notes for fact in re.findall(FACTS, note, re.MULTILINE)]

    def fail(self, fault: str) -> bool:
        if fault == "unreachable":
            self.folder.rename(self.folder.with_name("away"))
        return fault == "unreachable"

    def mend(self) -> None:
        self.folder.with_name("away").rename(self.folder)


FACTS = r"(?:^>.*\n)+\n*\^hl-\w+|^- .*\^(?:hl|rd)-\w+|^status: .*|^progress: .*|^rating: .*"
"""A quotation with its mark, a line with one, or a fact in the front matter."""


class TestHardcover(HttpTargetContract):
    """GraphQL refuses in an answer of 200."""

    kinds = ("annotation", "rating")
    answers = dict.fromkeys(("refuses", "unknown"), (200, b'{"errors": [{"message": "not like this"}]}'))

    @pytest.fixture(autouse=True)
    def server(self) -> Iterator[None]:
        titles = dict(enumerate(("Dune", "Emma", "Kim"), start=5110))
        with HardcoverServer(books=titles) as self.account:
            self.account.editions = {isbn: (id_, id_, 600) for isbn, id_ in zip(ISBNS, titles, strict=True)}
            yield

    def remote_url(self) -> str:
        return self.account.url

    def books(self) -> list[BookRef]:
        return [replace(one, isbn=isbn, isbns=(isbn,)) for one, isbn in zip(BOOKS, ISBNS, strict=True)]

    def make_target(self, url: str, store: Store) -> Hardcover:  # type: ignore[override]
        return Hardcover(url, self.account.token, store)

    def held(self) -> Sequence[Any]:
        rated = [copy["rating"] for copy in self.account.copies.values() if copy.get("rating")]
        return [*self.account.journal.values(), *rated]

    def is_write(self, method: str, path: str, body: bytes) -> bool:
        return b"mutation" in body


ISBNS = ("9780441013593", "9780141439587", "9780140183528")
