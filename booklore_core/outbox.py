"""Items awaiting or past delivery: a compacted log that keeps the latest revision of every fact.

Every enabled target has its own delivery per fact; a missing row means that it was never tried.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from booklore_core.books import Books, book_ref
from booklore_core.database import Database
from booklore_core.items import DELIVERY_ORDER, BookRef, Item, canonical_json, delivery_rank
from booklore_core.journal import item_of
from booklore_core.targets import Before

DELIVERED, DISCARDED, UNCONFIRMED = "delivered", "discarded", "unconfirmed"
RETRYING, UNMATCHED, REJECTED = "retrying", "unmatched", "rejected"

PUT = """
INSERT INTO items (kind, key, book_md5, body, occurred_at, revision, plugin, created_at, updated_at)
VALUES (:kind, :key, :book_md5, :body, :occurred_at, 1, :plugin, :now, :now)
ON CONFLICT (kind, key) DO UPDATE SET book_md5 = excluded.book_md5, body = excluded.body,
    occurred_at = excluded.occurred_at, revision = items.revision + 1, updated_at = excluded.updated_at
WHERE excluded.occurred_at >= items.occurred_at AND excluded.body <> items.body
"""
DUE = """
SELECT due.item_id FROM due JOIN items i ON i.id = due.item_id WHERE due.target = :target
ORDER BY {rank}, due.kind, due.book_md5, i.occurred_at, due.item_id
"""
LOAD = """
SELECT due.kind, due.item_id, due.revision, due.maybe_sent, due.remote_id, due.state, due.reason, i.key, i.body,
       i.occurred_at, b.*, m.remote_id AS match, (SELECT f.path FROM files f WHERE f.book_md5 = due.book_md5
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
ON CONFLICT (item_id, target) DO UPDATE SET state = excluded.state, revision = excluded.revision,
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
WITHDRAW = "DELETE FROM deliveries WHERE item_id = :item_id AND target = :target AND retry_count = 0"
COUNT = "SELECT kind, COUNT(DISTINCT item_id) AS count FROM due GROUP BY kind"
COUNT_AT = """
SELECT kind, CASE WHEN state = 'rejected' THEN 'rejected' ELSE 'waiting' END AS state, COUNT(*) AS count
FROM due WHERE target = :target GROUP BY 1, 2
"""
DISCARD = """
INSERT INTO deliveries (item_id, target, state, revision, maybe_sent, retry_count, remote_id, reason, tried_at)
SELECT item_id, target, 'discarded', revision, 0, 0, NULL, NULL, :now FROM due WHERE kind = :kind
ON CONFLICT (item_id, target) DO UPDATE SET state = 'discarded', revision = excluded.revision, maybe_sent = 0,
    reason = NULL, tried_at = excluded.tried_at
"""
SUBSCRIBE = """
INSERT INTO subscriptions (target, kind, enabled, since, registered_at) VALUES (:target, :kind, 1, :since, :now)
ON CONFLICT (target, kind) DO UPDATE SET enabled = 1, since = excluded.since
"""


UNSUBSCRIBE = "UPDATE subscriptions SET enabled = 0 WHERE target = :target AND kind = :kind"


@dataclass(frozen=True)
class Delivery:
    """One item that is due at one target, and what earlier attempts left behind."""

    id: int
    item: Item
    revision: int
    before: Before
    state: str | None
    reason: str | None = None

    @property
    def is_fresh(self) -> bool:
        """Whether no revision of the item was ever begun, so that it may go in a batch."""
        return self.before == Before()


class Outbox:
    """What is on its way. One row per (kind, key): the newest body wins, an unchanged one changes nothing."""

    def __init__(self, database: Database, books: Books) -> None:
        self._database, self._books = database, books

    def put(self, item: Item, plugin: str, now: datetime) -> bool:
        """Takes a fact in. Returns whether it is news; an older event and an unchanged body are not."""
        self._books.keep(item.book, now)
        changed = self._database.run(
            PUT,
            kind=item.kind,
            key=item.key,
            book_md5=item.book.partial_md5,
            body=canonical_json(item.body, "body"),
            occurred_at=item.occurred_at.timestamp(),
            plugin=plugin,
            now=now.timestamp(),
        )
        return changed > 0

    def subscribe(self, target: str, kinds: Iterable[str], since: datetime | None, now: datetime) -> None:
        """From now on, and for what occurred at or after since, a target is owed every item of these kinds."""
        wanted = set(kinds)
        rows = self._database.rows(
            "SELECT kind, enabled, since FROM subscriptions WHERE target = :target", target=target
        )
        start = (since or now).timestamp()
        held = {row["kind"]: row for row in rows if row["enabled"]}
        with self._database.writing():
            for kind in sorted(wanted):
                if kind not in held or (since and held[kind]["since"] != start):
                    self._database.run(SUBSCRIBE, target=target, kind=kind, since=start, now=now.timestamp())
            for kind in sorted(held.keys() - wanted):
                self._database.run(UNSUBSCRIBE, target=target, kind=kind)

    def unsubscribe(self, target: str) -> None:
        """Nothing is due at a target any more; what waits is kept for when it is enabled again."""
        self._database.run("UPDATE subscriptions SET enabled = 0 WHERE target = :target", target=target)

    def subscribers(self) -> set[str]:
        """The targets that are owed something."""
        rows = self._database.rows("SELECT DISTINCT target FROM subscriptions WHERE enabled = 1")
        return {row["target"] for row in rows}

    def due(self, target: str) -> list[int]:
        """The ids of all items whose latest revision target has not got, in the order in which they are sent."""
        return [row["item_id"] for row in self._database.rows(DUE.format(rank=rank_sql("due.kind")), target=target)]

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
        """Takes back `begin` for an item that certainly was not sent: no attempt of it is counted."""
        if delivery.state is None:
            self._database.run(WITHDRAW, item_id=delivery.id, target=target)
            return
        state = RETRYING if delivery.state == DELIVERED else delivery.state
        outcome = Outcome(state, maybe_sent=delivery.before.maybe_sent, reason=delivery.reason)
        self.settle([delivery], target, [outcome], now)

    def pending(self) -> dict[str, int]:
        """kind → how many items some enabled target still waits for."""
        return {row["kind"]: row["count"] for row in self._database.rows(COUNT)}

    def waiting_at(self, target: str) -> dict[str, dict[str, int]]:
        """`waiting` and `rejected`, each kind → count, at one target."""
        counts: dict[str, dict[str, int]] = {"waiting": {}, "rejected": {}}
        for row in self._database.rows(COUNT_AT, target=target):
            counts[row["state"]][row["kind"]] = row["count"]
        return counts

    def discard(self, kind: str, now: datetime) -> int:
        """Clears a queue for good: the items will not be sent, nor come back with a later import."""
        return self._database.run(DISCARD, kind=kind, now=now.timestamp())


@dataclass(frozen=True)
class Outcome:
    """What became of one delivery. counts: whether it was an attempt that failed."""

    state: str
    maybe_sent: bool = False
    remote_id: str | None = None
    reason: str | None = None
    counts: bool = False


def _delivery(row: dict[str, Any]) -> Delivery:
    before = Before(row["remote_id"], bool(row["maybe_sent"]))
    return Delivery(row["item_id"], item_of(row), row["revision"], before, row["state"], row["reason"])


def rank_sql(column: str) -> str:
    """SQL that orders a column of kinds as one run delivers them."""
    ranks = " ".join(f"WHEN '{kind}' THEN {delivery_rank(kind)}" for kind in DELIVERY_ORDER)
    return f"CASE {column} {ranks} ELSE {delivery_rank('')} END"
