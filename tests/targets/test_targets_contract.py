"""Our own targets keep what every target has to keep."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from booklore_world import DECIMALS, ref
from marks_world import highlight
from sync_server import SyncServer

from booklore_core import BookRef, Store
from booklore_core.settings import Settings
from booklore_core.storage.preset import preset
from booklore_core.testing import MORNING, BookLoreServer
from booklore_core.testing.target_contract import HttpTargetContract, sample_body
from booklore_targets.booklore import register_settings
from booklore_targets.booklore.target import BookLore
from booklore_targets.kosync import Kosync, read_servers


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

    def is_write(self, method: str, path: str) -> bool:
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

    def is_write(self, method: str, path: str) -> bool:
        return super().is_write(method, path) and "/auth/" not in path and "/koreader-users/" not in path


class TestBookLoreSessions(BookLoreContract):
    kinds = ("session",)

    def held(self) -> Sequence[Any]:
        return self.library.sessions


class TestBookLoreReadings(BookLoreContract):
    kinds = ("rating", "progress")

    def held(self) -> Sequence[Any]:
        kept = self.library.readings.values()
        return [value for one in kept for value in (one.rating, one.percentage) if value is not None]


class TestBookLoreAnnotations(BookLoreContract):
    kinds = ("annotation",)
    quoted = ("text", "chapter")

    def sample(self, kind: str, number: int) -> Mapping[str, Any]:
        books = sorted(self.library.books.values(), key=lambda book: book.partial_md5)
        note = sample_body(kind, number)["note"]  # type: ignore[index]
        return highlight(books[number // 2], number + 1, note=note).body

    def held(self) -> Sequence[Any]:
        return [*self.library.rows("annotations"), *self.library.rows("notes")]
