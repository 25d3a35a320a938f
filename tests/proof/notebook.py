"""What a device's reader marks in the books: the lists that KOReader keeps, and what each closing tells of them."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Any, NamedTuple

PARAGRAPHS = 40
"""So many there are in each book (`small_epub`)."""

DEVICES = 4
"""So many read one book at most; the last characters of their names differ."""

FEW = 4
"""So many marks a device takes out of a book: at more a person is asked whether that was meant."""

IN_BOOK, IN_BOOKLORE, BOTH = DESTINATIONS = ("in_book", "in_booklore", "both")
"""Where a household has its notes go."""

Entry = dict[str, Any]


class Mark(NamedTuple):
    """A highlight or page bookmark as a list told it, or told that it is gone. at: UTC. No two devices, and no two
    marks of a book that are there at once, say the same text. destination: where its note goes, if it has one."""

    book: str
    text: str
    at: datetime
    note: str | None = None
    is_there: bool = True
    destination: str = IN_BOOK


class Notebook:
    """One device's lists. Every method but the last two changes one book's list, at a time of the device's clock.

    Where nothing is that could be changed, something is made.
    """

    def __init__(self, device: str, destination: str = IN_BOOK) -> None:
        self._destination = destination
        self._offset = ord(device[-1]) % DEVICES
        self._lists: dict[str, list[Entry]] = defaultdict(list)
        self._removed: dict[str, list[Entry]] = defaultdict(list)
        self._told: dict[str, dict[str, Entry]] = defaultdict(dict)
        self._made = 0

    def highlight(self, title: str, now: datetime) -> None:
        paragraph, start = self._next_spot(title)
        said = f"{title}, paragraph {paragraph}: the page turns."
        place = f"/body/DocFragment[1]/body/p[{paragraph}]/text()"
        where = {"page": f"{place}.{start}", "pos0": f"{place}.{start}", "pos1": f"{place}.{len(said)}"}
        look = {"text": said[start:], "drawer": "lighten", "color": "yellow"}
        self._lists[title].append({"datetime": stamp(now), **where, **look, "chapter": "One", "pageno": paragraph})

    def mark_page(self, title: str, now: datetime) -> None:
        paragraph, start = self._next_spot(title)
        page = f"/body/DocFragment[1]/body/p[{paragraph}]/text().{start}"
        made = {"datetime": stamp(now), "page": page, "pageno": paragraph, "chapter": "One"}
        self._lists[title].append({**made, "text": f"{title}: in One, at {paragraph}.{start}"})

    def note(self, title: str, now: datetime) -> None:
        """Writes a note to the oldest highlight, or writes it anew."""
        if not self._highlights(title):
            self.highlight(title, now)
        self._made += 1
        first = self._highlights(title)[0]
        first["note"] = f"thought {self._made} about {first['text']}"

    def clear_note(self, title: str, now: datetime) -> None:
        noted = [one for one in self._highlights(title) if one.get("note")]
        if noted:
            del noted[0]["note"]
        else:
            self.note(title, now)

    def remove(self, title: str, now: datetime) -> None:
        """The oldest mark, whatever it is."""
        if self._lists[title] and len(self._removed[title]) < FEW:
            self._removed[title].append(self._lists[title].pop(0))
        else:
            self.highlight(title, now)

    def highlight_again(self, title: str, now: datetime) -> None:
        """The very range that was highlighted, and is no more."""
        there = {one["text"] for one in self._lists[title]}
        gone = [one for one in self._removed[title] if one.get("drawer") and one["text"] not in there]
        if gone:
            bare = {name: value for name, value in gone[-1].items() if name != "note"}
            self._lists[title].append({**bare, "datetime": stamp(now)})
        else:
            self.highlight(title, now)

    def entries(self, title: str) -> list[Entry] | None:
        """The list as a closing tells it, None of a book in which nothing ever was."""
        return [dict(one) for one in self._lists[title]] if title in self._lists else None

    def tell(self, title: str, at: datetime) -> dict[str, list[Mark]]:
        """kind → what a closing at that time tells that the one before did not."""
        before, now = self._told[title], {one["text"]: dict(one) for one in self._lists.get(title, ())}
        self._told[title] = now
        news: dict[str, list[Mark]] = {"annotation": [], "bookmark": []}
        for text, one in now.items():
            if one != before.get(text):
                news[kind_of(one)].append(Mark(title, text, at, one.get("note"), destination=self._destination))
        for text, one in before.items():
            if text not in now:
                news[kind_of(one)].append(Mark(title, text, at, is_there=False))
        return news

    def _highlights(self, title: str) -> list[Entry]:
        return [one for one in self._lists[title] if kind_of(one) == "annotation"]

    def _next_spot(self, title: str) -> tuple[int, int]:
        """Paragraph and first character: each of them once, for one of the devices, before the paragraph's number."""
        self._made += 1
        rounds, paragraph = divmod(self._made, PARAGRAPHS)
        return paragraph + 1, self._offset + DEVICES * rounds


def kind_of(entry: Entry) -> str:
    return "annotation" if entry.get("drawer") else "bookmark"


def stamp(now: datetime) -> str:
    return f"{now:%Y-%m-%d %H:%M:%S}"
