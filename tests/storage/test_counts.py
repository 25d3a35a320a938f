"""Status: what is known and what waits, the same from the file as through the database."""

import sqlite3

import pytest

from booklore_core import BookRef, Item, ItemFailed, ItemRejected, TargetUnavailable
from booklore_core.cli.status_view import DatabaseFile
from booklore_core.storage.counts import MAX_WAITING, PENDING, count_pending, has_delivered, read_status
from booklore_core.storage.faults import DatabaseUnusable
from booklore_core.testing import FakeLibrary, FakeTarget

DUNE = BookRef("ec549edd15e40cfc506269777a36b559", "Dune")
EMMA = BookRef("0123456789abcdef0123456789abcdef", "Emma")


def facts(clock, *stars, book=DUNE, kind="rating"):
    return [Item(kind, f"{book.title} {number}", book, {"stars": one}, clock()) for number, one in enumerate(stars)]


def reasons(core):
    return [(one.target, one.reason, one.attempts) for one in core.status().waiting]


def read_file(core):
    if core.places.database_file is None:
        return read_status(core.database)
    quick = DatabaseFile(core.places.database_file)
    try:
        return read_status(quick)
    finally:
        quick.close()


def test_nothing_is_known_at_first(open_core):
    assert open_core().status().as_json() == {
        "books": {"total": 0, "matched": 0, "unmatched": 0},
        "pending": {},
        "synced": {},
        "waiting": [],
        "asked": {},
        "last_sync": None,
        "targets": [],
        "devices": [],
        "superseded": [],
        "remarks": 0,
        "quarantine": {"lines": 0, "reason": None},
    }


def test_an_item_waits_until_every_target_has_it_and_counts_once(open_core, clock):
    bookworm = FakeTarget(kinds={"rating"})
    asleep = FakeTarget("asleep", kinds={"rating"}, fails_with=TargetUnavailable("asleep"))
    core = open_core(bookworm, asleep)
    core.put(facts(clock, 4, 5), "test")
    assert core.status().pending == {"rating": 2}

    core.sync()
    status = core.status()
    assert (status.pending, status.synced) == ({"rating": 2}, {"rating": 2})
    assert {one.target for one in status.waiting} == {"asleep"}

    asleep.wake_up()
    core.sync()
    status = core.status()
    assert (status.pending, status.synced, status.waiting) == ({}, {"rating": 2}, [])


@pytest.mark.parametrize(
    ("error", "reason", "attempts"),
    [
        (None, "not sent yet", 0),
        (ItemFailed("the server is confused"), "the server is confused", 1),
        (ItemRejected("the server says never"), "the server says never", 1),
        (KeyError("id"), "deliver failed: KeyError: 'id'", 1),
        (TargetUnavailable("down", maybe_sent=False), "down", 0),
        (TargetUnavailable("hung up", maybe_sent=True), "outcome unknown: hung up", 0),
    ],
)
def test_every_waiting_item_says_why(open_core, clock, error, reason, attempts):
    core = open_core(FakeTarget(kinds={"rating"}, fails_with=error))
    core.put(facts(clock, 4), "test")

    if error:
        core.sync()

    [(target, why, tries)] = reasons(core)
    assert (target, why.partition(" (/")[0], tries) == ("bookworm", reason, attempts)  # a bug's file is told, too


def test_why_nobody_answered_is_told_of_everything_that_waits_there_and_nowhere_else(open_core, clock):
    asleep = FakeTarget("asleep", kinds={"rating"}, fails_with=TargetUnavailable("asleep", maybe_sent=False))
    away = FakeTarget("away", kinds={"rating"}, fails_with=ItemFailed("confused"))
    core = open_core(asleep, away)
    core.put(facts(clock, 4, 5), "test")

    core.sync()

    assert sorted(reasons(core)) == [("asleep", "asleep", 0), ("asleep", "asleep", 0), ("away", "confused", 1),
                                     ("away", "confused", 1)]  # fmt: skip
    assert core.database.rows("SELECT DISTINCT target FROM deliveries") == [{"target": "away"}]
    assert read_file(core) == core.status()


def test_why_nobody_answered_is_forgotten_once_somebody_has(open_core, clock):
    target = FakeTarget(kinds={"rating"}, fails_with=TargetUnavailable("asleep", maybe_sent=False))
    core = open_core(target)
    core.put(facts(clock, 4), "test")
    core.sync()
    target.wake_up()
    core.sync()

    core.put(facts(clock, 4, 5, book=EMMA), "test")

    assert {reason for _, reason, _ in reasons(core)} == {"not sent yet"}


def test_a_changed_fact_waits_because_it_changed(open_core, clock):
    core = open_core(FakeTarget(kinds={"rating"}))
    core.put(facts(clock, 4), "test")
    core.sync()

    clock.forward(minutes=1)
    core.put(facts(clock, 5), "test")

    assert reasons(core) == [("bookworm", "changed since it was sent", 0)]


def test_a_fact_that_changed_after_it_was_cleared_waits_again(open_core, clock):
    core = open_core(FakeTarget(kinds={"rating"}))
    core.put(facts(clock, 4), "test")
    core.outbox.clear("rating", clock())
    assert reasons(core) == []

    clock.forward(minutes=1)
    core.put(facts(clock, 5), "test")

    assert reasons(core) == [("bookworm", "changed since it was cleared", 0)]


def test_books_are_counted_with_and_without_a_match(open_core, clock):
    core = open_core(FakeLibrary({DUNE.partial_md5: "7"}, kinds={"rating"}))
    core.put([*facts(clock, 4), *facts(clock, 3, book=EMMA)], "test")

    core.sync()

    assert core.status().books == {"total": 2, "matched": 1, "unmatched": 1}
    assert [one.book for one in core.status().waiting] == ["Emma"]


@pytest.mark.sqlite_only("its file")
def test_the_file_read_by_itself_shows_the_same(open_core, clock):
    core = open_core(FakeLibrary({DUNE.partial_md5: "7"}, kinds={"rating", "session"}))
    core.put([*facts(clock, 4, 5), *facts(clock, 3, book=EMMA, kind="session")], "test")
    core.sync()

    assert read_file(core) == core.status()


@pytest.mark.sqlite_only("its file")
def test_a_closed_database_shows_the_same_and_leaves_nothing_behind(open_core, clock):
    core = open_core(FakeTarget(kinds={"rating"}))
    core.put(facts(clock, 4, 5), "test")
    before = core.status()
    core.close()
    content = core.places.database_file.read_bytes()

    assert read_file(core) == before
    assert core.places.database_file.read_bytes() == content


@pytest.mark.sqlite_only("its file")
def test_another_version_is_left_to_the_database(open_core):
    core = open_core()
    core.database.run("INSERT INTO schema_version VALUES (99)")

    with pytest.raises(sqlite3.Error, match="99"):
        DatabaseFile(core.places.database_file)
    with pytest.raises(DatabaseUnusable, match="newer version"):
        open_core()


@pytest.mark.parametrize("content", [None, b"", b"no database at all" * 100])
def test_what_is_no_database_is_left_to_the_database(tmp_path, content):
    file = tmp_path / "booklore.sqlite"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(sqlite3.Error):
        DatabaseFile(file)

    assert file.exists() == (content is not None)


def test_the_list_of_what_waits_is_bounded_and_the_counts_are_complete(open_core, clock):
    core = open_core(FakeTarget(kinds={"rating"}))
    core.put(facts(clock, *range(MAX_WAITING + 5)), "test")

    status = core.status()

    assert status.pending == {"rating": MAX_WAITING + 5}
    assert len(status.waiting) == MAX_WAITING
    assert len(read_status(core.database, limit=3).waiting) == 3


@pytest.mark.sqlite_only("its plans")
def test_counting_what_waits_does_not_read_what_was_sent(open_core, clock):
    core = open_core(FakeTarget(kinds={"rating"}))
    core.put(facts(clock, *range(50)), "test")
    core.sync()
    core.put(facts(clock, 1, 2, book=EMMA), "test")

    plan = " ".join(row["detail"] for row in core.database.rows(f"EXPLAIN QUERY PLAN {PENDING}"))

    assert count_pending(core.database) == {"rating": 2}
    assert "owed" in plan
    assert not {"items", "deliveries"} & set(plan.split())


def test_whether_anything_was_sent_is_known(open_core, clock):
    core = open_core(FakeTarget(kinds={"rating"}))
    core.put(facts(clock, 4), "test")

    assert not has_delivered(core.database)
    core.sync()
    assert has_delivered(core.database)
