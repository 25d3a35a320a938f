"""Facts as the features of this project make them, for a target to be examined with."""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from booklore_core.items import BookRef, Item
from booklore_core.testing.reader import MORNING

FREE = "Zażółć 日本語 שלום 📖"
"""Stands for what people write: four scripts, one of them from right to left, one outside the first plane."""


def book(title: str, author: str) -> BookRef:
    md5 = hashlib.md5(title.encode(), usedforsecurity=False).hexdigest()
    return BookRef(md5, title, (author,), file=f"/mnt/onboard/{title.lower()}.epub", size=1000 + len(title))


BOOKS = (book("Dune", "Frank Herbert"), book("Emma", "Jane Austen"), book("Kim", "Rudyard Kipling"))
NOBODYS = book("A book that no remote has", "Nobody")

ONE_A_BOOK = frozenset({"progress", "rating", "review", "status", "deletion"})
"""Kinds with one fact for each book, whose newest body counts."""

NEVER_EDITED = frozenset({"session", "status", "deletion"})
NEVER_REMOVED = NEVER_EDITED | {"progress", "rating"}

PLACE = "/body/DocFragment[8]/body/p[{}]/text().0"
MARK = {"device": "kobo-7f3a", "format": "epub", "pageno": None, "chapter": "Book One"}


def sample_body(kind: str, number: int) -> dict[str, Any] | None:
    """The body of a fact of one of our kinds; None for a kind of somebody else. number: each makes another fact."""
    begin = MORNING + timedelta(hours=number)
    minutes, place = 10 + number, PLACE.format(number + 1)
    at = begin.strftime("%Y-%m-%d %H:%M:%S")
    bodies: Mapping[str, dict[str, Any]] = {
        "session": {
            "device": "kobo-7f3a", "format": "epub", "turns": 20, "duration": 60 * minutes, "start": told(begin),
            "end": told(begin + timedelta(minutes=minutes)), "start_page": 1, "end_page": 21,
            "start_percent": 0.0016, "end_percent": 0.035, "start_position": place, "end_position": place,
            "stretches": [[f"kobo-7f3a-{number:06}", f"kobo-7f3a-{number + 100:06}"]],
        },
        "progress": {
            "device": "Kobo Libra", "device_id": "kobo-7f3a", "percent": 0.25 + number / 100, "position": place,
        },
        "annotation": {
            **MARK, "datetime": at, "page": place, "pos0": place, "pos1": place[:-1] + "20", "drawer": "lighten",
            "color": "yellow", "text": f"Fear is the mind-killer {number}", "note": f"A note of mine {number}",
            "place": "in_book", "updated": None,
        },
        "bookmark": {**MARK, "datetime": at, "page": place, "text": f"A page to remember {number}", "note": None},
        "rating": {"device": "kobo-7f3a", "how": "scaled", "rating": 8 - number, "stars": (8 - number) / 2},
        "review": {"device": "kobo-7f3a", "how": "given", "text": f"What I think of it {number}"},
        "status": {"device": "kobo-7f3a", "status": "complete"},
        "deletion": {
            "device": "kobo-7f3a", "file": f"/mnt/onboard/{number}.epub", "policy": "unshelve", "shelf": "KOReader",
        },
    }  # fmt: skip
    return bodies.get(kind)


def edited_body(kind: str, body: Mapping[str, Any], quoted: Collection[str] = ()) -> dict[str, Any]:
    """The same fact after its reader has changed it: whatever is written, or how far it is, or how good. quoted: the
    fields that are the book's words, which nobody edits."""
    if kind == "progress":
        return {**body, "percent": body["percent"] + 0.5, "position": PLACE.format(99)}
    if kind == "rating":
        return {**body, "rating": 2, "stars": 1}
    own = {name: value for name, value in body.items() if name not in quoted and is_free(value)}
    return {**body, **{name: f"{value}, edited" for name, value in own.items()}}


def in_every_script(item: Item, is_matched: bool, quoted: Collection[str] = ()) -> Item:
    """The same fact with what people write in it in several scripts. is_matched: its book stays as it is."""
    about = item.book if is_matched else replace(item.book, title=f"{FREE} title", authors=(f"{FREE} author",))
    own = {name for name, value in item.body.items() if name not in quoted and is_free(value)}
    return Item(item.kind, item.key, about, {**item.body, **{name: f"{FREE} {name}" for name in own}}, item.occurred_at)


def texts_of(item: Item) -> dict[str, str]:
    """What people write in a fact, by the name of the field."""
    told = {"title": item.book.title or "", **dict(zip(("author",), item.book.authors, strict=False))}
    return told | {name: value for name, value in item.body.items() if is_free(value)}


def is_free(value: Any) -> bool:
    """Whether a value is written by people: a text with a blank and letters."""
    return isinstance(value, str) and " " in value and any(map(str.isalpha, value))


def told(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
