"""Each target's delivery of every fact: what is due, what was begun, what the target certainly or possibly holds."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from booklore_core.items import Item, utc
from booklore_core.pipeline.books import FILE
from booklore_core.pipeline.facts import IMPORTED, item_of
from booklore_core.pipeline.outbox import OWE
from booklore_core.storage.database import Database
from booklore_core.targets import Before, BookUnmatched, Declined, ItemRejected, Superseded

DELIVERED, UNCONFIRMED, SUPERSEDED = "delivered", "unconfirmed", "superseded"
RETRYING, UNMATCHED, REJECTED = "retrying", "unmatched", "rejected"
DONE = (DELIVERED, SUPERSEDED)
NEW = "new"  # never tried; no row says so for longer than a transaction
DUE = """
SELECT due.item_id, due.book_md5 FROM due JOIN items i ON i.id = due.item_id LEFT JOIN kinds k ON k.name = due.kind
WHERE due.target = :target AND (CAST(:book AS TEXT) IS NULL OR due.book_md5 = :book)
ORDER BY COALESCE(k.rank, 60), due.kind, due.book_md5, i.body NOT LIKE '%"removed"_true%', i.occurred_at, due.item_id
"""
LOAD = f"""
SELECT due.kind, due.item_id, due.revision, due.maybe_sent, due.remote_id, due.state, due.reason, due.tried_at,
       i.key, i.body, i.occurred_at, b.*, m.remote_id AS match, {FILE} AS file, d.revision AS held, d.given_to,
       (i.occurred_at < s.registered_at OR {IMPORTED}) AS is_older
FROM due JOIN items i ON i.id = due.item_id JOIN books b ON b.partial_md5 = due.book_md5
JOIN subscriptions s ON s.target = due.target AND s.kind = due.kind
LEFT JOIN deliveries d ON d.item_id = due.item_id AND d.target = due.target
LEFT JOIN matches m ON m.book_md5 = due.book_md5 AND m.target = due.target
WHERE due.target = :target AND due.item_id IN :ids
"""
WRITE = """
INSERT INTO deliveries
    (item_id, target, state, revision, maybe_sent, retry_count, remote_id, reason, tried_at, given_to)
VALUES (:item_id, :target, :state, :held, :maybe_sent, :failed, :remote_id, :reason, :tried_at, :given_to)
ON CONFLICT (item_id, target) DO UPDATE SET
    state = CASE WHEN deliveries.state = 'discarded' AND deliveries.cleared >= :revision
            AND excluded.state <> 'delivered' THEN deliveries.state ELSE excluded.state END,
    revision = excluded.revision, maybe_sent = excluded.maybe_sent,
    retry_count = deliveries.retry_count + excluded.retry_count,
    remote_id = COALESCE(excluded.remote_id, deliveries.remote_id), reason = excluded.reason,
    tried_at = excluded.tried_at,
    given_to = CASE WHEN deliveries.remote_id IS NULL THEN COALESCE(excluded.given_to, deliveries.given_to)
            ELSE deliveries.given_to END
"""
"""What was cleared while it was being sent stays so, unless it has arrived. given_to: the target's id of the book that
it was given to, whatever the book is matched with later; what has an id of its own stays where it is."""

PAID = """
DELETE FROM owed WHERE target = :target AND item_id = :item_id
    AND EXISTS (SELECT 1 FROM items i WHERE i.id = :item_id AND i.revision <= :held)
"""
"""What was changed while it was being sent stays owed."""
FORGET_NEW = "DELETE FROM deliveries WHERE item_id = :item_id AND target = :target AND state = 'new'"
BOOKS_AT = """
SELECT DISTINCT b.id, b.partial_md5, COALESCE(d.given_to, m.remote_id, b.partial_md5) AS given_to FROM deliveries d
JOIN items i ON i.id = d.item_id JOIN books b ON b.partial_md5 = i.book_md5
LEFT JOIN matches m ON m.book_md5 = i.book_md5 AND m.target = d.target
WHERE d.target = :target AND d.state = 'delivered' AND d.revision = i.revision ORDER BY b.id, given_to
"""
TAKEN = """
SELECT i.kind, i.key, i.body, i.occurred_at, b.*, COALESCE(d.given_to, m.remote_id) AS match FROM items i
JOIN deliveries d ON d.item_id = i.id AND d.target = :target AND d.state = 'delivered' AND d.revision = i.revision
JOIN books b ON b.partial_md5 = i.book_md5
LEFT JOIN matches m ON m.book_md5 = i.book_md5 AND m.target = :target
WHERE i.book_md5 = :book_md5 ORDER BY i.occurred_at, i.id
"""
OWE_AGAIN = """
UPDATE deliveries SET state = 'retrying', maybe_sent = 1, remote_id = NULL, reason = 'missing there', tried_at = 1,
    given_to = CASE WHEN CAST(:kind AS TEXT) = '' THEN given_to END WHERE target = :target AND cleared < revision
    AND state IN ('delivered', 'superseded') AND revision = (SELECT revision FROM items WHERE id = item_id)
    AND item_id IN (SELECT i.id FROM items i WHERE {which})
"""
"""The target had answered: nothing of it can be on its way, however lately it was sent. One that was seen to be missing
is not in the book that it was given to, which need not be the one that it is matched with now."""
NOTE = """
UPDATE subscriptions SET obstacle = :obstacle
WHERE target = :target AND COALESCE(obstacle, '') <> COALESCE(CAST(:obstacle AS TEXT), '')
"""
FORGET = """
UPDATE deliveries SET state = 'discarded', cleared = CASE WHEN cleared > revision THEN cleared ELSE revision END
WHERE state = 'delivered' AND item_id IN (SELECT id FROM items WHERE kind = :kind)
"""


@dataclass(frozen=True)
class Outcome:
    """What became of one delivery. counts: whether it was an attempt that failed. tried: whether anything may have been
    sent, or else it stays with what the target had before, and with when that was."""

    state: str
    maybe_sent: bool = False
    remote_id: str | None = None
    reason: str | None = None
    counts: bool = False
    tried: bool = True


@dataclass(frozen=True)
class Delivery:
    """One item that is due at one target, and what earlier attempts left behind. revision: of the item. held: the one
    that the target certainly or possibly has, 0 for none. last: how the delivery stood. tried_at: of the last attempt,
    unix seconds. given_to: the target's id of the book that the item was perhaps given to. is_older: it occurred before
    the target was owed anything, or a file of past reading told it, so that another program may have sent it."""

    id: int
    item: Item
    revision: int
    held: int
    last: Outcome
    tried_at: float | None
    given_to: str | None
    is_older: bool

    @property
    def where_given(self) -> "Delivery":
        """The same about the book that the item was perhaps given to, whatever its book is matched with since."""
        return replace(self, item=self.item.matched(self.given_to)) if self.given_to else self

    @property
    def before(self) -> Before:
        maybe_sent = self.last.maybe_sent or (self.item.is_tombstone and not self.held)  # by an earlier database
        return Before(self.last.remote_id, maybe_sent, utc(self.tried_at) if self.tried_at else None, self.is_older)

    @property
    def is_in_doubt(self) -> bool:
        """Whether it may be there, and nobody knows under which id."""
        return self.last.remote_id is None and (self.last.maybe_sent or (self.is_older and self.held == 0))

    @property
    def is_fresh(self) -> bool:
        """Whether no revision of the item was ever begun, so that it may go in a batch."""
        return self.last.state in (NEW, UNMATCHED) and self.held == 0 and self.before == Before()


def outcome_of(error: Declined, maybe_sent: bool) -> Outcome:
    """What an attempt that was declined comes to: the error's type decides. maybe_sent: whether an earlier one may have
    arrived."""
    if isinstance(error, Superseded):
        return Outcome(SUPERSEDED, reason=error.reason)
    maybe_sent = maybe_sent or error.maybe_sent
    state = UNCONFIRMED if maybe_sent else RETRYING
    if isinstance(error, BookUnmatched):
        state = UNMATCHED
    elif isinstance(error, ItemRejected):
        state = REJECTED
    return Outcome(state, maybe_sent, reason=error.reason, counts=True)


class Ledger:
    """The deliveries of all targets. A missing row means that an item was never tried."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def due(self, target: str, book: str | None = None) -> dict[int, str]:
        """The ids of the items whose latest revision target has not got, in the order in which they are sent, each with
        its book's partial MD5. book: that of the only one that is asked about."""
        return {row["item_id"]: row["book_md5"] for row in self._database.rows(DUE, target=target, book=book)}

    def load(self, target: str, ids: Sequence[int]) -> list[Delivery]:
        """Those of ids that are still due, in the order of ids."""
        found = {row["item_id"]: delivery_of(row) for row in self._database.rows(LOAD, target=target, ids=list(ids))}
        return [found[item_id] for item_id in ids if item_id in found]

    def begin(self, deliveries: Sequence[Delivery], target: str, now: datetime) -> None:
        """Writes down, before anything is sent, that the outcome of these is unknown from here on."""
        unknown = [(one, Outcome(UNCONFIRMED, maybe_sent=True, reason=one.last.reason)) for one in deliveries]
        self._write(unknown, target, now)

    def settle(self, outcomes: Iterable[tuple[Delivery, Outcome]], target: str, now: datetime) -> None:
        """Writes down what became of deliveries that were begun."""
        rows = self._write(outcomes, target, now)
        self._database.run_many(PAID, [row for row in rows if row["state"] in DONE])

    def wait(self, deliveries: Sequence[Delivery], target: str, reason: str, now: datetime) -> None:
        """Notes that deliveries wait for their book's match. That is no attempt."""
        news = [one for one in deliveries if one.last.state != UNMATCHED]
        self._write([(one, replace(one.last, state=UNMATCHED, reason=reason)) for one in news], target, now)

    def withdraw(self, deliveries: Sequence[Delivery], target: str, now: datetime) -> None:
        """Takes back `begin` for items that certainly were not sent: all is as it was before."""
        self._database.run_many(FORGET_NEW, self._write([(one, one.last) for one in deliveries], target, now))

    def _write(self, all_of: Iterable[tuple[Delivery, Outcome]], target: str, now: datetime) -> list[dict[str, Any]]:
        rows = [outcome_row(one, target, outcome, now) for one, outcome in all_of]
        self._database.run_many(WRITE, rows)
        return rows

    def note(self, target: str, obstacle: str | None) -> None:
        """Keeps why the last run at a target ended early, for all that waits there; None: it did not."""
        self._database.run(NOTE, target=target, obstacle=obstacle)

    def books(self, target: str) -> dict[str, list[str]]:
        """The target's ids of its books that were given items, or the partial MD5 where it needs none → the partial
        MD5s of the reader's books whose items they are."""
        found: dict[str, list[str]] = defaultdict(list)
        for row in self._database.rows(BOOKS_AT, target=target):
            found[row["given_to"]].append(row["partial_md5"])
        return found

    def taken(self, target: str, md5: str) -> list[Item]:
        """A book's items that a target has taken in their latest revision, oldest first, matched as they were given."""
        return [item_of(row) for row in self._database.rows(TAKEN, target=target, book_md5=md5)]

    def owe_again(self, target: str, kind: str = "", key: str = "") -> int:
        """Makes a delivered item due again, without a kind all that files of past reading told; the target looks before
        it sends. Returns how many."""
        which = "i.kind = :kind AND i.key = :key" if kind else IMPORTED
        with self._database.writing():
            count = self._database.run(OWE_AGAIN.format(which=which), target=target, kind=kind, key=key)
            self._database.run(OWE.format(which=f"s.target = :target AND {which}"), target=target, kind=kind, key=key)
        return count

    def forget(self, kind: str) -> int:
        """Takes a kind out of the histories. Nothing is sent again: it stays known that it was sent."""
        return self._database.run(FORGET, kind=kind)


def outcome_row(delivery: Delivery, target: str, outcome: Outcome, now: datetime) -> dict[str, Any]:
    """held: the revision that the target certainly or possibly has now."""
    may_have = outcome.tried and (outcome.state in DONE or outcome.maybe_sent)
    before = delivery.tried_at or now.timestamp()
    tried_at = now.timestamp() if outcome.tried else min(before, now.timestamp())  # the clock may have been set back
    where = {"item_id": delivery.id, "target": target, "revision": delivery.revision, "tried_at": tried_at}
    held = delivery.revision if may_have else delivery.held
    where["given_to"] = delivery.item.book.match if may_have else None
    numbers = {"held": held, "maybe_sent": int(outcome.maybe_sent), "failed": int(outcome.counts)}
    return {**where, **numbers, "state": outcome.state, "remote_id": outcome.remote_id, "reason": outcome.reason}


def delivery_of(row: dict[str, Any]) -> Delivery:
    last = Outcome(row["state"] or NEW, bool(row["maybe_sent"]), row["remote_id"], row["reason"], tried=False)
    has = (row["held"] or 0, last, row["tried_at"], row["given_to"], bool(row["is_older"]))
    return Delivery(row["item_id"], item_of(row), row["revision"], *has)
