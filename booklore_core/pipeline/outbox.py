"""Items awaiting or past delivery: a compacted log that keeps the latest revision of every fact.

What a target still waits for stands in `owed`; every target has its own delivery per fact, kept in the ledger.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from booklore_core.items import Item, Proposal, Remark, utc
from booklore_core.pipeline.books import Books
from booklore_core.pipeline.facts import IMPORTED, MAX_KEYS, Held, any_imported, batched, item_of, read_held, settled
from booklore_core.pipeline.makers import Makers
from booklore_core.storage.counts import read_asked
from booklore_core.storage.database import Database

ADD = """
INSERT INTO items (kind, key, book_md5, body, occurred_at, said_at, revision, plugin, created_at, updated_at)
VALUES (:kind, :key, :book_md5, :body, :occurred_at, :said_at, :revision, :plugin, :created_at, :now)
"""
LAST_REGISTERED = "SELECT COALESCE(MAX(registered_at), 0) AS last FROM subscriptions"
CHANGE = """
UPDATE items SET book_md5 = :book_md5, body = :body, occurred_at = :occurred_at, said_at = :said_at,
    revision = :revision, updated_at = :now WHERE id = :id
"""
SAID = "UPDATE items SET said_at = :said_at WHERE id = :id"
TAKE_OUT = tuple(f"DELETE FROM {table} WHERE {column} = :id" for table, column in (
    ("owed", "item_id"), ("deliveries", "item_id"), ("items", "id")))  # fmt: skip
OWE = """
INSERT INTO owed (item_id, target, kind, book_md5)
SELECT i.id, s.target, i.kind, i.book_md5 FROM items i
JOIN subscriptions s ON s.kind = i.kind || '' AND s.enabled = 1
    AND (i.created_at >= s.registered_at OR i.occurred_at >= s.since)
LEFT JOIN deliveries d ON d.item_id = i.id AND d.target = s.target
WHERE {which} AND COALESCE(d.cleared, 0) < i.revision AND i.body NOT LIKE '%"withdrawn"_true%'
    AND (d.item_id IS NULL OR d.revision < i.revision OR d.state NOT IN ('delivered', 'superseded'))
ON CONFLICT (target, item_id) DO UPDATE SET book_md5 = excluded.book_md5
"""
"""What subscribed targets have not got in its latest revision, and nobody has cleared or taken back. The kind is
spelled so that nobody looks for items by it: they are few of very many."""

CLEAR = """
INSERT INTO deliveries (item_id, target, state, revision, maybe_sent, retry_count, remote_id, reason, tried_at, cleared)
SELECT o.item_id, o.target, 'discarded', 0, 0, 0, NULL, NULL, :now, i.revision
FROM owed o JOIN items i ON i.id = o.item_id WHERE {which}
ON CONFLICT (item_id, target) DO UPDATE SET
    state = CASE WHEN deliveries.revision > 0 AND deliveries.maybe_sent = 0 AND deliveries.state <> 'discarded'
            THEN 'delivered' ELSE excluded.state END,
    cleared = excluded.cleared, reason = NULL
"""
"""The revision that the target certainly or possibly has stays: an edit that was not sent leaves the earlier one."""

SUBSCRIBE = """
INSERT INTO subscriptions (target, kind, enabled, since, registered_at, plugin, matching)
VALUES (:target, :kind, 1, :since, :now, :plugin, :matching)
ON CONFLICT (target, kind) DO UPDATE SET enabled = 1, plugin = excluded.plugin, matching = excluded.matching,
    since = CASE WHEN :is_given = 1 THEN excluded.since ELSE subscriptions.since END
"""
END_KIND = "UPDATE subscriptions SET enabled = 0 WHERE target = :target AND kind = :kind"
END_TARGETS = "UPDATE subscriptions SET enabled = 0 WHERE plugin IN :ids AND enabled = 1"
NOT_OWED = """
DELETE FROM owed WHERE NOT EXISTS (SELECT 1 FROM subscriptions s JOIN items i ON i.id = owed.item_id
    WHERE s.target = owed.target AND s.kind = owed.kind AND s.enabled = 1
    AND (i.created_at >= s.registered_at OR i.occurred_at >= s.since))
"""
WITHDRAW = """DELETE FROM proposals WHERE kind = :kind AND key = :key AND occurred_at <= :occurred_at AND NOT (body LIKE
    '%"agreed"_true%' AND question <> '' AND :body IN (SELECT body FROM items WHERE kind = :kind AND key = :key))"""
"""Not what is asked about an item that is said again: nothing has changed, so nobody would try it again."""
ANSWERED = "UPDATE proposals SET question = '' WHERE id IN :ids"
"""What a person said no to stays known until the same fact is made or proposed again."""
PROPOSED = """SELECT b.*, p.kind, p.key, p.body, p.plugin, CASE WHEN i.said_at > p.occurred_at THEN i.said_at
    ELSE p.occurred_at END AS occurred_at FROM proposals p JOIN books b ON b.partial_md5 = p.book_md5
    LEFT JOIN items i ON i.kind = p.kind AND i.key = p.key WHERE p.id IN :ids ORDER BY p.id"""
IMPORTS = f"""SELECT i.book_md5 AS md5, COUNT(*) AS total, COUNT(d.item_id) AS synced,
    MAX(m.book_md5) IS NOT NULL AS is_matched FROM items i
LEFT JOIN (SELECT DISTINCT item_id FROM deliveries WHERE state IN ('delivered', 'superseded')) d ON d.item_id = i.id
LEFT JOIN (SELECT DISTINCT book_md5 FROM matches) m ON m.book_md5 = i.book_md5 WHERE {IMPORTED} GROUP BY i.book_md5"""


@dataclass(frozen=True)
class Imports:
    """How many items a file of past reading told of one book, how many some target has, and whether it is matched."""

    md5: str
    total: int
    synced: int
    is_matched: bool


class Outbox:
    """What is on its way. One row per (kind, key): the newest body wins, an unchanged one changes nothing."""

    def __init__(self, database: Database, books: Books, makers: Makers | None = None) -> None:
        self._database, self._books, self._makers = database, books, makers or Makers(database)
        self._proposals, self._past = database.table("proposals"), 0

    def put(self, items: Sequence[Item], plugin: str, now: datetime) -> int:
        """Takes facts in, all or none, but for those of another plugin. Returns how many changes they are; an older
        event and an unchanged body are none."""
        by_kind: dict[str, list[Item]] = defaultdict(list)
        for item in items:
            by_kind[item.kind].append(item)
        with self._database.writing():
            return sum(self._put_kind(kind, some, plugin, now) for kind, some in by_kind.items())

    def propose(self, given: Iterable[Proposal | Item | Remark], plugin: str, now: datetime) -> None:
        """Keeps the items of proposals until a person has answered the question about them; not those that an item
        after them has withdrawn. Within a writing transaction."""
        last = {(one.item.kind, one.item.key) if isinstance(one, Proposal) else (one.kind, one.key): one
                for one in given if not isinstance(one, Remark)}  # fmt: skip
        proposals = [one for one in last.values() if isinstance(one, Proposal)]
        for one in (one for one in proposals if self._makers.own(one.item.kind, [one.item], plugin, now)):
            self._books.keep([one.item.book], now)
            row = {**fact_row(one.item), "plugin": plugin, "question": one.question}
            self._proposals.upsert(row, ["kind", "key"])

    def ask(self, item: Item, revision: int, question: str, now: datetime) -> None:
        """Lets a person say whether what a target has given up is sent all the same; nothing where it has changed."""
        held = read_held(self._database, item.kind, [item.key])[item.key]
        if held and held.revision == revision:
            agreed = replace(held.item, body={**held.item.body, "agreed": True}, occurred_at=utc(held.said_at))
            maker = self._database.value("SELECT plugin FROM items WHERE id = :id", id=held.id)
            self.propose([Proposal(agreed, question)], maker, now)

    def answer(self, question: str, agrees: bool, now: datetime) -> int:
        """Takes in or drops what a question is about. Returns how many items that were: none where it is about others
        by now."""
        with self._database.writing():
            ids = [row["id"] for one in read_asked(self._database) if one.text == question for row in one.rows]
            rows = self._database.rows(PROPOSED, ids=ids)
            self._database.run(ANSWERED, ids=ids)
            for plugin in {row["plugin"] for row in rows if agrees}:
                items = [item_of(row) for row in rows if row["plugin"] == plugin]
                self.put(items, plugin, now)
                self._books.lose((one.body["device"], one.book.partial_md5) for one in items if "file" in one.body)
        return len(rows)

    def _put_kind(self, kind: str, items: Sequence[Item], plugin: str, now: datetime) -> int:
        items = self._makers.own(kind, items, plugin, now)
        if self._proposals.find_one(kind=kind):
            self._database.run_many(WITHDRAW, [fact_row(item) for item in items])
        before = read_held(self._database, kind, (item.key for item in items))
        after = dict(before)
        for item in items:
            after[item.key] = settled(after[item.key], item, now)
        self._books.keep((item.book for item in items), now)
        both = [(before[key], held) for key, held in after.items()]
        said = [held for old, held in both if old and held and held != old and not is_news(old, held)]
        self._database.run_many(SAID, [{"id": held.id, "said_at": held.said_at} for held in said])
        news = [(old, held) for old, held in both if is_news(old, held)]
        self._write(news, plugin, now)
        return len(news)

    def _write(self, news: Sequence[tuple[Held | None, Held | None]], plugin: str, now: datetime) -> None:
        """news: each fact before and after. What was taken out and came back is put anew."""
        gone = [{"id": old.id} for old, held in news if old and (held is None or held.id is None)]
        # A new item is never older than the targets: they would not be owed it when the clock was set back since.
        times = {"now": (at := now.timestamp()), "created_at": max(at, self._database.value(LAST_REGISTERED))}
        rows = [held_row(held, plugin, times) for _, held in news if held]
        last = self._database.value("SELECT COALESCE(MAX(id), 0) AS last FROM items")
        for statement in TAKE_OUT:
            self._database.run_many(statement, gone)
        self._database.run_many(ADD, [row for row in rows if row["id"] is None])
        self._database.run_many(CHANGE, [row for row in rows if row["id"] is not None])
        changed = [held for _, held in news if held and '"withdrawn"' in held.item.text]  # few, of very many
        self._database.run_many(TAKE_OUT[0], [{"id": held.id} for held in changed if held.item.body.get("withdrawn")])
        self._database.run(OWE.format(which="i.id > :last"), last=last)  # nobody else adds any before the end
        for ids in batched((row["id"] for row in rows if row["id"] is not None), MAX_KEYS):
            self._database.run(OWE.format(which="i.id IN :ids"), ids=ids)

    def subscribe(
        self, target: str, kinds: Iterable[str], since: datetime | None, plugin: str, now: datetime,
        matching: bool = False,
    ) -> None:  # fmt: skip
        """From now on, and for what occurred at or after since, a target is owed every item of these kinds.

        matching: whether it has to match their books first.
        """
        table = self._database.table("subscriptions")
        held = {row["kind"]: row for row in table.find(target=target) if row["enabled"]}
        wanted, start, is_given = set(kinds), (since or now).timestamp(), int(since is not None)
        new = [kind for kind in wanted if is_new(held.get(kind), plugin, start if since else None, matching)]
        if not new and not held.keys() - wanted:
            return
        with self._database.writing():
            row = {"target": target, "since": start, "is_given": is_given, "plugin": plugin, "matching": int(matching)}
            self._database.run_many(SUBSCRIBE, [{**row, "kind": kind, "now": now.timestamp()} for kind in new])
            self._database.run_many(END_KIND, [{"target": target, "kind": kind} for kind in held.keys() - wanted])
            self._database.run(NOT_OWED)
            self._database.run(OWE.format(which="s.target = :target"), target=target)

    def unsubscribe(self, plugins: Iterable[str]) -> None:
        """Nothing is owed to the targets of these plugins any more; what waits is kept for when they are enabled again.

        For plugins that a person has disabled or removed; that this process does not have one ends nothing.
        """
        names = list(plugins)
        rows = self._database.table("subscriptions").find(plugin=names, enabled=1) if names else []
        if rows:
            with self._database.writing():
                self._database.run(END_TARGETS, ids=names)
                self._database.run(NOT_OWED)

    def subscribers(self) -> dict[str, str | None]:
        """The targets that are owed something now or later, each with the plugin that it is of."""
        return {row["target"]: row["plugin"] for row in self._database.table("subscriptions").find(enabled=1)}

    def has_imports(self) -> bool:
        """Whether a file of past reading told anything. It is asked all the time, so each item is looked at once."""
        found, self._past = any_imported(self._database, self._past)
        return found

    def imports(self) -> list[Imports]:
        """What files of past reading told, by book."""
        return [Imports(**row) for row in self._database.rows(IMPORTS)]

    def clear(self, queue: str, now: datetime, by: str = "kind") -> int:
        """Clears a queue for good: its items will not be sent, nor come back with a later import.

        queue: a kind; or a partial MD5, by `book_md5`. Returns how many items it were. What was sent in an earlier
        revision stays in the histories.
        """
        with self._database.writing():
            count = self._database.value(f"SELECT COUNT(DISTINCT item_id) FROM owed WHERE {by} = :queue", queue=queue)
            self._database.run(CLEAR.format(which=f"o.{by} = :queue"), queue=queue, now=now.timestamp())
            self._database.run(f"DELETE FROM owed WHERE {by} = :queue", queue=queue)
        return int(count)


def is_news(before: Held | None, after: Held | None) -> bool:
    return (before and (before.id, before.revision)) != (after and (after.id, after.revision))


def is_new(held: dict[str, Any] | None, plugin: str, since: float | None, matching: bool) -> bool:
    """Whether a subscription has to be written: there is none, or it is another plugin's, or for another past."""
    if held is None or (held["plugin"], held["matching"]) != (plugin, matching):
        return True
    return since is not None and held["since"] != since


def held_row(held: Held, plugin: str, times: dict[str, float]) -> dict[str, Any]:
    about = {"id": held.id, "revision": held.revision, "said_at": held.said_at, "plugin": plugin}
    return fact_row(held.item) | about | times


def fact_row(item: Item) -> dict[str, Any]:
    about = {"kind": item.kind, "key": item.key, "book_md5": item.book.partial_md5, "body": item.text}
    return about | {"occurred_at": item.occurred_at.timestamp()}
