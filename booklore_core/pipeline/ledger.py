"""Each target's delivery of every fact: what is due, what was begun, what the target certainly or possibly holds."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from booklore_core.items import BookRef, Item
from booklore_core.pipeline.books import FILE, book_ref, utc
from booklore_core.pipeline.facts import item_of
from booklore_core.pipeline.outbox import OWE
from booklore_core.storage.database import Database
from booklore_core.targets import Before

DELIVERED, UNCONFIRMED, SUPERSEDED = "delivered", "unconfirmed", "superseded"
RETRYING, UNMATCHED, REJECTED = "retrying", "unmatched", "rejected"
DONE = (DELIVERED, SUPERSEDED)

DUE = """
SELECT due.item_id FROM due JOIN items i ON i.id = due.item_id LEFT JOIN kinds k ON k.name = due.kind
WHERE due.target = :target AND (CAST(:book AS TEXT) IS NULL OR due.book_md5 = :book)
ORDER BY COALESCE(k.rank, 60), due.kind, due.book_md5, i.occurred_at, due.item_id
"""
LOAD = f"""
SELECT due.kind, due.item_id, due.revision, due.maybe_sent, due.remote_id, due.state, due.reason, due.tried_at,
       i.key, i.body, i.occurred_at, b.*, m.remote_id AS match, {FILE} AS file,
       (SELECT d.revision FROM deliveries d WHERE d.item_id = due.item_id AND d.target = due.target) AS begun
FROM due JOIN items i ON i.id = due.item_id JOIN books b ON b.partial_md5 = due.book_md5
LEFT JOIN matches m ON m.book_md5 = due.book_md5 AND m.target = due.target
WHERE due.target = :target AND due.item_id IN :ids
"""
UNMATCHED_BOOKS = f"""
SELECT DISTINCT b.*, {FILE} AS file FROM due JOIN books b ON b.partial_md5 = due.book_md5
LEFT JOIN matches m ON m.book_md5 = due.book_md5 AND m.target = due.target
WHERE due.target = :target AND m.book_md5 IS NULL ORDER BY b.updated_at DESC
"""
BEGIN = """
INSERT INTO deliveries (item_id, target, state, revision, maybe_sent, retry_count, remote_id, reason, tried_at)
VALUES (:item_id, :target, 'unconfirmed', :revision, 1, 0, NULL, NULL, :now)
ON CONFLICT (item_id, target) DO UPDATE SET state = 'unconfirmed', revision = excluded.revision, maybe_sent = 1,
    tried_at = excluded.tried_at
"""
SETTLE = """
INSERT INTO deliveries (item_id, target, state, revision, maybe_sent, retry_count, remote_id, reason, tried_at)
VALUES (:item_id, :target, :state, :revision, :maybe_sent, :failed, :remote_id, :reason, :now)
ON CONFLICT (item_id, target) DO UPDATE SET
    state = CASE WHEN deliveries.state = 'discarded' AND excluded.state <> 'delivered' THEN deliveries.state
            ELSE excluded.state END,
    revision = excluded.revision, maybe_sent = excluded.maybe_sent,
    retry_count = deliveries.retry_count + excluded.retry_count,
    remote_id = COALESCE(excluded.remote_id, deliveries.remote_id), reason = excluded.reason,
    tried_at = excluded.tried_at
"""
PAID = """
DELETE FROM owed WHERE target = :target AND item_id = :item_id
    AND EXISTS (SELECT 1 FROM items i WHERE i.id = :item_id AND i.revision <= :revision)
"""
"""What was changed while it was being sent stays owed."""

RESTORE = """
UPDATE deliveries SET state = CASE state WHEN 'unconfirmed' THEN :state ELSE state END, revision = :revision,
    maybe_sent = :maybe_sent, reason = :reason, tried_at = :tried_at
WHERE item_id = :item_id AND target = :target
"""
WAIT = """
INSERT INTO deliveries (item_id, target, state, revision, maybe_sent, retry_count, remote_id, reason, tried_at)
VALUES (:item_id, :target, 'unmatched', 0, 0, 0, NULL, :reason, :now)
ON CONFLICT (item_id, target) DO UPDATE SET reason = excluded.reason,
    state = CASE deliveries.state WHEN 'discarded' THEN deliveries.state ELSE excluded.state END
"""
FORGET_BEGUN = "DELETE FROM deliveries WHERE item_id = :item_id AND target = :target AND state = 'unconfirmed'"
BOOKS_AT = """
SELECT DISTINCT b.id, b.partial_md5 FROM deliveries d JOIN items i ON i.id = d.item_id
JOIN books b ON b.partial_md5 = i.book_md5 WHERE d.target = :target AND d.state = 'delivered' ORDER BY b.id
"""
TAKEN = """
SELECT i.kind, i.key, i.body, i.occurred_at, b.*, m.remote_id AS match FROM items i
JOIN deliveries d ON d.item_id = i.id AND d.target = :target AND d.state = 'delivered' AND d.revision = i.revision
JOIN books b ON b.partial_md5 = i.book_md5
LEFT JOIN matches m ON m.book_md5 = i.book_md5 AND m.target = :target
WHERE i.book_md5 = :book_md5 ORDER BY i.occurred_at, i.id
"""
OWE_AGAIN = """
UPDATE deliveries SET state = 'retrying', maybe_sent = 1, remote_id = NULL, reason = 'missing at the target'
WHERE target = :target AND state = 'delivered' AND cleared < revision
    AND revision = (SELECT revision FROM items WHERE id = item_id)
    AND item_id IN (SELECT id FROM items WHERE kind = :kind AND key = :key)
"""
OWED_AGAIN = OWE.format(which="s.target = :target AND i.kind = :kind AND i.key = :key")
NOTE = """
UPDATE subscriptions SET obstacle = :obstacle
WHERE target = :target AND COALESCE(obstacle, '') <> COALESCE(CAST(:obstacle AS TEXT), '')
"""
FORGET = """
UPDATE deliveries SET state = 'discarded', cleared = CASE WHEN cleared > revision THEN cleared ELSE revision END
WHERE state = 'delivered' AND item_id IN (SELECT id FROM items WHERE kind = :kind)
"""


@dataclass(frozen=True)
class Delivery:
    """One item that is due at one target, and what earlier attempts left behind.

    revision: of the item. begun: the one that the target certainly or possibly has, 0 or None for none. state, reason,
    tried_at: of the last attempt.
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
        return self.state in (None, UNMATCHED) and not self.before.maybe_sent and self.before.remote_id is None


@dataclass(frozen=True)
class Outcome:
    """What became of one delivery. counts: whether it was an attempt that failed."""

    state: str
    maybe_sent: bool = False
    remote_id: str | None = None
    reason: str | None = None
    counts: bool = False


class Ledger:
    """The deliveries of all targets. A missing row means that an item was never tried."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def due(self, target: str, book: str | None = None) -> list[int]:
        """The ids of the items whose latest revision target has not got, in the order in which they are sent.

        book: partial MD5 of the only book that is asked about.
        """
        return [row["item_id"] for row in self._database.rows(DUE, target=target, book=book)]

    def load(self, target: str, ids: Sequence[int]) -> list[Delivery]:
        """Those of ids that are still due, in the order of ids."""
        found = {row["item_id"]: delivery_of(row) for row in self._database.rows(LOAD, target=target, ids=list(ids))}
        return [found[item_id] for item_id in ids if item_id in found]

    def unmatched(self, target: str) -> list[BookRef]:
        """The books without a match that something is due for, the last read first."""
        return [book_ref(row) for row in self._database.rows(UNMATCHED_BOOKS, target=target)]

    def begin(self, deliveries: Iterable[Delivery], target: str, now: datetime) -> None:
        """Writes down, before anything is sent, that the outcome of these is unknown from here on."""
        common = {"target": target, "now": now.timestamp()}
        self._database.run_many(BEGIN, [{**common, "item_id": one.id, "revision": one.revision} for one in deliveries])

    def settle(self, deliveries: Sequence[Delivery], target: str, outcomes: Sequence[Outcome], now: datetime) -> None:
        """Writes down what became of deliveries that were begun."""
        settled = list(zip(deliveries, outcomes, strict=True))
        self._database.run_many(SETTLE, [outcome_row(one, target, outcome, now) for one, outcome in settled])
        done = [one for one, outcome in settled if outcome.state in DONE]
        self._database.run_many(PAID, [{"item_id": one.id, "target": target, "revision": one.revision} for one in done])

    def wait(self, deliveries: Iterable[Delivery], target: str, reason: str, now: datetime) -> None:
        """Notes that deliveries wait for their book's match. That is no attempt."""
        common = {"target": target, "reason": reason, "now": now.timestamp()}
        self._database.run_many(WAIT, [{**common, "item_id": one.id} for one in deliveries])

    def withdraw(self, deliveries: Iterable[Delivery], target: str, now: datetime) -> None:
        """Takes back `begin` for items that certainly were not sent: all is as it was before."""
        rows = [
            {"item_id": one.id, "target": target, "state": one.state, "revision": one.begun or 0, "reason": one.reason,
             "maybe_sent": int(one.before.maybe_sent), "tried_at": one.tried_at or now.timestamp()}
            for one in deliveries
        ]  # fmt: skip
        self._database.run_many(FORGET_BEGUN, [row for row in rows if row["state"] is None])
        self._database.run_many(RESTORE, rows)

    def note(self, target: str, obstacle: str | None) -> None:
        """Keeps why the last run at a target ended early, for all that waits there; None: it did not."""
        self._database.run(NOTE, target=target, obstacle=obstacle)

    def books(self, target: str) -> list[str]:
        """The partial MD5s of the books that a target has taken items of."""
        return [row["partial_md5"] for row in self._database.rows(BOOKS_AT, target=target)]

    def taken(self, target: str, md5: str) -> list[Item]:
        """A book's items that a target has taken in their latest revision, oldest first."""
        return [item_of(row) for row in self._database.rows(TAKEN, target=target, book_md5=md5)]

    def owe_again(self, target: str, kind: str, key: str) -> None:
        """Makes a delivered item due again; the target looks before it sends."""
        with self._database.writing():
            if self._database.run(OWE_AGAIN, target=target, kind=kind, key=key):
                self._database.run(OWED_AGAIN, target=target, kind=kind, key=key)

    def forget(self, kind: str) -> int:
        """Takes a kind out of the histories. Nothing is sent again: it stays known that it was sent."""
        return self._database.run(FORGET, kind=kind)


def outcome_row(delivery: Delivery, target: str, outcome: Outcome, now: datetime) -> dict[str, Any]:
    """revision: the one that the target certainly or possibly has now."""
    may_have = outcome.state in DONE or outcome.maybe_sent
    revision = delivery.revision if may_have else delivery.begun or 0
    where = {"item_id": delivery.id, "target": target, "revision": revision, "now": now.timestamp()}
    return {**asdict(outcome), **where, "maybe_sent": int(outcome.maybe_sent), "failed": int(outcome.counts)}


def delivery_of(row: dict[str, Any]) -> Delivery:
    tried_at = utc(row["tried_at"]) if row["tried_at"] else None
    before = Before(row["remote_id"], bool(row["maybe_sent"]), tried_at)
    return Delivery(row["item_id"], item_of(row), row["revision"], before, row["state"], row["reason"],
                    row["begun"], row["tried_at"])  # fmt: skip
