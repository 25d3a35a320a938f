"""What targets have taken: the other end of the outbox."""

from booklore_core.items import Item
from booklore_core.pipeline.books import BOOK, book_ref
from booklore_core.pipeline.journal import item_of
from booklore_core.storage.database import Database

BOOKS_AT = """
WHERE b.partial_md5 IN (SELECT i.book_md5 FROM items i JOIN deliveries d ON d.item_id = i.id
                        WHERE d.target = :target AND d.state = 'delivered')
ORDER BY b.id
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
WHERE target = :target AND state = 'delivered'
    AND item_id IN (SELECT id FROM items WHERE kind = :kind AND key = :key)
"""
FORGET = """
UPDATE deliveries SET state = 'discarded'
WHERE state = 'delivered' AND item_id IN (SELECT id FROM items WHERE kind = :kind)
"""


class Ledger:
    """The record of deliveries that came through."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def books(self, target: str) -> list[str]:
        """The partial MD5s of the books that a target has taken items of."""
        return [book_ref(row).partial_md5 for row in self._database.rows(BOOK + BOOKS_AT, target=target)]

    def taken(self, target: str, md5: str) -> list[Item]:
        """A book's items that a target has taken in their latest revision, oldest first."""
        return [item_of(row) for row in self._database.rows(TAKEN, target=target, book_md5=md5)]

    def owe_again(self, target: str, kind: str, key: str) -> None:
        """Makes a delivered item due again; the target looks before it sends."""
        self._database.run(OWE_AGAIN, target=target, kind=kind, key=key)

    def forget(self, kind: str) -> int:
        """Takes a kind out of the histories. Nothing is sent again: it stays known that it was sent."""
        return self._database.run(FORGET, kind=kind)
