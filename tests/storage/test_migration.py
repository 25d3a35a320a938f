"""A database of the first schema, as the earlier program left it, opened by this one: nothing is lost or sent twice."""

import hashlib
import json
from datetime import datetime, timedelta
from functools import partial

import pytest
from databases import asked
from declared_kinds import declare
from function_features import add_feature, note

from booklore_core import Before, BookRef, Item, ItemFailed
from booklore_core.storage.schema import MIGRATIONS, TYPES
from booklore_core.targets import Match
from booklore_core.testing import FakeTarget, SampleReader, sample_book

DUNE = sample_book("Dune")
MD5 = DUNE["partial_md5"]
THEN = 1795200000.0
"""When the earlier program was there: an hour and twenty minutes before the tests' clock."""

LEFT_ALONE = ("devices", "pairings", "books", "files", "matches", "remarks", "settings", "plugin_store", "leases")
"""Tables in which nothing changes."""

OLD_VIEWS = """
CREATE VIEW due AS SELECT i.id AS item_id, s.target AS target FROM items i JOIN subscriptions s ON s.kind = i.kind;
CREATE VIEW pending_sessions AS SELECT i.id AS id FROM items i JOIN due ON due.item_id = i.id;
CREATE VIEW book_cache AS SELECT id FROM books;
"""


class OldDatabase:
    """A database as the first schema has it."""

    def __init__(self, home, kind):
        home.mkdir()
        self.ask = partial(asked, home)
        for statement in filter(str.strip, f"{MIGRATIONS[0].format(**TYPES[kind])};{OLD_VIEWS}".split(";")):
            self.ask(statement)
        self.put("schema_version", version=1)

    def put(self, table, **row):
        marks = ", ".join("?" * len(row))
        self.ask(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", *row.values())

    def book(self, book=DUNE, **more):
        row = {"partial_md5": book["partial_md5"], "title": book["title"], "authors": json.dumps(book["authors"])}
        self.put("books", **row, size=book["size"], **{"tracked": 1, "stars_known": 0, "created_at": THEN,
                 "updated_at": THEN, **more})  # fmt: skip

    def event(self, line, tracked=1, **more):
        text = json.dumps(line, ensure_ascii=False, sort_keys=True)
        at = datetime.fromisoformat(line["at"]).timestamp()
        self.put("events", device=line["device"], event_id=line["id"], name=line["event"], at=at,
                 ord=f"{int(line['id'].rpartition('-')[2]):020d}", book_md5=line["book"]["partial_md5"],
                 tracked=tracked, line=text, received_at=THEN, **more)  # fmt: skip

    def item(self, key, kind="rating", revision=1, body=None, plugin="ratings", **more):
        row = {"occurred_at": THEN, "created_at": THEN, "updated_at": THEN, **more}
        body = {"stars": revision} if body is None else body
        self.put("items", kind=kind, key=key, book_md5=MD5, body=json.dumps(body), revision=revision, plugin=plugin,
                 **row)  # fmt: skip

    def delivery(self, key, state, revision=1, maybe_sent=0, remote_id=None, target="bookworm"):
        [item] = self.rows("items", key=key)
        self.put("deliveries", item_id=item["id"], target=target, state=state, revision=revision,
                 maybe_sent=maybe_sent, retry_count=2, remote_id=remote_id, tried_at=THEN)  # fmt: skip

    def subscription(self, target="bookworm", kind="rating", enabled=1, since=THEN):
        self.put("subscriptions", target=target, kind=kind, enabled=enabled, since=since, registered_at=since)

    def rows(self, table, **where):
        return [
            row
            for row in self.ask(f"SELECT * FROM {table} ORDER BY 1, 2")
            if all(row[name] == value for name, value in where.items())
        ]


@pytest.fixture
def old(tmp_path, database_kind):
    old = OldDatabase(tmp_path / "home", database_kind)
    old.book()
    return old


@pytest.fixture
def bookworm():
    return FakeTarget(kinds={"rating"})


def received(target):
    return {item.key: before for item, before in zip(target.received, target.befores, strict=True)}


def test_what_the_new_schema_does_not_change_is_there_as_it_was(old, open_core):
    old.put("devices", id="kobo", name="Libra", token_hash="secret", last_seen=THEN, waiting=3)
    old.put("pairings", salt="s", code_hash="h", expires_at=THEN, used=0)
    old.put("files", device="kobo", path="/mnt/dune.epub", book_md5=MD5, size=5, seen_at=THEN)
    old.put("matches", book_md5=MD5, target="bookworm", remote_id="7", how="person", sure=1.0, matched_at=THEN)
    old.put("remarks", key="a", plugin="sessions", book_md5=MD5, remark="why", made_at=THEN)
    old.put("settings", name="sessions.min_duration", value="45")
    old.put("plugin_store", plugin="booklore", key="known", value='{"a": 1}')
    old.put("leases", target="bookworm", owner="old", expires_at=THEN)
    before = {table: old.rows(table) for table in LEFT_ALONE}
    assert all(before.values())

    core = open_core()

    for table, rows in before.items():
        assert [row | known for row, known in zip(old.rows(table), rows, strict=True)] == old.rows(table)
    assert core.settings["sessions.min_duration"] == 45
    assert core.devices.paired()[0]["name"] == "Libra"


STATES = {
    "never tried": (None, Before()),
    "failed": ({"state": "retrying"}, Before()),
    "failed and maybe sent": ({"state": "retrying", "maybe_sent": 1}, Before(maybe_sent=True)),
    "unknown": ({"state": "unconfirmed", "maybe_sent": 1}, Before(maybe_sent=True)),
    "unmatched": ({"state": "unmatched"}, Before()),
    "rejected": ({"state": "rejected"}, Before()),
    "delivered": ({"state": "delivered", "remote_id": "r"}, None),
    "cleared": ({"state": "discarded"}, None),
    "cleared and maybe sent": ({"state": "discarded", "maybe_sent": 1}, None),
    "forgotten": ({"state": "discarded", "remote_id": "r"}, None),
}
"""Deliveries of a first revision, and what the next attempt is told; None: there is none."""


@pytest.fixture
def every_state(old):
    old.subscription()
    for key, (delivery, _) in STATES.items():
        old.item(key)
        if delivery:
            old.delivery(key, **delivery)


def test_what_waited_is_owed_and_what_was_delivered_or_cleared_is_not(every_state, open_core, bookworm):
    core = open_core(bookworm)
    core.sync()

    assert received(bookworm) == {key: before for key, (_, before) in STATES.items() if before is not None}
    core.sync()
    assert core.pending() == {}


def test_what_waits_is_told_also_where_the_target_is_not(every_state, open_core):
    waiting = open_core().status().waiting

    assert sorted({one.attempts for one in waiting}) == [0, 2]
    assert len(waiting) == len([before for _, before in STATES.values() if before is not None])


EDITED = {
    "delivered": ({"state": "delivered", "remote_id": "r"}, Before(remote_id="r")),
    "edit failed": ({"state": "retrying", "revision": 2, "remote_id": "r"}, Before(remote_id="r")),
    "edit unknown": ({"state": "unconfirmed", "revision": 2, "maybe_sent": 1, "remote_id": "r"},
                     Before(remote_id="r", maybe_sent=True)),
    "cleared": ({"state": "discarded"}, Before()),
    "forgotten": ({"state": "discarded", "remote_id": "r"}, Before(remote_id="r")),
    "edit cleared": ({"state": "discarded", "revision": 2}, None),
    "edit delivered": ({"state": "delivered", "revision": 2, "remote_id": "r"}, None),
}  # fmt: skip
"""Deliveries of a fact that has a second revision by now."""


@pytest.fixture
def edited(old):
    old.subscription()
    for key, (delivery, _) in EDITED.items():
        old.item(key, revision=2)
        old.delivery(key, **delivery)


def test_edits_that_waited_are_owed(edited, open_core, bookworm):
    core = open_core(bookworm)
    core.sync()

    assert received(bookworm) == {key: before for key, (_, before) in EDITED.items() if before is not None}


def test_an_edit_that_failed_and_is_cleared_now_is_not_taken_for_delivered(edited, open_core, bookworm, clock):
    core = open_core(bookworm)
    assert {item.key for item in core.ledger.taken("bookworm", MD5)} == {"edit delivered"}

    core.outbox.clear("rating", clock())

    assert {item.key for item in core.ledger.taken("bookworm", MD5)} == {"edit delivered"}


def test_what_was_cleared_edited_and_cleared_again_never_enters_the_history(edited, open_core, bookworm, clock):
    core = open_core(bookworm)
    bookworm.fails_with = ItemFailed("busy")
    core.sync()

    core.outbox.clear("rating", clock())

    states = core.database.rows("SELECT state FROM deliveries d JOIN items i ON i.id = d.item_id WHERE key = 'cleared'")
    assert states == [{"state": "discarded"}]


def test_a_target_that_was_off_is_owed_nothing_until_it_is_on_again(old, open_core):
    old.subscription("retired", enabled=0)
    old.item("one")
    assert open_core().pending() == {}

    retired = FakeTarget("retired", {"rating"})
    core = open_core(retired)
    core.sync()

    assert [item.key for item in retired.received] == ["one"]


def test_a_target_is_owed_nothing_from_before_its_time_unless_it_was_given_the_past(old, open_core):
    old.subscription(since=THEN)
    old.subscription("archive", since=THEN)
    old.ask("UPDATE subscriptions SET since = 0 WHERE target = 'archive'")
    old.item("before", created_at=THEN - 60, occurred_at=THEN - 60)
    old.item("after")

    core = open_core()

    owed = core.database.rows("SELECT target, COUNT(*) AS count FROM owed GROUP BY target ORDER BY target")
    assert owed == [{"target": "archive", "count": 2}, {"target": "bookworm", "count": 1}]


@pytest.fixture
def read_before(old):
    """Two sessions that the earlier program made, by other settings than those of now; the first one was sent."""
    reader = SampleReader()
    for number in (1, 3):
        begun = reader.now.timestamp()
        reader.read(DUNE)
        reader.sleep(3600)
        key = f"kobo-7f3a:kobo-7f3a-{number:06d}"
        ends = [f"kobo-7f3a-{number:06d}", f"kobo-7f3a-{number + 1:06d}"]
        body = {"duration": 1, "stretches": [ends]}
        old.item(key, "session", body=body, plugin="sessions", occurred_at=begun)
        if number == 1:
            old.delivery(key, "delivered", remote_id="r")
    for line in reader.lines:
        old.event(line)
    old.subscription(kind="session")
    return reader


def test_what_was_derived_is_not_derived_anew_and_the_next_session_is(read_before, open_core):
    bookworm = FakeTarget()
    core = open_core(bookworm)
    core.derive.lead()
    core.sync()
    assert [item.body["duration"] for item in bookworm.received] == [1]

    core.take(read_before.read(DUNE), "test")
    core.sync()

    assert [item.body["duration"] for item in bookworm.received] == [1, 400]
    assert core.status().synced == {"session": 3}


def test_a_feature_that_was_off_catches_up_and_changes_nothing_that_was_sent(read_before, old, open_core):
    old.put("settings", name="sessions.enabled", value="false")
    read_before.sleep(3600)
    for line in read_before.read(DUNE):
        old.event(line)
    bookworm = FakeTarget()
    core = open_core(bookworm)

    core.settings.set("sessions.enabled", True)
    core.refresh()
    core.sync()

    assert [item.body["duration"] for item in bookworm.received] == [400, 400]
    assert core.status().synced == {"session": 3}


def test_lines_that_come_again_are_known(read_before, open_core):
    taken = open_core(FakeTarget()).take(read_before.lines, "test")

    assert (taken.accepted, taken.repeated, taken.rejected, taken.news) == (0, 4, [], 0)


def test_annotations_that_still_stand_in_their_lines_are_told(old, open_core):
    reader = SampleReader()
    reader.open(DUNE)
    old.event(reader.close(annotations=[{"text": "Fear"}]))
    core, told = open_core(), []

    add_feature(core, "late", on_book_close=lambda event: told.append(event.annotations))
    core.derive.lead()

    assert told == [({"text": "Fear"},)]


def test_events_at_which_a_feature_failed_are_given_to_it_again(read_before, old, open_core):
    for hook in ("on_book_open", "on_rating"):
        old.put("replays", event=1, plugin="diary", hook=hook, error=f"{hook} failed", failed_at=THEN)
    old.item("a", "note", plugin="diary")
    core = open_core()
    assert core.derive.failing() == {"diary": (1, "on_rating failed")}

    add_feature(core, on_book_open=lambda event: [note(event)])
    core.derive.lead()

    keys = core.database.rows("SELECT key FROM items WHERE plugin = 'diary' ORDER BY id")
    assert [row["key"] for row in keys] == ["a", "kobo-7f3a-000001"]
    assert core.derive.failing() == {}


def test_what_was_kept_aside_is_in_quarantine_and_tried_again_by_the_new_version(old, open_core):
    good = SampleReader().open(DUNE)
    for line in ("{torn", json.dumps(good)):
        digest = hashlib.sha256(line.encode()).hexdigest()
        old.put("kept_aside", digest=digest, source="spool.jsonl", line=line, field="line", reason="no", seen_at=THEN)
    core = open_core()
    assert [(one.source, one.line, one.seen_at) for one in reversed(core.quarantine.lines())] == [
        ("spool.jsonl", "{torn", THEN), ("spool.jsonl", json.dumps(good), THEN)]  # fmt: skip

    core.catch_up()

    assert [one.line for one in core.quarantine.lines()] == ["{torn"]
    assert [entry.event.id for entry in core.event_log.after(0, 9)] == [good["id"]]


def test_the_documented_views_work(read_before, old, open_core):
    old.item("waits", "session", body={"duration": 77, "start": "2026-11-20T08:00:00Z"}, plugin="sessions")
    core = declare(open_core())

    pending = core.database.rows("SELECT id, retry_count, book_id, duration_seconds, book_hash FROM pending_sessions")
    assert sorted((row["duration_seconds"], row["book_hash"], row["retry_count"]) for row in pending) == [
        (1, MD5, 0),
        (77, MD5, 0),
    ]
    assert len(core.database.rows("SELECT * FROM historical_sessions")) == 1
    assert core.database.rows("SELECT file_hash, title FROM book_cache") == [{"file_hash": MD5, "title": "Dune"}]
    assert core.database.rows("SELECT id, file_path, book_id, created_at FROM pending_deletions") == []


def test_a_fact_of_the_earlier_program_is_the_same_fact(old, open_core, bookworm, clock):
    old.subscription()
    for key in ("one", "two"):
        old.item(key)
        old.delivery(key, "delivered", remote_id="r")
    core = open_core(bookworm)
    same = Item("rating", "one", BookRef(MD5, "Dune"), {"stars": 1}, clock())

    assert core.put([same], "ratings") == 0
    assert core.put([Item("rating", "two", same.book, {"stars": 5}, clock() - timedelta(days=1))], "ratings") == 0
    clock.forward(hours=1)
    assert core.put([Item("rating", "one", same.book, {"stars": 5}, clock())], "ratings") == 1
    core.sync()

    assert received(bookworm) == {"one": Before(remote_id="r")}


def test_a_book_that_was_not_tracked_stays_so(old, open_core):
    old.book(sample_book("Emma"), tracked=0, stars=4, stars_at=THEN)
    core = open_core()

    core.take(SampleReader(stars=2).read(sample_book("Emma")), "test")

    assert core.pending() == {}
    assert core.books.stars([sample_book("Emma")["partial_md5"]])[sample_book("Emma")["partial_md5"]].given == (4, True)


def test_what_was_delivered_lies_in_the_book_that_was_matched_then(old, open_core, bookworm, clock):
    old.item("one")
    old.delivery("one", "delivered")
    old.put("matches", book_md5=MD5, target="bookworm", remote_id="7", how="digest", sure=1.0, matched_at=THEN)
    core = open_core(bookworm)

    core.books.match(MD5, "bookworm", Match("8", "person"), clock())

    assert core.ledger.books("bookworm") == {"7": [MD5]}
    assert [item.book.match for item in core.ledger.taken("bookworm", MD5)] == ["7"]
