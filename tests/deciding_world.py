"""A reader who rates, finishes and deletes books, and what a target is told of that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from booklore_core import BookRef, Facts
from booklore_core.core import Core
from booklore_core.testing import FakeLibrary, FakeTarget, SampleReader, sample_book

DUNE, EMMA = sample_book("Dune"), sample_book("Emma")
FEATURES = ("ratings", "reviews", "finished", "deletions")
KINDS = {"rating", "review", "status", "deletion"}


class Deciding:
    """A core with these features. target: takes their facts, all of them or those of the books that it knows."""

    def __init__(
        self,
        open_core: Any,
        target: FakeTarget | None = None,
        plugins: tuple[str, ...] = FEATURES,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.target = target or FakeTarget(kinds=KINDS)
        self.core: Core = open_core(self.target, plugins=plugins, **(environ or {}))
        self.readers: dict[str, SampleReader] = {}

    def reader(self, device: str = "kobo") -> SampleReader:
        """Of the readers that there are none is behind another one's clock."""
        reader = self.readers.setdefault(device, SampleReader(device))
        reader.now = max(one.now for one in self.readers.values())
        return reader

    def visit(
        self, book: Any = DUNE, device: str = "kobo", seconds: float = 60, **verdict: Any
    ) -> list[dict[str, Any]]:
        """The lines of a book that is opened and closed. verdict: stars, status and review, as KOReader has them."""
        reader = self.reader(device)
        reader.wait(seconds)
        reader.stars, reader.status = verdict.get("stars", "unknown"), verdict.get("status")
        reader.review = verdict.get("review")
        lines = [reader.open(book)]
        reader.wait(5)
        return [*lines, reader.close()]

    def delete(self, book: Any = DUNE, device: str = "kobo", seconds: float = 5) -> dict[str, Any]:
        """The line of a book that is deleted."""
        reader = self.reader(device)
        reader.wait(seconds)
        return reader.delete(book)

    def take(self, *lines: Any) -> None:
        assert not self.core.take(list(lines), "test").rejected

    def sent(self) -> list[dict[str, Any]]:
        """The bodies that the target is given by a sync."""
        before = len(self.target.received)
        self.core.sync()
        return [dict(item.body) for item in self.target.received[before:]]

    def held(self, kind: str, book: Any = DUNE) -> dict[str, Any] | None:
        items = Facts(self.core.database, self.core.clock()).of(kind, BookRef(book["partial_md5"]))
        return dict(items[0].body) if items else None

    def set(self, name: str, value: Any) -> None:
        """What is read and deleted from here on comes later."""
        self.core.settings.set(name, value)
        self.go_on()

    def go_on(self) -> None:
        """What was changed takes effect, and an hour goes by in which nobody reads."""
        self.core.refresh()
        self.reader()
        for reader in self.readers.values():
            reader.now = self.core.clock()
        self.core.clock.forward(hours=1)  # type: ignore[attr-defined]

    def answer(self, agrees: bool) -> None:
        for question in self.core.questions():
            self.core.outbox.answer(question, agrees, self.core.clock())


def library(*books: Any, **options: Any) -> FakeLibrary:
    """A target that knows these books only."""
    shelf = {book["partial_md5"]: book["title"] for book in books}
    return FakeLibrary(shelf, kinds=KINDS, **options)
