"""Items awaiting or past delivery: a compacted log that keeps the latest revision of every fact.

Every enabled target has its own delivery per fact; a missing row means that it was never tried.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from booklore_core.items import Item, canonical_json
from booklore_core.pipeline.books import Books
from booklore_core.pipeline.deliveries import Deliveries
from booklore_core.pipeline.journal import GIVEN
from booklore_core.storage.counts import read_pending
from booklore_core.storage.database import Database

PUT = """
INSERT INTO items (kind, key, book_md5, body, occurred_at, revision, plugin, created_at, updated_at)
SELECT :kind, :key, :book_md5, :body, :occurred_at, 1, :plugin, CASE WHEN :now < start THEN start ELSE :now END, :now
FROM (SELECT COALESCE(MAX(registered_at), 0) AS start FROM subscriptions) s WHERE TRUE
ON CONFLICT (kind, key) DO UPDATE SET book_md5 = excluded.book_md5, body = excluded.body,
    occurred_at = excluded.occurred_at, revision = items.revision + 1, updated_at = excluded.updated_at
WHERE excluded.occurred_at >= items.occurred_at AND excluded.body <> items.body
"""
"""A new item is never older than the targets: they would not be owed it when the clock was set back since."""

STILL_SO = """
UPDATE items SET occurred_at = :occurred_at
WHERE kind = :kind AND key = :key AND body = :body AND occurred_at < :occurred_at
    AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.item_id = items.id AND d.maybe_sent = 1)
"""
UNSAID = """
SELECT i.id AS id FROM items i WHERE i.kind = :kind AND i.key = :key AND i.occurred_at >= :occurred_at
    AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.item_id = i.id AND {given})
"""
COUNT_AT = """
SELECT kind, CASE WHEN state = 'rejected' THEN 'rejected' ELSE 'waiting' END AS state, COUNT(*) AS count
FROM due WHERE target = :target GROUP BY 1, 2
"""
DISCARD = """
INSERT INTO deliveries (item_id, target, state, revision, maybe_sent, retry_count, remote_id, reason, tried_at)
SELECT item_id, target, 'discarded', revision, 0, 0, NULL, NULL, :now FROM due WHERE kind = :kind
ON CONFLICT (item_id, target) DO UPDATE SET
    state = CASE deliveries.state WHEN 'delivered' THEN deliveries.state ELSE excluded.state END,
    revision = excluded.revision, reason = NULL, tried_at = excluded.tried_at
"""
SUBSCRIBE = """
INSERT INTO subscriptions (target, kind, enabled, since, registered_at) VALUES (:target, :kind, 1, :since, :now)
ON CONFLICT (target, kind) DO UPDATE SET enabled = 1,
    since = CASE WHEN :is_given = 1 THEN excluded.since ELSE subscriptions.since END
"""
UNSUBSCRIBE = "UPDATE subscriptions SET enabled = 0 WHERE target = :target AND kind = :kind"


class Outbox(Deliveries):
    """What is on its way. One row per (kind, key): the newest body wins, an unchanged one changes nothing."""

    def __init__(self, database: Database, books: Books) -> None:
        super().__init__(database)
        self._books = books

    def put(self, item: Item, plugin: str, now: datetime) -> bool:
        """Takes a fact in. Returns whether it is news; an older event and an unchanged body are not.

        A tombstone that is no later than the fact itself says that it never was: what no target may have is taken out.
        A device's clock may be ahead: nothing counts as later than now, or it would outdo all that comes.
        """
        occurred_at = min(item.occurred_at, now).timestamp()
        if item.is_tombstone and self._take_out(item, occurred_at):
            return True
        self._books.keep(item.book, now)
        fact: dict[str, Any] = {"kind": item.kind, "key": item.key, "body": canonical_json(item.body, "body")}
        fact["occurred_at"] = occurred_at
        md5, seconds = item.book.partial_md5, now.timestamp()
        is_news = self._database.run(PUT, **fact, book_md5=md5, plugin=plugin, now=seconds) > 0
        if not is_news:
            # What came between is older than what is still so. The idempotency key of a sending must not change.
            self._database.run(STILL_SO, **fact)
        return is_news

    def _take_out(self, item: Item, occurred_at: float) -> bool:
        with self._database.writing():
            row = self._database.value(
                UNSAID.format(given=GIVEN), kind=item.kind, key=item.key, occurred_at=occurred_at
            )
            if row is not None:
                self._database.run("DELETE FROM deliveries WHERE item_id = :id", id=row)
                self._database.run("DELETE FROM items WHERE id = :id", id=row)
        return row is not None

    def subscribe(self, target: str, kinds: Iterable[str], since: datetime | None, now: datetime) -> None:
        """From now on, and for what occurred at or after since, a target is owed every item of these kinds."""
        wanted = set(kinds)
        rows = self._database.rows(
            "SELECT kind, enabled, since FROM subscriptions WHERE target = :target", target=target
        )
        start, is_given = (since or now).timestamp(), int(since is not None)
        held = {row["kind"]: row for row in rows if row["enabled"]}
        with self._database.writing():
            for kind in sorted(wanted):
                if kind not in held or (since and held[kind]["since"] != start):
                    values = {"target": target, "kind": kind, "since": start, "is_given": is_given}
                    self._database.run(SUBSCRIBE, **values, now=now.timestamp())
            for kind in sorted(held.keys() - wanted):
                self._database.run(UNSUBSCRIBE, target=target, kind=kind)

    def unsubscribe(self, target: str) -> None:
        """Nothing is due at a target any more; what waits is kept for when it is enabled again."""
        self._database.run("UPDATE subscriptions SET enabled = 0 WHERE target = :target", target=target)

    def subscribers(self) -> set[str]:
        """The targets that are owed something."""
        rows = self._database.rows("SELECT DISTINCT target FROM subscriptions WHERE enabled = 1")
        return {row["target"] for row in rows}

    def pending(self) -> dict[str, int]:
        """kind → how many items some enabled target still waits for."""
        return read_pending(self._database)

    def waiting_at(self, target: str) -> dict[str, dict[str, int]]:
        """`waiting` and `rejected`, each kind → count, at one target."""
        counts: dict[str, dict[str, int]] = {"waiting": {}, "rejected": {}}
        for row in self._database.rows(COUNT_AT, target=target):
            counts[row["state"]][row["kind"]] = row["count"]
        return counts

    def discard(self, kind: str, now: datetime) -> int:
        """Clears a queue for good: its items will not be sent, nor come back with a later import.

        Returns how many items it were. What was sent in an earlier revision stays in the histories.
        """
        with self._database.writing():
            count = self.pending().get(kind, 0)
            self._database.run(DISCARD, kind=kind, now=now.timestamp())
        return count
