"""A reader who marks a book, as KOReader's list tells it, and what is held of that."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from booklore_core.core import Core
from booklore_core.testing import FakeTarget, SampleReader, sample_book

DUNE, EMMA = sample_book("Dune"), sample_book("Emma")
DAY = "2026-11-20"


def highlight(number: int = 1, **fields: Any) -> dict[str, Any]:
    """A highlight in paragraph number, made in that minute of the day; None takes a field out."""
    place = f"/body/DocFragment[1]/body/p[{number}]/text()"
    made = {"datetime": f"{DAY} {8 + number // 60:02}:{number % 60:02}:07", "page": f"{place}.0", "pos0": f"{place}.0"}
    look = {"pos1": f"{place}.24", "text": f"what paragraph {number} says", "drawer": "lighten", "color": "yellow"}
    return told({**made, **look, "chapter": "One", "pageno": number, **fields})


def bookmark(number: int = 1, **fields: Any) -> dict[str, Any]:
    """A page bookmark at paragraph number."""
    made = {"datetime": f"{DAY} {8 + number // 60:02}:{number % 60:02}:31", "text": "in One", "chapter": "One"}
    return told({**made, "page": f"/body/DocFragment[1]/body/p[{number}]/text().3", "pageno": number, **fields})


def told(entry: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if value is not None}


def many(count: int) -> list[dict[str, Any]]:
    return [highlight(number) for number in range(1, count + 1)]


class Marking:
    """A core with both features, and readers who close books. bookworm: takes annotations and bookmarks."""

    def __init__(self, open_core: Any) -> None:
        self.bookworm = FakeTarget(kinds={"annotation", "bookmark"})
        self.core: Core = open_core(self.bookworm, plugins=("annotations", "bookmarks"))
        self.readers = {"kobo": SampleReader("kobo")}

    def line(self, *marks: Any, device: str = "kobo", book: Any = DUNE, told: bool = True, **reading: Any) -> Any:
        """The line of a closing, a minute after the one before. told: whether it tells the list."""
        reader = self.readers.setdefault(device, SampleReader(device))
        reader.now = max(one.now for one in self.readers.values()) + timedelta(minutes=1)
        reader.open(book)
        line = reader.close(annotations=list(marks) if told else None)
        line["reading"].update(reading)
        return line

    def close(self, *marks: Any, **how: Any) -> int:
        """A book is closed that has these marks now. Returns how many facts are news."""
        taken = self.core.take([self.line(*marks, **how)], "test")
        assert not taken.rejected
        return taken.news

    def held(self, kind: str = "annotation", book: Any = DUNE) -> dict[str, Any]:
        """Key → body, of the facts that are not removed."""
        return {key: body for key, body in self.all_of(kind, book).items() if not body.get("removed")}

    def removed(self, kind: str = "annotation", book: Any = DUNE) -> list[str]:
        return sorted(body["text"] for body in self.all_of(kind, book).values() if body.get("removed"))

    def all_of(self, kind: str, book: Any = DUNE) -> dict[str, Any]:
        from booklore_core import BookRef, Facts

        items = Facts(self.core.database, self.core.clock()).of(kind, BookRef(book["partial_md5"]))
        return {item.key: dict(item.body) for item in reversed(items)}

    def texts(self, kind: str = "annotation", book: Any = DUNE) -> list[str]:
        return sorted(body["text"] for body in self.held(kind, book).values())

    def sent(self) -> list[Any]:
        """What the target is given by a sync."""
        before = len(self.bookworm.received)
        self.core.sync()
        return self.bookworm.received[before:]

    def set(self, name: str, value: Any) -> None:
        self.core.settings.set(name, value)
        self.core.refresh()

    def questions(self) -> list[str]:
        return self.core.questions()

    def answer(self, agrees: bool) -> None:
        for question in self.core.questions():
            self.core.outbox.answer(question, agrees, self.core.clock())
