"""Compares what a BookOrbit holds of a book with what it has taken from here. Source: bookorbit contract 14."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from booklore_core import BookRef, Finding, Item
from booklore_targets.bookorbit.mark_exchange import MarkExchange
from booklore_targets.bookorbit.orbit_connection import OrbitConnection
from booklore_targets.bookorbit.orbit_marks import is_xpointer
from booklore_targets.bookorbit.orbit_place import OrbitPlaces
from booklore_targets.bookorbit.orbit_review import print_of, review_of
from booklore_targets.bookorbit.orbit_standing import OrbitStanding, stars_of
from booklore_targets.bookorbit.page_events import SessionEvents

HEALED = "it was sent again just now: nothing has to be done"
RESEND = "`booklore verify --resend` has it sent again at the next sync"


class OrbitAudit:
    """Sessions cannot be looked at with a device's key: they are sent again, which changes nothing that is there."""

    def __init__(
        self, sessions: SessionEvents, standing: OrbitStanding, places: OrbitPlaces, marks: Mapping[str, MarkExchange]
    ) -> None:
        self._sessions, self._standing, self._places, self._marks = sessions, standing, places, marks

    def findings(self, connection: OrbitConnection, book: BookRef, items: Sequence[Item]) -> list[Finding]:
        """Raises Declined."""
        live = [one for one in items if not one.is_tombstone]
        found = list(self._missing_sessions(connection, book, [one for one in live if one.kind == "session"]))
        for kind in self._marks:
            found += self._missing_marks(connection, book, kind, [one for one in live if one.kind == kind])
        lacks = {"rating": self._lacks_stars, "review": self._lacks_review, "status": self._standing.lacks_status,
                 "progress": self._places.lacks}  # fmt: skip
        for kind, lack in lacks.items():
            last = max((one for one in items if one.kind == kind), key=lambda one: one.occurred_at, default=None)
            if last and (kind in ("rating", "review") or not last.is_tombstone) and (detail := lack(connection, last)):
                found.append(Finding("missing", kind, book, last.key, detail, RESEND))
        return found

    def _lacks_stars(self, connection: OrbitConnection, item: Item) -> str:
        there, here = self._standing.looked(connection, item)["rating"], stars_of(item)
        return f"rated {there or 'not at all'} there, {here or 'not at all'} here" if there != here else ""

    def _lacks_review(self, connection: OrbitConnection, item: Item) -> str:
        there, here = self._standing.looked(connection, item)["reviewNote"], review_of(item)
        return (
            ""
            if print_of(there) == print_of(here)
            else "another one is there, or none"
            if here
            else "it is still there"
        )

    def _missing_sessions(self, connection: OrbitConnection, book: BookRef, items: Sequence[Item]) -> Iterator[Finding]:
        """Which ones these were the server does not say, but where it is one only."""
        count = self._sessions.heal(connection, items)
        if count:
            key, detail = items[0].key if len(items) == 1 else "", f"{count} page events of its sessions were not there"
            yield Finding("missing", "session", book, key, detail, HEALED)

    def _missing_marks(
        self, connection: OrbitConnection, book: BookRef, kind: str, items: Sequence[Item]
    ) -> Iterator[Finding]:
        """Of a book with more than a look shows nothing is said."""
        items = [one for one in items if kind == "annotation" or is_xpointer(one.body.get("page"))]
        held, is_cut = self._marks[kind].look(connection, items[0].book) if items else ([], True)
        if is_cut:
            return
        for item in items:
            if not item.key.endswith("/note") and not self._marks[kind].is_held(item, held):
                yield Finding("missing", kind, book, item.key, "it is not there", RESEND)
