"""Highlights, which each device tells of: what is new, edited, moved and gone. Source: contract 7."""

from __future__ import annotations

from collections.abc import Callable

from booklore_core.testing.orbit.orbit_state import (
    Fields,
    OrbitBook,
    OrbitRefusal,
    OrbitState,
    OrbitUser,
    check_body,
    key_of,
    of_each_book,
)
from booklore_core.testing.orbit.rules import (
    BOOK_HASH,
    DATETIME,
    DEVICE,
    KEYS,
    anything,
    listed,
    one_of,
    pattern,
    text,
    truth,
    whole,
)
from booklore_core.testing.orbit.web_marks import name_of_color, own_rows, trash

MOST_CHANGES, MOST_ADDED, MOST_CONVERTED = 50, 100, 20
MARK = {
    "datetime": pattern(DATETIME),
    "datetimeUpdated": pattern(DATETIME, is_optional=True),
    "drawer": one_of("lighten", "underscore", "strikeout", "invert"),
    "color": text(30, True),
    "text": text(10000, True),
    "note": text(5000, True),
    "chapter": text(500, True),
    "pageno": whole(0, None, True),
    "posFormat": one_of("xpointer", "pdf"),
    "pos0": text(4000),
    "pos1": text(4000, True),
}
TOLD = ("drawer", "color", "text", "note", "chapter", "posFormat", "pos0", "pos1", "pageno")
PLACED = ("posFormat", "pos0", "pos1", "pageno")
EDITED = ("drawer", "color", "note", "chapter", "pos1")
UNPLACED: Fields = {"cfi": None, "status": None, "chapterIndex": None}
"""Of a highlight that is to be looked for in the book, again."""

COUNTERS = ("created", "updated", "moved", "unchanged", "skippedDeleted", "deviceDeleted")


def post_annotations(state: OrbitState, user: OrbitUser, body: object) -> Fields:
    book = {"hash": BOOK_HASH, "keys": listed(0, 5000, KEYS), "keysComplete": truth()}
    told = check_body(body, **DEVICE, books=listed(1, 20, {**book, "changes": listed(0, MOST_CHANGES, MARK)}))
    if sum(len(one["changes"]) for one in told["books"]) > MOST_CHANGES:
        raise OrbitRefusal(400, f"Too many annotation changes in one request (max {MOST_CHANGES})")
    device = told["deviceId"]
    return of_each_book(state, user, told["books"], lambda found, one: Exchange(state, user, found, device).answer(one))


def post_upload(state: OrbitState, user: OrbitUser, body: object) -> Fields:
    """The way of older devices, which are told nothing."""
    book = {"hash": BOOK_HASH, "annotations": listed(0, None, MARK)}
    told = check_body(body, **DEVICE, books=listed(1, 20, book))

    def taken(found: OrbitBook, one: Fields) -> Fields:
        changes = {"hash": one["hash"], "changes": one["annotations"], "keys": [], "keysComplete": False}
        counts = Exchange(state, user, found, told["deviceId"]).answer(changes)["applied"]
        return {"upserted": sum(counts[name] for name in ("created", "updated", "moved"))}

    return of_each_book(state, user, told["books"], taken)


class Exchange:
    """One device's exchange about one book."""

    def __init__(self, state: OrbitState, user: OrbitUser, book: OrbitBook, device: str) -> None:
        self._state, self._user, self._book, self._device = state, user, book, device
        self._rows = [one for one in own_rows(state, user, book) if one["id"] < state.seen.annotations]

    def answer(self, told: Fields) -> Fields:
        counts = dict.fromkeys(COUNTERS, 0)
        for change in told["changes"]:
            counts[self._take(change)] += 1
        if told["keysComplete"]:
            counts["deviceDeleted"] = self._remove_others({(one["k"].lower(), one["dt"]) for one in told["keys"]})
        news = [one for one in self._rows if self._is_news(one)]
        added = [self._told(one) for one in news if one["place"] == "told"]
        lost = sum(one["place"] == "lost" for one in news)
        for row in [one for one in news if one["place"] == "unknown"][:MOST_CONVERTED]:
            self._convert(row)
        apply = {"add": added[:MOST_ADDED], "edit": self._edits(), "delete": self._deletions()}
        about = {"hash": told["hash"].lower(), "bookId": self._book.id, "applied": counts, "toApply": apply}
        return {**about, "more": len(added) > MOST_ADDED, "skippedNoPosition": lost}

    def _take(self, change: Fields) -> str:
        key = key_of(change["datetime"], change["pos0"])
        row = next((one for one in self._rows if key in one["keys"]), None)
        same = next((one for one in self._rows if one["datetime"] == change["datetime"]), None)
        if row is None and same is None:
            self._make(change, key)
            return "created"
        known = row or same
        assert known is not None
        if known["is_deleted"]:
            if link := known["links"].get(self._device):
                link.update(key=key, dt=change["datetime"])
            return "skippedDeleted"
        if row is None:
            known["keys"].add(key)
            moved = {name: change.get(name) for name in ("pos0", "pos1")}
            known.update({**moved, **UNPLACED, "version": known["version"] + 1, "place": "told"})
        how = "moved" if row is None else self._edit(known, change)
        link = known["links"].get(self._device)
        version = link["version"] if link and how == "unchanged" else known["version"]
        known["links"][self._device] = {"key": key, "dt": change["datetime"], "version": version, "gone": False}
        return how

    def _convert(self, row: Fields) -> None:
        """Puts the place of one that a browser made, or that a device did not find, into devices' words: the next
        exchange tells of it."""
        start, end = (self._book.places.xpointer(row["cfi"] or "", is_end) for is_end in (False, True))
        row.update(
            {"pos0": start, "pos1": end, "pageno": None, "place": "told"} if start and end else {"place": "lost"}
        )

    def _make(self, change: Fields, key: str) -> None:
        row: Fields = {
            "id": self._state.number_annotation(),
            "user": self._user.id,
            "book": self._book.id,
            "version": 1,
        }
        row |= {"keys": {key}, "is_deleted": False, "deleted": None, "made": self._state.now(), "origin": "koreader"}
        row |= {**UNPLACED, "place": "told"}
        row |= {name: change.get(name) for name in (*TOLD, "datetime", "datetimeUpdated")}
        row["text"] = row["text"] or ""
        row["edited"] = change.get("datetimeUpdated") or change["datetime"]
        row["links"] = {self._device: {"key": key, "dt": change["datetime"], "version": 1, "gone": False}}
        self._state.annotations.append(row)
        self._rows.append(row)

    def _edit(self, row: Fields, change: Fields) -> str:
        """Counts only with a later date than the last one seen; an end that has moved always does."""
        when = change.get("datetimeUpdated") or change["datetime"]
        if when > row["edited"]:
            anew = UNPLACED if change.get("pos1") != row["pos1"] else {}
            row.update({name: change.get(name) for name in EDITED}, edited=when, version=row["version"] + 1)
            row.update(anew, datetimeUpdated=when, text=change.get("text") or row["text"])
            return "updated"
        if change.get("pos1") != row["pos1"]:
            row.update(UNPLACED, pos1=change.get("pos1"), version=row["version"] + 1)
            return "updated"
        return "unchanged"

    def _remove_others(self, present: set[tuple[str, str]]) -> int:
        """Whatever this device has ever sent, and does not name any more."""
        gone = 0
        for row in self._rows:
            link = row["links"].get(self._device)
            if link and not row["is_deleted"] and (link["key"], link["dt"]) not in present:
                trash(row, self._state.now())
                link["gone"] = True
                gone += 1
        return gone

    def _is_news(self, row: Fields) -> bool:
        return self._device not in row["links"] and not row["is_deleted"]

    def _told(self, row: Fields) -> Fields:
        about = {"serverId": row["id"], "version": row["version"], "datetime": row["datetime"]}
        told = {name: row[name] for name in TOLD}
        told["color"] = name_of_color(row["color"])
        return {**about, "datetimeUpdated": row["datetimeUpdated"], **told}

    def _edits(self) -> list[Fields]:
        """What others have changed since this device was last told."""
        linked = [(row, row["links"].get(self._device)) for row in self._rows if not row["is_deleted"]]
        behind = [(row, link) for row, link in linked if link and link["version"] < row["version"]]
        told = [({**self._told(row), "datetime": link["dt"], "key": link["key"]}) for row, link in behind]
        return [{name: value for name, value in one.items() if name not in PLACED} for one in told]

    def _deletions(self) -> list[Fields]:
        linked = [(row, row["links"].get(self._device)) for row in self._rows if row["is_deleted"]]
        told = [(row, link) for row, link in linked if link and not link["gone"]]
        return [{"serverId": row["id"], "key": link["key"], "datetime": link["dt"]} for row, link in told]


Acknowledge = Callable[[list[Fields], str, Fields], int]


def acknowledge(rows: list[Fields], device: str, told: Fields) -> int:
    """How many of a device's words are about what it has been told."""
    count, known = 0, {row["id"]: row for row in rows}
    for one in told.get("applied", ()):
        if row := known.get(one["serverId"]):
            made = {"key": key_of(row["datetime"], row["pos0"] or ""), "dt": row["datetime"], "gone": False}
            row["keys"].add(made["key"])
            row["links"].setdefault(device, made)["version"] = one.get("version", row["version"])
            row["place"], count = "unknown" if one.get("status") == "failed" else row["place"], count + 1
    for one in told.get("deleted", ()):
        if (row := known.get(one["serverId"])) and device in row["links"]:
            row["links"][device]["gone"], count = True, count + 1
    return count


def post_acknowledgements(
    state: OrbitState, user: OrbitUser, body: object, rows: list[Fields], acknowledge: Acknowledge = acknowledge
) -> Fields:
    """A device has taken what it was told of each book."""
    book = {"hash": BOOK_HASH, "applied": anything(), "deleted": anything()}
    told = check_body(body, **DEVICE, books=listed(1, 20, book))
    own = [row for row in rows if row["user"] == user.id]
    return of_each_book(state, user, told["books"], lambda _, one: {"acked": acknowledge(own, told["deviceId"], one)})
