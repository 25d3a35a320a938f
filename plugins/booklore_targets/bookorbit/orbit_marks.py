"""Highlights and bookmarks as a BookOrbit tells them apart: by the second in which they were made, and their place.

Two of one second would become one, so each is given a second of its own, which is remembered, as is the spelling of its
place and the date of its last edit, without a later one than which an edit is passed over. Source: bookorbit contract
7, 8, 13.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from booklore_core import Item, ItemRejected, Store, Superseded, canonical_json

SHAPE = "%Y-%m-%d %H:%M:%S"
DRAWERS, DRAWER = ("lighten", "underscore", "strikeout", "invert"), "lighten"
LENGTHS = {"color": 30, "text": 10_000, "note": 5_000, "chapter": 500}
NEAR = timedelta(minutes=2)
TITLE, PLACE = 500, 4_000
FRAGMENT = re.compile(r"/body(\[1])?/DocFragment\b")
UNPLACED = "BookOrbit lists the highlight without its place in the text: it finds none in books of this format"
NO_PAGES = "BookOrbit keeps no bookmarks of pages, such as those of PDFs and comics: it stays on the device"

Mark = dict[str, Any]
"""dt: the second that it was given. had: those that it had before it was removed. pos, pos1: its place as it was sent
first. edited: date of its last edit. print: of what was sent last. gone: that it was removed there. leaving: that its
removal was begun, with what end is not known."""


class OrbitMarks:
    """What was sent, or begun, of the marks of a kind. kind: `annotation` or `bookmark`."""

    def __init__(self, store: Store, kind: str) -> None:
        self._store, self._kind = store, kind

    def of(self, md5: str) -> dict[str, Mark]:
        marks: dict[str, Mark] = self._store.get(f"{self._kind} {md5}", {})
        return marks

    def keep(self, md5: str, marks: Mapping[str, Mark]) -> None:
        self._store.set(f"{self._kind} {md5}", dict(marks))

    def is_leaving(self, item: Item) -> bool:
        return bool(self.of(item.book.partial_md5).get(item.key, {}).get("leaving"))

    def remove(self, item: Item, is_done: bool) -> None:
        """Written down before it is sent, and once it is done."""
        marks = self.of(item.book.partial_md5)
        if item.key in marks:
            marks[item.key] |= {"gone": is_done, "leaving": not is_done}
            self.keep(item.book.partial_md5, marks)


def mark_of(item: Item, marks: dict[str, Mark]) -> Mark:
    """The mark of an item as it is to be sent now; a new one, or one that has changed, is put into marks."""
    pos, shown = place_of(item), fingerprint(item)
    mark = marks.get(item.key)
    if mark is None or mark.get("gone"):
        had = [*mark.get("had", ()), mark["dt"]] if mark else []
        mark = {"dt": free_second(item, pos, marks), "edited": edited_at(item) or None, "had": had}
    elif mark["print"] != shown:
        later = after(mark["edited"] or mark["dt"])
        mark = {**mark, "edited": max(edited_at(item) or later, later)}
    marks[item.key] = {**mark, "pos": pos, "pos1": end_of(item), "print": shown, "gone": False}
    return marks[item.key]


def place_of(item: Item) -> str:
    """Raises ItemRejected for one that is none, Superseded for a bookmark of a page."""
    if item.kind == "bookmark" and not is_xpointer(item.body.get("page")):
        raise Superseded(NO_PAGES)
    told = item.body.get("pos0") or item.body.get("page")
    text = spelled(told)
    if not text or len(text) > PLACE:
        raise ItemRejected("it has no place in the book that BookOrbit could keep")
    return text


def is_unplaced(item: Item) -> bool:
    """Whether the server lists a highlight, but finds no place for it in the text: it knows those of EPUBs only."""
    told = item.body.get("pos0") or item.body.get("page")
    return item.kind == "annotation" and isinstance(told, str) and told.startswith("/") and not FRAGMENT.match(told)


def end_of(item: Item) -> str | None:
    text = spelled(item.body.get("pos1"))
    return text if text and len(text) <= PLACE else None


def is_xpointer(told: Any) -> bool:
    return isinstance(told, str) and told.startswith("/body")


def spelled(told: Any) -> str | None:
    """A place as this server reads it: an xpointer of the newest crengine without its first `[1]`, a PDF's as text."""
    if isinstance(told, Mapping):
        numbers = [told.get(name) for name in ("page", "x", "y")]
        if not all(isinstance(one, int | float) for one in numbers):
            return None
        page, x, y = numbers
        return f'{{"page":{page:.0f},"x":{x:.2f},"y":{y:.2f}}}'
    if isinstance(told, int) and not isinstance(told, bool):
        return str(told)
    return re.sub(r"^/body\[1]/", "/body/", told) if isinstance(told, str) and told else None


def free_second(item: Item, pos: str, marks: Mapping[str, Mark]) -> str:
    """The second in which it was made, or the next one that no other place of the book has, or had."""
    made = str(item.body.get("datetime") or "")
    try:
        at = datetime.strptime(made, SHAPE)
    except ValueError:
        at = item.occurred_at.replace(tzinfo=None)
    taken = {one["dt"] for key, one in marks.items() if one["pos"] != pos or key == item.key or one.get("gone")}
    taken |= {moment for one in marks.values() for moment in one.get("had", ())}
    while at.strftime(SHAPE) in taken:
        at += timedelta(seconds=1)
    return at.strftime(SHAPE)


def is_of(item: Item, moment: str, pos: str) -> bool:
    """Whether a mark that is there is an item's: of its place, and of its second or one of those that follow."""
    made = str(item.body.get("datetime") or "")
    try:
        passed = datetime.strptime(moment, SHAPE) - datetime.strptime(made, SHAPE)
    except ValueError:
        return False
    return pos == place_of(item) and timedelta(0) <= passed <= NEAR


def mark_there(held: Mapping[str, Any]) -> Mark:
    """What the server tells of one; nothing is known to have been sent of it."""
    told = {"dt": held["datetime"], "pos": held["pos0"], "pos1": held["pos1"], "print": "", "gone": False}
    return {**told, "edited": held["datetimeUpdated"]}


def stray_key(held: Mapping[str, Any]) -> str:
    return f"there {held['datetime']} {held['pos0']}"


def is_stray(key: str) -> bool:
    """Whether a mark is there that is not known to be an item's."""
    return key.startswith("there ")


def edited_at(item: Item) -> str:
    told = str(item.body.get("updated") or "")
    return told if re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", told) else ""


def after(moment: str) -> str:
    return (datetime.strptime(moment, SHAPE) + timedelta(seconds=1)).strftime(SHAPE)


def fingerprint(item: Item) -> str:
    told = annotation_fields(item) if item.kind == "annotation" else {"title": title_of(item)}
    text = canonical_json({**told, "pos": place_of(item), "pos1": end_of(item)}, "mark")
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def annotation_fields(item: Item) -> dict[str, Any]:
    """What a reader sees of a highlight, within what is taken there."""
    told: dict[str, Any] = {name: cut(item.body.get(name), most) for name, most in LENGTHS.items()}
    drawer, page = item.body.get("drawer"), item.body.get("pageno")
    told["drawer"] = drawer if drawer in DRAWERS else DRAWER
    told["pageno"] = page if isinstance(page, int) and page >= 0 else None
    return {name: value for name, value in told.items() if value is not None}


def annotation_change(item: Item, mark: Mark) -> dict[str, Any]:
    return {**annotation_fields(item), **placed(mark)}


def placed(mark: Mark) -> dict[str, Any]:
    """Enough of a highlight to be known again."""
    told = {"datetime": mark["dt"], "datetimeUpdated": mark["edited"], "pos0": mark["pos"], "pos1": mark["pos1"]}
    told["posFormat"] = "xpointer" if is_xpointer(mark["pos"]) else "pdf"
    return {name: value for name, value in {"drawer": DRAWER, **told}.items() if value is not None}


def bookmark_change(item: Item, mark: Mark) -> dict[str, Any]:
    page = item.body.get("pageno")
    told: dict[str, Any] = {"note": title_of(item), "chapter": cut(item.body.get("chapter"), LENGTHS["chapter"])}
    told["pageno"] = page if isinstance(page, int) and page >= 0 else None
    return {**bare_bookmark(mark), **{name: value for name, value in told.items() if value is not None}}


def bare_bookmark(mark: Mark) -> dict[str, Any]:
    told = {"datetime": mark["dt"], "datetimeUpdated": mark["edited"], "pos": mark["pos"]}
    return {name: value for name, value in told.items() if value is not None}


def title_of(item: Item) -> str | None:
    return cut(item.body.get("note") or item.body.get("text"), TITLE)


def cut(text: Any, most: int) -> str | None:
    """Within a length, and without what its database does not take; None for nothing."""
    return text.replace("\0", "")[:most] or None if isinstance(text, str) else None


def key_of(mark: Mark) -> str:
    """How the server tells marks apart."""
    return hashlib.md5(f"{mark['dt']}|{mark['pos']}".encode(), usedforsecurity=False).hexdigest()
