"""What is known and what waits, read from the database without loading a single plugin."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from booklore_core.storage.schema import VERSION

MAX_WAITING = 1000

BOOKS = """
SELECT COUNT(*) AS total, COUNT(m.book_md5) AS matched FROM
(SELECT book_md5 FROM files UNION SELECT book_md5 FROM matches UNION SELECT book_md5 FROM due) k
LEFT JOIN (SELECT DISTINCT book_md5 FROM matches) m ON m.book_md5 = k.book_md5
"""
PENDING = "SELECT kind, COUNT(DISTINCT item_id) AS count FROM due GROUP BY kind"
SYNCED = """
SELECT i.kind AS kind, COUNT(DISTINCT d.item_id) AS count FROM deliveries d JOIN items i ON i.id = d.item_id
WHERE d.state = 'delivered' GROUP BY i.kind
"""
WAITING = """
SELECT due.kind AS kind, b.title AS title, due.book_md5 AS md5, due.target AS target, due.state AS state,
       due.reason AS reason, due.retry_count AS attempts
FROM due JOIN books b ON b.partial_md5 = due.book_md5 ORDER BY due.retry_count DESC, due.item_id LIMIT :limit
"""
LETTERS = {"session": "S", "annotation": "A", "rating": "R", "bookmark": "B", "progress": "P", "deletion": "D"}
"""The letter of each kind in a label's counts, in the order in which they stand (seed sync-and-cache, design §12)."""

REASONS = {
    None: "not sent yet",
    "unconfirmed": "outcome unknown",
    "delivered": "changed since it was sent",
    "discarded": "changed since it was cleared",
}
"""Why an item waits whose delivery tells no reason of its own, by the delivery's state."""


class Rows(Protocol):
    """Something to read from: the database, or a glance at its file."""

    def rows(self, sql: str, **values: Any) -> list[dict[str, Any]]: ...


class Glance:
    """Reads a SQLite file of this schema version without loading the database layer, which takes longer than reading.

    Raises sqlite3.Error, for the caller to open the database properly.
    """

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=30)
        self._connection.row_factory = sqlite3.Row
        version = self.rows("SELECT MAX(version) AS version FROM schema_version")[0]["version"]
        if version != VERSION:
            raise sqlite3.DatabaseError(f"schema version {version}")

    def rows(self, sql: str, **values: Any) -> list[dict[str, Any]]:
        return [dict(row) for row in self._connection.execute(sql, values)]

    def close(self) -> None:
        self._connection.close()


@dataclass(frozen=True)
class Waiting:
    """One item that a target still waits for, and why."""

    kind: str
    title: str
    md5: str
    target: str
    reason: str
    attempts: int


@dataclass(frozen=True)
class Status:
    """View Pending Sessions. books: total, matched, unmatched. pending, synced: kind → items."""

    books: dict[str, int]
    pending: dict[str, int]
    synced: dict[str, int]
    waiting: Sequence[Waiting]

    def as_json(self) -> dict[str, Any]:
        waiting = [
            {"kind": one.kind, "book": one.title or one.md5, "reason": one.reason, "attempts": one.attempts,
             "target": one.target, "md5": one.md5}
            for one in self.waiting
        ]  # fmt: skip
        return {"books": self.books, "pending": self.pending, "synced": self.synced, "waiting": waiting}


def read_status(source: Rows, limit: int = MAX_WAITING) -> Status:
    """The state of the queues. limit: how many waiting items are listed; the counts are complete."""
    books = source.rows(BOOKS)[0]
    waiting = [
        Waiting(row["kind"], row["title"] or "", row["md5"], row["target"], reason(row), row["attempts"])
        for row in source.rows(WAITING, limit=limit)
    ]
    return Status(
        {**books, "unmatched": books["total"] - books["matched"]},
        read_pending(source),
        counts(source.rows(SYNCED)),
        waiting,
    )


def read_pending(source: Rows) -> dict[str, int]:
    """kind → how many items some enabled target still waits for."""
    return counts(source.rows(PENDING))


def counts(rows: Sequence[dict[str, Any]]) -> dict[str, int]:
    return {row["kind"]: row["count"] for row in rows}


def reason(row: dict[str, Any]) -> str:
    """Why an item waits, in words."""
    return str(row["reason"] or REASONS.get(row["state"], row["state"]))


def short_counts(pending: dict[str, int]) -> str:
    """`3S, 1A`: the counts as a label shows them, non-zero only; empty when nothing waits."""
    known = [f"{pending[kind]}{letter}" for kind, letter in LETTERS.items() if pending.get(kind)]
    others = sum(count for kind, count in pending.items() if kind not in LETTERS)
    return ", ".join([*known, *([f"{others} more"] if others else [])])
