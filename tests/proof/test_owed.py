"""Whatever is put, sent, cleared, subscribed and switched in whatever order: `owed` holds what its definition says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from databases import url_of
from tally import count

from booklore_core import TOMBSTONE, BookRef, Item
from booklore_core.pipeline.books import Books
from booklore_core.pipeline.ledger import (
    DELIVERED,
    REJECTED,
    RETRYING,
    SUPERSEDED,
    UNCONFIRMED,
    UNMATCHED,
    Delivery,
    Ledger,
    Outcome,
)
from booklore_core.pipeline.outbox import Outbox
from booklore_core.storage.database import Database

BOOKS = (BookRef("d" * 32, "Dune"), BookRef("e" * 32, "Emma"))
KINDS, KEYS, TARGETS = ("rating", "session"), ("one", "two"), ("library", "archive")
BODIES = ({"n": 1}, {"n": 2}, TOMBSTONE)
WALKS, LENGTH = 12, 100
OUTCOMES = (
    Outcome(DELIVERED, remote_id="1"),
    Outcome(DELIVERED),
    Outcome(SUPERSEDED, reason="newer"),
    Outcome(RETRYING, reason="busy", counts=True),
    Outcome(UNCONFIRMED, maybe_sent=True, reason="lost"),
    Outcome(REJECTED, reason="never", counts=True),
    Outcome(REJECTED, maybe_sent=True, reason="never", counts=True),
    Outcome(UNMATCHED, reason="404", counts=True),
)
Owed = set[tuple[str, str, str, str]]
"""Target, kind, key and partial MD5 of everything that is owed."""


class Walk:
    """One database with two targets; a run may be in the middle of sending at each, and may be killed there.

    Every public method is a step; the dice say about what. story: the steps so far.
    """

    def __init__(self, url: str, seed: int) -> None:
        self.dice, self.story = Random(seed), [f"seed {seed}"]
        self.database = Database(url)
        self.outbox, self.ledger = Outbox(self.database, Books(self.database)), Ledger(self.database)
        self.now = datetime(2026, 11, 20, 20, 0, tzinfo=UTC)
        self.begun: dict[str, list[Delivery]] = {}
        self.outbox.subscribe(TARGETS[0], KINDS, None, f"{TARGETS[0]}_plugin", self.now)

    def step(self) -> None:
        name = self.dice.choice(STEPS)
        self.story.append(name)
        getattr(self, name)(self.dice.choice(TARGETS), self.dice.choice(KINDS))

    def put(self, target: str, kind: str) -> None:
        at = self.now - timedelta(hours=self.dice.randint(-3, 3))
        item = Item(kind, self.dice.choice(KEYS), self.dice.choice(BOOKS), self.dice.choice(BODIES), at)
        self.outbox.put([item], "test", self.now)

    def set_the_clock(self, target: str, kind: str) -> None:
        self.now += timedelta(hours=self.dice.randint(-2, 3), seconds=1)

    def subscribe(self, target: str, kind: str) -> None:
        hours = self.dice.choice([None, 0, 2])
        since = None if hours is None else self.now - timedelta(hours=hours)
        kinds = self.dice.choice([KINDS, KINDS, (kind,)])
        self.outbox.subscribe(target, kinds, since, f"{target}_plugin", self.now)

    def disable(self, target: str, kind: str) -> None:
        self.outbox.unsubscribe([f"{target}_plugin"])

    def begin(self, target: str, kind: str) -> None:
        if not self.begun.get(target):
            with self.database.writing():
                self.begun[target] = self.ledger.load(target, list(self.ledger.due(target))[: self.dice.randint(1, 3)])
                self.ledger.begin(self.begun[target], target, self.now)

    def settle(self, target: str, kind: str) -> None:
        for one in self.begun.pop(target, []):
            self.ledger.settle([(one, self.dice.choice(OUTCOMES))], target, self.now)

    def withdraw(self, target: str, kind: str) -> None:
        with self.database.writing():
            self.ledger.withdraw(self.begun.pop(target, []), target, self.now)

    def be_killed(self, target: str, kind: str) -> None:
        self.begun.pop(target, None)

    def wait_for_a_match(self, target: str, kind: str) -> None:
        if not self.begun.get(target):
            self.ledger.wait(self.ledger.load(target, list(self.ledger.due(target))), target, "no match", self.now)

    def clear(self, target: str, kind: str) -> None:
        self.outbox.clear(kind, self.now)
        assert not [one for one in held(self) if one[1] == kind]

    def forget(self, target: str, kind: str) -> None:
        before = held(self)
        self.ledger.forget(kind)
        assert held(self) == before

    def owe_again(self, target: str, kind: str) -> None:
        for key in KEYS:
            self.ledger.owe_again(target, kind, key)

    def check(self) -> None:
        assert held(self) == defined(self), self.story
        for target in TARGETS:
            loaded = self.ledger.load(target, list(self.ledger.due(target)))
            due = {(target, one.item.kind, one.item.key, one.item.book.partial_md5) for one in loaded}
            assert due == {one for one in held(self) if one[0] == target}, self.story


STEPS = [name for name in vars(Walk) if name not in ("step", "check") and not name.startswith("_")]
STEPS += ["put", "put", "begin", "begin", "settle", "settle"]


def held(walk: Walk) -> Owed:
    rows = walk.database.rows("SELECT o.target, o.kind, i.key, o.book_md5 FROM owed o JOIN items i ON i.id = o.item_id")
    return {(row["target"], row["kind"], row["key"], row["book_md5"]) for row in rows}


def defined(walk: Walk) -> Owed:
    """What subscribed targets have not got in its latest revision, and nobody has cleared (design §6)."""
    read = walk.database.rows
    deliveries = {(row["item_id"], row["target"]): row for row in read("SELECT * FROM deliveries")}
    return {
        (one["target"], item["kind"], item["key"], item["book_md5"])
        for item in read("SELECT * FROM items")
        for one in read("SELECT * FROM subscriptions")
        if is_subscribed(one, item) and is_missing(deliveries.get((item["id"], one["target"])), item["revision"])
    }


def is_subscribed(subscription: dict[str, Any], item: dict[str, Any]) -> bool:
    is_new = item["created_at"] >= subscription["registered_at"] or item["occurred_at"] >= subscription["since"]
    return bool(subscription["enabled"] and subscription["kind"] == item["kind"] and is_new)


def is_missing(delivery: dict[str, Any] | None, revision: int) -> bool:
    if delivery is None:
        return True
    has_latest = delivery["state"] in (DELIVERED, SUPERSEDED) and delivery["revision"] >= revision
    return not has_latest and delivery["cleared"] < revision


@pytest.mark.parametrize("seed", range(WALKS))
def test_what_is_owed_is_what_the_definition_says_whatever_happens(tmp_path: Path, seed: int) -> None:
    walk = Walk(url_of(tmp_path), seed)
    for _ in range(LENGTH):
        walk.step()
        walk.check()
    walk.database.close()
    count("steps through the outbox", LENGTH)
