"""The state of each item at each target: what is due, what was begun, and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from booklore_core.items import DELIVERY_ORDER, BookRef, Item, delivery_rank
from booklore_core.pipeline.books import book_ref
from booklore_core.pipeline.journal import item_of
from booklore_core.storage.database import Database
from booklore_core.targets import Before

DELIVERED, UNCONFIRMED = "delivered", "unconfirmed"
RETRYING, UNMATCHED, REJECTED = "retrying", "unmatched", "rejected"

DUE = """
SELECT due.item_id FROM due JOIN items i ON i.id = due.item_id WHERE due.target = :target
    AND (CAST(:book AS TEXT) IS NULL OR due.book_md5 = :book)
ORDER BY {rank}, due.kind, due.book_md5, i.occurred_at, due.item_id
"""
LOAD = """
SELECT due.kind, due.item_id, due.revision, due.maybe_sent, due.remote_id, due.state, due.reason, due.tried_at,
       i.key, i.body, i.occurred_at, b.*, m.remote_id AS match,
       (SELECT d.revision FROM deliveries d WHERE d.item_id = due.item_id AND d.target = due.target) AS begun,
       (SELECT f.path FROM files f WHERE f.book_md5 = due.book_md5
       ORDER BY f.seen_at DESC, f.id DESC LIMIT 1) AS file
FROM due JOIN items i ON i.id = due.item_id JOIN books b ON b.partial_md5 = due.book_md5
LEFT JOIN matches m ON m.book_md5 = due.book_md5 AND m.target = due.target
WHERE due.target = :target AND due.item_id IN :ids
"""
UNMATCHED_BOOKS = """
SELECT DISTINCT b.*, (SELECT f.path FROM files f WHERE f.book_md5 = b.partial_md5
       ORDER BY f.seen_at DESC, f.id DESC LIMIT 1) AS file
FROM due JOIN books b ON b.partial_md5 = due.book_md5
LEFT JOIN matches m ON m.book_md5 = due.book_md5 AND m.target = due.target
WHERE due.target = :target AND m.book_md5 IS NULL ORDER BY b.updated_at DESC
"""
SETTLE = """
INSERT INTO deliveries (item_id, target, state, revision, maybe_sent, retry_count, remote_id, reason, tried_at)
VALUES (:item_id, :target, :state, :revision, :maybe_sent, :failed, :remote_id, :reason, :now)
ON CONFLICT (item_id, target) DO UPDATE SET
    state = CASE WHEN deliveries.state = 'discarded' AND excluded.state <> 'delivered' THEN deliveries.state
            ELSE excluded.state END,
    revision = CASE WHEN deliveries.state = 'discarded' THEN deliveries.revision ELSE excluded.revision END,
    maybe_sent = excluded.maybe_sent, retry_count = deliveries.retry_count + excluded.retry_count,
    remote_id = COALESCE(excluded.remote_id, deliveries.remote_id), reason = excluded.reason,
    tried_at = excluded.tried_at
"""
BEGIN = """
INSERT INTO deliveries (item_id, target, state, revision, maybe_sent, retry_count, remote_id, reason, tried_at)
VALUES (:item_id, :target, 'unconfirmed', :revision, 1, 0, NULL, NULL, :now)
ON CONFLICT (item_id, target) DO UPDATE SET state = 'unconfirmed', revision = excluded.revision, maybe_sent = 1,
    tried_at = excluded.tried_at
"""
RESTORE = """
UPDATE deliveries SET state = CASE state WHEN 'unconfirmed' THEN :state ELSE state END,
    revision = CASE state WHEN 'unconfirmed' THEN :revision ELSE revision END,
    maybe_sent = :maybe_sent, reason = :reason, tried_at = :tried_at
WHERE item_id = :item_id AND target = :target
"""
FORGET = "DELETE FROM deliveries WHERE item_id = :item_id AND target = :target AND state = 'unconfirmed'"


@dataclass(frozen=True)
class Delivery:
    """One item that is due at one target, and what earlier attempts left behind.

    revision: of the item. begun: the revision that was last begun. state, reason, tried_at: of that attempt.
    """

    id: int
    item: Item
    revision: int
    before: Before
    state: str | None = None
    reason: str | None = None
    begun: int | None = None
    tried_at: float | None = None

    @property
    def is_fresh(self) -> bool:
        """Whether no revision of the item was ever begun, so that it may go in a batch."""
        return self.state in (None, UNMATCHED) and self.before == Before()


@dataclass(frozen=True)
class Outcome:
    """What became of one delivery. counts: whether it was an attempt that failed."""

    state: str
    maybe_sent: bool = False
    remote_id: str | None = None
    reason: str | None = None
    counts: bool = False


class Deliveries:
    """What is due at each target, in the order in which it is sent. A missing row means that it was never tried."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def due(self, target: str, book: str | None = None) -> list[int]:
        """The ids of the items whose latest revision target has not got, in the order in which they are sent.

        book: partial MD5 of the only book that is asked about.
        """
        rows = self._database.rows(DUE.format(rank=rank_sql("due.kind")), target=target, book=book)
        return [row["item_id"] for row in rows]

    def load(self, target: str, ids: Sequence[int]) -> list[Delivery]:
        """Those of ids that are still due, in the order of ids."""
        found = {row["item_id"]: _delivery(row) for row in self._database.rows(LOAD, target=target, ids=list(ids))}
        return [found[item_id] for item_id in ids if item_id in found]

    def unmatched(self, target: str) -> list[BookRef]:
        """The books without a match that something is due for, the last read first."""
        return [book_ref(row) for row in self._database.rows(UNMATCHED_BOOKS, target=target)]

    def begin(self, deliveries: Sequence[Delivery], target: str, now: datetime) -> None:
        """Writes down, before anything is sent, that the outcome of these is unknown from here on."""
        values = [
            {"item_id": delivery.id, "target": target, "revision": delivery.revision, "now": now.timestamp()}
            for delivery in deliveries
        ]
        self._database.run_many(BEGIN, values)

    def settle(self, deliveries: Sequence[Delivery], target: str, outcomes: Sequence["Outcome"], now: datetime) -> None:
        """Writes down what became of deliveries that were begun."""
        values = [
            {
                "item_id": delivery.id,
                "target": target,
                "revision": delivery.revision,
                "state": outcome.state,
                "maybe_sent": int(outcome.maybe_sent),
                "failed": int(outcome.counts),
                "remote_id": outcome.remote_id,
                "reason": outcome.reason,
                "now": now.timestamp(),
            }
            for delivery, outcome in zip(deliveries, outcomes, strict=True)
        ]
        self._database.run_many(SETTLE, values)

    def withdraw(self, delivery: Delivery, target: str, now: datetime) -> None:
        """Takes back `begin` for an item that certainly was not sent: all is as it was before."""
        if delivery.state is None:
            self._database.run(FORGET, item_id=delivery.id, target=target)
        self._database.run(
            RESTORE,
            item_id=delivery.id,
            target=target,
            state=delivery.state,
            revision=delivery.begun,
            maybe_sent=int(delivery.before.maybe_sent),
            reason=delivery.reason,
            tried_at=delivery.tried_at or now.timestamp(),
        )


def _delivery(row: dict[str, Any]) -> Delivery:
    before = Before(row["remote_id"], bool(row["maybe_sent"]))
    return Delivery(row["item_id"], item_of(row), row["revision"], before, row["state"], row["reason"],
                    row["begun"], row["tried_at"])  # fmt: skip


def rank_sql(column: str) -> str:
    """SQL that orders a column of kinds as one run delivers them."""
    ranks = " ".join(f"WHEN '{kind}' THEN {delivery_rank(kind)}" for kind in DELIVERY_ORDER)
    return f"CASE {column} {ranks} ELSE {delivery_rank('')} END"
