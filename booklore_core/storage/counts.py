"""What is known and what waits, read from the database without loading a single plugin.

What waits is counted in `owed`, which holds nothing else: the price depends on what waits, not on what was ever sent.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from booklore_core.kinds import Kind, Kinds, quantity

MAX_WAITING, MOST_NAMED = 1000, 20

UNMATCHED = """
SELECT DISTINCT o.book_md5 FROM owed o JOIN subscriptions s ON s.target = o.target AND s.kind = o.kind
LEFT JOIN matches m ON m.target = o.target AND m.book_md5 = o.book_md5 WHERE s.matching = 1 AND m.book_md5 IS NULL
"""
"""The books that a target waits for a match of, although others may have one."""

BOOKS = f"""
SELECT COUNT(*) AS total, SUM(CASE WHEN m.book_md5 IS NULL OR u.book_md5 IS NOT NULL THEN 0 ELSE 1 END) AS matched
FROM books b LEFT JOIN (SELECT DISTINCT book_md5 FROM matches) m ON m.book_md5 = b.partial_md5
LEFT JOIN ({UNMATCHED}) u ON u.book_md5 = b.partial_md5
LEFT JOIN (SELECT book_md5, MIN(gone) AS gone FROM files GROUP BY book_md5) f ON f.book_md5 = b.partial_md5
WHERE (b.tracked = 1 AND f.gone = 0) OR (COALESCE(f.gone, 0) = 0 AND (m.book_md5 IS NOT NULL
    OR EXISTS (SELECT 1 FROM owed o WHERE o.book_md5 = b.partial_md5)))
"""
"""Not those that were deleted, although something may wait, nor those of which nobody wants anything sent."""
PENDING = "SELECT kind, COUNT(DISTINCT item_id) AS count FROM owed GROUP BY kind"
PENDING_AT = """
SELECT o.kind AS kind, CASE WHEN d.state = 'rejected' THEN 'rejected' ELSE 'waiting' END AS state, COUNT(*) AS count
FROM owed o LEFT JOIN deliveries d ON d.item_id = o.item_id AND d.target = o.target
WHERE o.target = :target AND o.book_md5 = COALESCE(:book, o.book_md5) GROUP BY 1, 2
"""
DELIVERED = """
SELECT i.kind AS kind, COUNT(*) AS count FROM (SELECT DISTINCT item_id FROM deliveries WHERE state = 'delivered') d
JOIN items i ON i.id = d.item_id WHERE i.body NOT LIKE '%"removed"_true%' GROUP BY i.kind
"""
WAITING = """
SELECT due.kind AS kind, COALESCE(NULLIF(b.title, ''), due.book_md5) AS book, due.book_md5 AS md5, due.target AS target,
    COALESCE(due.state, 'new') AS state,
    COALESCE(CASE due.state WHEN 'unmatched' THEN s.obstacle END, NULLIF(due.reason, ''), s.obstacle,
        CASE due.state WHEN 'unconfirmed' THEN 'outcome unknown' WHEN 'delivered' THEN 'changed since it was sent'
        WHEN 'superseded' THEN 'changed since it was superseded' WHEN 'discarded' THEN 'changed since it was cleared'
        ELSE COALESCE(due.state, 'not sent yet') END) AS reason,
    due.retry_count AS attempts
FROM due JOIN books b ON b.partial_md5 = due.book_md5
LEFT JOIN subscriptions s ON s.target = due.target AND s.kind = due.kind
ORDER BY due.retry_count DESC, due.item_id LIMIT :limit
"""
ASKED = """SELECT p.id AS id, p.kind AS kind, COALESCE(NULLIF(b.title, ''), p.book_md5) AS book, p.book_md5 AS md5,
    p.question AS question FROM proposals p JOIN books b ON b.partial_md5 = p.book_md5
    WHERE p.question <> '' ORDER BY p.id"""
SUPERSEDED = """
SELECT i.kind AS kind, COALESCE(NULLIF(b.title, ''), i.book_md5) AS book, i.book_md5 AS md5, d.target AS target,
    COALESCE(d.reason, 'something newer is there') AS reason, d.retry_count AS attempts, d.state AS state
FROM deliveries d JOIN items i ON i.id = d.item_id JOIN books b ON b.partial_md5 = i.book_md5
WHERE d.state = 'superseded' AND d.revision = i.revision AND (i.kind, i.key) NOT IN (SELECT kind, key FROM proposals
    WHERE question <> '') ORDER BY d.tried_at DESC, d.item_id LIMIT :limit
"""
TARGETS = """SELECT s.target AS name, COALESCE(r.about, '') AS about, NULLIF(r.ended_at, 0) AS last_sync,
    MAX(s.obstacle) AS unavailable FROM subscriptions s LEFT JOIN runs r ON r.target = s.target
    WHERE s.enabled = 1 GROUP BY 1, 2, 3 ORDER BY 1"""
DEVICES = """SELECT id, name, model, CASE WHEN id NOT LIKE 'installed:%' THEN last_seen END AS last_seen,
    COALESCE(waiting, 0) AS waiting FROM devices WHERE id NOT LIKE 'installed:%' OR token_hash IS NOT NULL
    ORDER BY devices.last_seen DESC LIMIT 20"""
"""Those that were installed for a device that was not seen yet, too."""
WAITING_TOTAL = "SELECT (SELECT COUNT(*) FROM owed) + (SELECT COUNT(*) FROM proposals WHERE question <> '') AS total"
REMARKS = "SELECT COUNT(*) AS count FROM remarks"
ASIDE = """
SELECT COUNT(*) AS lines, (SELECT q.reason FROM quarantine q WHERE q.dismissed_at IS NULL
    ORDER BY q.id DESC LIMIT 1) AS reason FROM quarantine WHERE dismissed_at IS NULL
"""
KINDS = "SELECT name, letter, one, many, rank, label_rank, history FROM kinds"


class Rows(Protocol):
    """Something to read from: the database, or its file."""

    def rows(self, sql: str, **values: Any) -> list[dict[str, Any]]: ...


@dataclass(frozen=True)
class Waiting:
    """One item that a target still waits for, or for which it has something newer, and why. book: its title, or its
    partial MD5 where none is known. state: of its delivery, `new` for one that was never tried; `asked` for one that no
    target waits for yet, as a person has to answer a question first, which is the reason.
    """

    kind: str
    book: str
    reason: str
    attempts: int
    target: str
    md5: str
    state: str


@dataclass(frozen=True)
class Undecided:
    """One question to a person, and the proposals whose first line it is, each with id, kind, book, md5, question."""

    first: str
    rows: Sequence[Mapping[str, Any]]

    @property
    def text(self) -> str:
        told = [line for row in self.rows for line in row["question"].split("\n")[1:]]
        count = f"{len(told)}: " if len(told) > 1 else ""
        more = f" and {len(told) - MOST_NAMED} more" if len(told) > MOST_NAMED else ""
        return f"{self.first} ({count}{', '.join(told[:MOST_NAMED])}{more})" if told else self.first


@dataclass(frozen=True)
class Status:
    """View Pending Sessions. books: total, matched, unmatched. pending, synced: kind → items. total: deliveries. asked:
    the questions to a person, each once.

    targets: those that were synced with: name, about, last_sync, why that ended early (unavailable). devices: id, name,
    model, last_seen and the lines waiting there, the last seen first. superseded: the items that were given up, as a
    target has something newer, the last ones first, without those that are asked about. remarks: how many. quarantine:
    how many lines could not be taken in, and the last one's fault.
    """

    books: dict[str, int]
    pending: dict[str, int]
    synced: dict[str, int]
    waiting: Sequence[Waiting]
    total: int
    kinds: Kinds
    remarks: int
    quarantine: dict[str, Any]
    superseded: Sequence[Waiting] = ()
    asked: Sequence[Undecided] = ()
    targets: Sequence[Mapping[str, Any]] = ()
    devices: Sequence[Mapping[str, Any]] = ()

    @property
    def last_sync(self) -> str | None:
        """When a sync last ended: `2026-11-20T20:01:02Z`."""
        return max((one["last_sync"] for one in self.targets if one["last_sync"]), default=None)

    def as_json(self) -> dict[str, Any]:
        waiting, superseded = ([asdict(one) for one in ones] for ones in (self.waiting, self.superseded))
        places = {"last_sync": self.last_sync, "targets": self.targets, "devices": self.devices}
        queues = {"pending": self.pending, "synced": self.synced, "waiting": waiting, "asked": total_of(self.asked)}
        kept = {"superseded": superseded, "remarks": self.remarks, "quarantine": self.quarantine}
        return {"books": self.books, **queues, **places, **kept}

    def beside(self, kind: str) -> str:
        """What stands beside the count of a kind's items: how many wait for a person's answer."""
        asked = total_of(self.asked).get(kind)
        return f", and {asked} for your answer" if asked else ""

    @property
    def aside(self) -> str:
        """What a person is told of lines that could not be taken in, empty when all could."""
        lines, reason = self.quarantine["lines"], self.quarantine["reason"]
        wait = f"{quantity(lines, 'line')} of the devices {'waits' if lines == 1 else 'wait'} in quarantine"
        return f"{wait}, see `booklore quarantine list`; the last: {reason}" if lines else ""


def read_status(source: Rows, limit: int = MAX_WAITING) -> Status:
    """The state of the queues. limit: how many waiting items are listed; the counts are complete."""
    found, superseded = ([Waiting(**row) for row in source.rows(sql, limit=limit)] for sql in (WAITING, SUPERSEDED))
    asked = read_asked(source)
    first = [
        Waiting(row["kind"], row["book"], one.first, 0, "", row["md5"], "asked") for one in asked for row in one.rows
    ]
    waiting = [*first, *found][:limit]
    synced, total = as_counts(source.rows(DELIVERED)), source.rows(WAITING_TOTAL)[0]["total"]
    remarks, [aside] = source.rows(REMARKS)[0]["count"], source.rows(ASIDE)
    books, pending, kinds = count_books(source), count_pending(source), read_kinds(source)
    targets, devices = ([in_utc(row) for row in source.rows(sql)] for sql in (TARGETS, DEVICES))
    return Status(books, pending, synced, waiting, total, kinds, remarks, aside, superseded, asked, targets, devices)


def iso_utc(seconds: float) -> str:
    """A moment as lines tell it: `2026-11-20T20:01:02Z`."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


def in_utc(row: dict[str, Any]) -> dict[str, Any]:
    """A row with its moments as text."""
    moments = {name: row[name] for name in ("last_sync", "last_seen") if row.get(name)}
    return {**row, **{name: iso_utc(at) for name, at in moments.items()}}


def read_asked(source: Rows) -> list[Undecided]:
    """What a person is asked, the oldest question first, each once."""
    alike = defaultdict[str, list[Mapping[str, Any]]](list)
    for row in source.rows(ASKED):
        alike[row["question"].partition("\n")[0]].append(row)
    return [Undecided(first, rows) for first, rows in alike.items()]


def total_of(asked: Iterable[Undecided]) -> dict[str, int]:
    """kind → how many items wait for a person's answer."""
    return dict(Counter(row["kind"] for one in asked for row in one.rows))


def read_kinds(source: Rows) -> Kinds:
    """Every kind that was ever declared here, as it was last."""
    return Kinds(filter(None, map(kind_of, source.rows(KINDS))))


def kind_of(row: Mapping[str, Any]) -> Kind | None:
    """None for one that cannot be read: another version may have stored what this one refuses."""
    try:
        return Kind(**row)
    except ValueError as error:
        import logging  # takes time, and is seldom needed

        logging.getLogger(__name__).warning("what the database knows of a kind is passed over: %s", error)
        return None


def count_books(source: Rows) -> dict[str, int]:
    """total, matched, unmatched."""
    books = source.rows(BOOKS)[0]
    total, matched = books["total"], books["matched"] or 0
    return {"total": total, "matched": matched, "unmatched": total - matched}


def count_pending(source: Rows) -> dict[str, int]:
    """kind → how many items some target still waits for."""
    return as_counts(source.rows(PENDING))


def count_pending_at(source: Rows, target: str, book: str | None = None) -> dict[str, dict[str, int]]:
    """`waiting` and `rejected`, each kind → count, at one target. book: the partial MD5 of the only one."""
    counts: dict[str, dict[str, int]] = {"waiting": {}, "rejected": {}}
    for row in source.rows(PENDING_AT, target=target, book=book):
        counts[row["state"]][row["kind"]] = row["count"]
    return counts


def has_delivered(source: Rows) -> bool:
    """Whether anything is in the histories."""
    return bool(source.rows("SELECT 1 AS found FROM deliveries WHERE state = 'delivered' LIMIT 1"))


def as_counts(rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    return {row["kind"]: row["count"] for row in rows}
