"""Brings highlights and bookmarks to BookOrbit. No request says that its keys are all: whatever it did not name would
go to the trash there. A mark is removed by a device that never sent anything else. Source: bookorbit contract 7, 8."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from booklore_core import BookRef, BookUnmatched, Declined, Item, ItemFailed, Store, Superseded
from booklore_targets.bookorbit.orbit_connection import MOST_BYTES, OrbitConnection
from booklore_targets.bookorbit.orbit_devices import LOOKING, OrbitDevices, as_device, hex_of
from booklore_targets.bookorbit.orbit_marks import (
    Mark,
    OrbitMarks,
    annotation_change,
    bare_bookmark,
    bookmark_change,
    is_of,
    is_stray,
    key_of,
    mark_of,
    mark_there,
    place_of,
    placed,
    stray_key,
    title_of,
)

MOST_CHANGES, MOST_BOOKS = 50, 20
MOST_TOLD, MOST_TAKEN, MOST_LOOKED_AT = 100, 200, 1500
"""So many marks of a book an answer tells, a request acknowledges, and a look is worth its requests for."""

ROUTES = {"annotation": "annotations/exchange", "bookmark": "bookmarks/exchange"}
NO_SECOND = "2000-01-01 00:00:00"
"""Of a bookmark that a device took, of which the server does not tell when it was made."""

LOST = "BookOrbit finds no such place in its copy of the book, and does not keep the bookmark"
REMOVED_THERE = "somebody has removed it in BookOrbit"

Change = tuple[Item, dict[str, Any]]
Look = tuple[list[dict[str, Any]], bool]
"""What is there of a book, and whether there is more that was not told."""


class MarkExchange:
    """kind: `annotation` or `bookmark`."""

    def __init__(self, kind: str, store: Store, devices: OrbitDevices) -> None:
        self._kind, self._route, self._devices = kind, ROUTES[kind], devices
        self._marks = OrbitMarks(store, kind)
        self._held: dict[str, Look] = {}

    def send(self, connection: OrbitConnection, items: Sequence[Item]) -> list[str]:
        """The ids of what is there then, one for each item; what was being removed is removed first, or else it would
        be taken for that. Raises Declined."""
        for item in filter(self._marks.is_leaving, items):
            self.remove(connection, item)
        changes, ids = self._begin(items)
        by_device: dict[str, list[Change]] = {}
        for item, change in changes:
            by_device.setdefault(str(item.body.get("device") or ""), []).append((item, change))
        for device, told in by_device.items():
            for part in parts(told):
                self._post(connection, device, part)
        return ids

    def remove(self, connection: OrbitConnection, item: Item) -> None:
        """What was never sent from here, by an earlier database neither, is not there."""
        mark = self._marks.of(item.book.partial_md5).get(item.key) or self._sent_before(connection, item)
        if mark is None:
            return
        self._marks.remove(item, is_done=False)
        about = as_device(hex_of(f"removes {self._kind} {item.key}"))
        change = placed(mark) if self._kind == "annotation" else bare_bookmark(mark)
        if self._kind == "annotation":
            counts = self._exchange(connection, about, item.book, [change], is_all=True)["applied"]
            if counts["deviceDeleted"] + counts["skippedDeleted"] < 1:
                raise ItemFailed("BookOrbit says nothing of having removed it", maybe_sent=True)
        elif self._exchange(connection, about, item.book, [change], is_all=False)["rejected"] == 0:
            self._exchange(connection, about, item.book, [], is_all=True)
        self._marks.remove(item, is_done=True)

    def look(self, connection: OrbitConnection, book: BookRef) -> Look:
        """What is there, as devices see it that never send anything; whether there is more.

        The next hundred are told to a device that has taken those before. It is named by them: it took nothing else,
        and taking them again leaves nothing new.
        """
        held: dict[int, dict[str, Any]] = {}
        is_cut = True
        while is_cut and len(held) < MOST_LOOKED_AT:
            about = as_device(hex_of(f"{LOOKING} past {sorted(held)}" if held else LOOKING))
            self._take(connection, about, book, list(held.values()))
            result = self._exchange(connection, about, book, [], is_all=False, writes=False)
            told = {one["serverId"]: one for one in result["toApply"]["add"]}
            is_cut = bool(result["more"]) or len(told) >= MOST_TOLD
            if told.keys() <= held.keys():
                break
            held |= told
        return list(held.values()), is_cut

    def _take(
        self, connection: OrbitConnection, about: dict[str, Any], book: BookRef, held: Sequence[dict[str, Any]]
    ) -> None:
        """Tells, for a device, that it has these."""
        for start in range(0, len(held), MOST_TAKEN):
            taken = [{"serverId": one["serverId"], "status": "applied", **self._taken(one)}
                     for one in held[start : start + MOST_TAKEN]]  # fmt: skip
            books = [{"hash": book.partial_md5, "applied": taken, "deleted": []}]
            connection.tell(f"{self._route}-ack", {**about, "books": books}, writes=False)

    def _taken(self, held: dict[str, Any]) -> dict[str, Any]:
        if self._kind == "annotation":
            return {"version": held["version"]}
        return {"datetime": NO_SECOND, "pos": held["pos"]}

    def find(self, connection: OrbitConnection, item: Item) -> str | None:
        """The id of an item that is there as it is now, and is not about to be removed."""
        held, _ = self._look_once(connection, item.book)
        if self._marks.is_leaving(item):
            return None
        if self._kind == "annotation":
            self._adopt(item, held)
        mark = self._marks.of(item.book.partial_md5).get(item.key) or mark_of(item, {})
        is_there = any(self._is_same(item, mark, one) for one in held)
        return key_of(mark) if is_there else None

    def close(self) -> None:
        self._held.clear()

    def _sent_before(self, connection: OrbitConnection, item: Item) -> Mark | None:
        """The mark of one that an earlier database has sent, or may have where a look does not show all."""
        try:
            place = place_of(item)
        except Declined:  # such a one is never sent
            return None
        held, is_cut = self._look_once(connection, item.book)
        if self._kind == "annotation":
            self._adopt(item, held)
        marks = self._marks.of(item.book.partial_md5)
        if item.key not in marks and (is_cut or any(one.get("pos") == place for one in held)):
            mark_of(item, marks)
            self._marks.keep(item.book.partial_md5, marks)
        return marks.get(item.key)

    def _look_once(self, connection: OrbitConnection, book: BookRef) -> Look:
        """In a run."""
        if book.partial_md5 not in self._held:
            self._held[book.partial_md5] = self.look(connection, book)
        return self._held[book.partial_md5]

    def _adopt(self, item: Item, held: Sequence[dict[str, Any]]) -> None:
        """Remembers what an earlier database has sent, and which seconds are taken: nothing else may be given them."""
        marks = self._marks.of(item.book.partial_md5)
        known, before = {(one["dt"], one["pos"]) for one in marks.values()}, dict(marks)
        strange = [one for one in held if (one["datetime"], one["pos0"]) not in known]
        marks |= {stray_key(one): mark_there(one) for one in strange}
        if item.key not in marks:
            strays = (key for key, one in marks.items() if is_stray(key) and is_of(item, one["dt"], one["pos"]))
            if own := next(strays, None):
                marks[item.key] = marks.pop(own)
        if marks != before:
            self._marks.keep(item.book.partial_md5, marks)

    def is_held(self, item: Item, held: Iterable[dict[str, Any]]) -> bool:
        """Whether it is there in whatever form."""
        mark = self._marks.of(item.book.partial_md5).get(item.key) or mark_of(item, {})
        return any(self._place_in(one) == self._place_of(mark) for one in held)

    def _is_same(self, item: Item, mark: Mark, held: dict[str, Any]) -> bool:
        if self._place_in(held) != self._place_of(mark):
            return False
        if self._kind == "bookmark":
            return bool(held["title"] == (title_of(item) or held["title"]))
        change = annotation_change(item, mark)
        return all((held.get(name) or None) == change.get(name) for name in ("note", "drawer"))

    def _place_of(self, mark: Mark) -> tuple[str, ...]:
        return (mark["dt"], mark["pos"]) if self._kind == "annotation" else (mark["pos"],)

    def _place_in(self, held: dict[str, Any]) -> tuple[str, ...]:
        return (held["datetime"], held["pos0"]) if self._kind == "annotation" else (held["pos"],)

    def _begin(self, items: Sequence[Item]) -> tuple[list[Change], list[str]]:
        """Written down before it is sent."""
        known: dict[str, dict[str, Mark]] = {}
        changes, ids = [], []
        for item in items:
            place_of(item)
            marks = known.setdefault(item.book.partial_md5, self._marks.of(item.book.partial_md5))
            mark = mark_of(item, marks)
            changes.append((item, (annotation_change if self._kind == "annotation" else bookmark_change)(item, mark)))
            ids.append(key_of(mark))
        for md5, marks in known.items():
            self._marks.keep(md5, marks)
        return changes, ids

    def _post(self, connection: OrbitConnection, device: str, told: Sequence[Change]) -> None:
        about = as_device(self._devices.id_of(device), device)
        answer = connection.tell(self._route, {**about, "books": listed(told)})
        if answer.get("unmatched"):
            raise BookUnmatched("BookOrbit does not know the book (any more)")
        counts = [one.get("applied", one) for one in answer["results"]]
        name, why = ("rejected", LOST) if self._kind == "bookmark" else ("skippedDeleted", REMOVED_THERE)
        give_up(told, sum(int(one[name]) for one in counts), why)
        if len(told) == 1 and counts[0].get("moved"):
            connection.tell(self._route, {**about, "books": listed(told)})  # moving it, it took nothing else

    def _exchange(
        self, connection: OrbitConnection, about: dict[str, Any], book: BookRef, changes: list[dict[str, Any]],
        is_all: bool, writes: bool = True,
    ) -> dict[str, Any]:  # fmt: skip
        """One book's. is_all: that this device has none but those that were told it just now, which is none."""
        told = {"hash": book.partial_md5, "keys": [], "keysComplete": is_all, "changes": changes}
        answer = connection.tell(self._route, {**about, "books": [told]}, writes)
        if answer.get("unmatched"):
            raise BookUnmatched("BookOrbit does not know the book (any more)")
        result: dict[str, Any] = answer["results"][0]
        return result


def give_up(told: Sequence[Change], count: int, why: str) -> None:
    """count: of those that are not kept. Raises Superseded for the one that it is, ItemFailed where there are more."""
    if count:
        raise Superseded(why) if len(told) == 1 else ItemFailed(f"{count} of these: {why}")


def listed(told: Iterable[Change]) -> list[dict[str, Any]]:
    books: dict[str, list[dict[str, Any]]] = {}
    for item, change in told:
        books.setdefault(item.book.partial_md5, []).append(change)
    return [{"hash": md5, "keys": [], "keysComplete": False, "changes": changes} for md5, changes in books.items()]


def parts(told: Iterable[Change]) -> Iterator[list[Change]]:
    """As many as go into one request each."""
    part, size, books = list[Change](), 0, set[str]()
    for one in told:
        length, md5 = len(json.dumps(one[1])), one[0].book.partial_md5
        is_full = len(part) >= MOST_CHANGES or size + length > MOST_BYTES or len({*books, md5}) > MOST_BOOKS
        if part and is_full:
            yield part
            part, size, books = [], 0, set()
        part.append(one)
        size += length
        books.add(md5)
    if part:
        yield part
