"""Compares what a BookOrbit holds of a book with what it has taken from here. Source: bookorbit contract 14."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from booklore_core import BookRef, Finding, Item
from booklore_targets.bookorbit.mark_exchange import MarkExchange
from booklore_targets.bookorbit.orbit_connection import OrbitConnection
from booklore_targets.bookorbit.orbit_marks import is_xpointer
from booklore_targets.bookorbit.orbit_review import print_of, review_of
from booklore_targets.bookorbit.orbit_standing import OrbitStanding, stars_of
from booklore_targets.bookorbit.page_events import SessionEvents

HEALED = "it was sent again just now: nothing has to be done"
RESEND = "`booklore verify --resend` has it sent again at the next sync"


class OrbitAudit:
    """Sessions cannot be looked at with a device's key: they are sent again, which changes nothing that is there."""

    def __init__(self, sessions: SessionEvents, standing: OrbitStanding, marks: Mapping[str, MarkExchange]) -> None:
        self._sessions, self._standing, self._marks = sessions, standing, marks

    def findings(self, connection: OrbitConnection, book: BookRef, items: Sequence[Item]) -> list[Finding]:
        """Raises Declined."""
        live = [one for one in items if not one.is_tombstone]
        found = list(self._missing_sessions(connection, book, [one for one in live if one.kind == "session"]))
        for kind in self._marks:
            found += self._missing_marks(connection, book, kind, [one for one in live if one.kind == kind])
        for item in (one for one in items if one.kind == "rating"):
            there = self._standing.looked(connection, item)["rating"]
            if there != stars_of(item):
                detail = f"rated {there or 'not at all'} there, {stars_of(item) or 'not at all'} here"
                found.append(Finding("missing", "rating", book, item.key, detail, RESEND))
        for item in (one for one in items if one.kind == "review"):
            there = self._standing.looked(connection, item)["reviewNote"]
            if print_of(there) != print_of(review_of(item)):
                detail = "another one is there, or none" if review_of(item) else "it is still there"
                found.append(Finding("missing", "review", book, item.key, detail, RESEND))
        return found

    def _missing_sessions(self, connection: OrbitConnection, book: BookRef, items: Sequence[Item]) -> Iterator[Finding]:
        """Which ones these were the server does not say, but where it is one only."""
        count = self._sessions.heal(connection, items)
        if count:
            key, detail = items[0].key if len(items) == 1 else "", f"{count} page events of its sessions were not there"
            yield Finding("missing", "session", book, key, detail, HEALED)

    def _missing_marks(
        self, connection: OrbitConnection, book: BookRef, kind: str, items: Sequence[Item]
    ) -> Iterator[Finding]:
        """Of a book with more than a hundred nothing is said: the server tells no more of them."""
        items = [one for one in items if kind == "annotation" or is_xpointer(one.body.get("page"))]
        held, is_cut = self._marks[kind].look(connection, items[0].book) if items else ([], True)
        if is_cut or len(held) >= 100:
            return
        for item in items:
            if not item.key.endswith("/note") and not self._marks[kind].is_held(item, held):
                yield Finding("missing", kind, book, item.key, "it is not there", RESEND)
