"""What a reader has written about a book, at a BookOrbit: no way there asks nothing, so one of our own is changed by a
later day than its last change. Source: bookorbit contract 9."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from booklore_core import Item, ItemFailed, Superseded
from booklore_targets.bookorbit.orbit_connection import OrbitConnection
from booklore_targets.bookorbit.orbit_marks import cut
from booklore_targets.bookorbit.orbit_standing import FOUND, OrbitStanding

LONGEST = 10_000
OTHERS = "another review is there, as late as here"
GONE = "the review was taken away there, as late as here"


class OrbitReviews(OrbitStanding):
    """Writes reviews, and takes them away."""

    def write(self, connection: OrbitConnection, item: Item, now: datetime) -> None:
        text = review_of(item)
        if item.body.get("how") == FOUND:
            self._give_way(item, self.looked(connection, item)["reviewNote"] or text)
        self._note(item, print_of(text), now)
        told = {"reviewNote": text or ""}
        result = self._state(connection, item, {**told, "reviewModified": f"{item.occurred_at:%Y-%m-%d}"})
        if not result["reviewApplied"]:
            self._give_way(item, result["reviewNote"])
            later = datetime.fromisoformat(result["reviewUpdatedAt"]) + timedelta(days=1)
            result = self._state(connection, item, {**told, "reviewModified": f"{later:%Y-%m-%d}"})
        if not result["reviewApplied"]:
            raise ItemFailed("BookOrbit keeps the review that it has", maybe_sent=True)
        self._settle(item, print_of(text), now)

    def _give_way(self, item: Item, there: str | None) -> None:
        """Raises Superseded for what is not from here."""
        if print_of(there) not in (print_of(review_of(item)), *self._sent(item)):
            raise Superseded(OTHERS if there else GONE)


def review_of(item: Item) -> str | None:
    """Within what is taken there; None where it was taken away."""
    return None if item.is_tombstone else cut(item.body.get("text"), LONGEST)


def print_of(text: str | None) -> str | None:
    """By which a review is known again; blanks around it are no difference."""
    shown = (text or "").strip()
    return hashlib.md5(shown.encode(), usedforsecurity=False).hexdigest() if shown else None
