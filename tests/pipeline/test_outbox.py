"""The outbox keeps the latest revision of every fact and knows what each target is still owed."""

from datetime import timedelta

import pytest
from sqlalchemy import event

from booklore_core import TOMBSTONE, BookRef, Item, TargetUnavailable
from booklore_core.testing import FakeTarget

DUNE, EMMA = BookRef("d" * 32, "Dune"), BookRef("e" * 32, "Emma")


@pytest.fixture
def bookworm():
    return FakeTarget(kinds={"rating"})


@pytest.fixture
def core(open_core, bookworm):
    return open_core(bookworm)


@pytest.fixture
def put(core, clock):
    """Puts a rating and tells whether it was news."""

    def put(stars, book=DUNE, **ago):
        body = {"stars": stars} if stars else TOMBSTONE
        item = Item("rating", book.title or "", book, body, clock() - timedelta(**ago))
        return core.outbox.put([item], "test", clock())

    return put


def received(target):
    return [(item.key, item.body.get("stars")) for item in target.received]


def states(core):
    return [tuple(row.values()) for row in core.database.rows("SELECT state, revision, retry_count FROM deliveries")]


def test_a_fact_is_news_once(put):
    assert put(4)
    assert not put(4)


def test_an_unchanged_body_is_not_sent_again(core, put, clock, bookworm):
    put(4)
    core.sync()
    clock.forward(hours=1)
    put(4)
    core.sync()

    assert received(bookworm) == [("Dune", 4)]


@pytest.mark.sqlite_only("it is SQLite's plan")
def test_what_follows_from_a_line_is_found_without_a_look_at_all_of_its_kind(core, put):
    statements = []
    event.listen(core.database.engine, "before_cursor_execute", lambda *about: statements.append(about[2:4]))
    put(4)
    put(5)

    plans = {sql: core.database.engine.raw_connection().cursor().execute(f"EXPLAIN QUERY PLAN {sql}", values).fetchall()
             for sql, values in statements if sql.lstrip().startswith("INSERT INTO owed")}  # fmt: skip

    steps = [step for plan in plans.values() for *_, step in plan if step.startswith(("SCAN i", "SEARCH i"))]
    assert len(steps) == 2 and all("PRIMARY KEY" in step for step in steps)


def test_only_the_newest_body_is_sent(core, put, clock, bookworm):
    put(3)
    clock.forward(hours=1)
    put(5)
    core.sync()

    assert received(bookworm) == [("Dune", 5)]


def test_an_older_event_is_ignored(core, put, bookworm):
    put(5)

    assert not put(2, hours=1)
    core.sync()
    assert received(bookworm) == [("Dune", 5)]


def test_an_older_event_is_ignored_also_after_the_same_was_told_again(core, put, clock, bookworm):
    put(5)
    clock.forward(hours=2)
    put(5)

    assert not put(2, hours=1)


def test_a_time_in_the_future_does_not_bar_what_follows(core, put, clock, bookworm):
    put(2, days=-30000)
    clock.forward(hours=1)

    assert put(5)


def test_a_revision_after_delivery_is_sent_again_with_the_remote_id(core, put, clock, bookworm):
    put(3)
    core.sync()
    clock.forward(hours=1)
    put(5)
    core.sync()

    assert received(bookworm) == [("Dune", 3), ("Dune", 5)]
    assert [before.remote_id for before in bookworm.befores] == [None, "bookworm-1"]
    assert states(core) == [("delivered", 2, 0)]


def test_a_target_that_was_down_gets_only_the_latest(core, put, clock, bookworm):
    bookworm.fails_with = TargetUnavailable("asleep", maybe_sent=False)
    put(3)
    core.sync()
    clock.forward(hours=1)
    put(5)
    bookworm.wake_up()
    core.sync()

    assert received(bookworm) == [("Dune", 5)]


def test_a_removed_fact_that_was_sent_is_sent_as_a_tombstone(core, put, clock, bookworm):
    put(3)
    core.sync()
    clock.forward(hours=1)
    put(None)
    core.sync()

    assert received(bookworm) == [("Dune", 3), ("Dune", None)]


def test_a_fact_that_never_was_is_taken_out_as_long_as_no_target_may_have_it(core, put, bookworm):
    bookworm.fails_with = TargetUnavailable("asleep", maybe_sent=False)
    put(3)
    core.sync()

    assert put(None)
    assert core.pending() == {}
    assert core.database.rows("SELECT * FROM items") == []


def test_a_fact_that_never_was_but_may_have_been_sent_stays_as_a_tombstone(core, put, bookworm):
    bookworm.fails_with = TargetUnavailable("asleep", maybe_sent=True)
    put(3)
    core.sync()
    put(None)
    bookworm.wake_up()
    core.sync()

    assert received(bookworm) == [("Dune", None)]
    assert bookworm.befores[-1].maybe_sent


def test_discarded_items_are_not_sent_nor_brought_back_by_a_later_import(core, put, bookworm):
    put(3)
    put(4, book=EMMA)

    assert core.outbox.clear("rating", core.clock()) == 2
    put(3)
    core.sync()

    assert received(bookworm) == []
    assert core.pending() == {}


def test_what_a_person_does_after_discarding_is_sent(core, put, clock, bookworm):
    put(3)
    core.outbox.clear("rating", clock())
    clock.forward(hours=1)
    put(5)
    core.sync()

    assert received(bookworm) == [("Dune", 5)]


def test_discarding_counts_items_not_their_targets(open_core, clock):
    core = open_core(FakeTarget("one", {"rating"}), FakeTarget("two", {"rating"}))
    core.put([Item("rating", "x", DUNE, {"stars": 1}, clock())], "test")

    assert core.outbox.clear("rating", clock()) == 1
    assert core.pending() == {}


def test_discarding_a_revision_keeps_the_record_of_what_was_sent(core, put, clock, bookworm):
    put(3)
    core.sync()
    clock.forward(hours=1)
    put(5)
    core.outbox.clear("rating", clock())

    assert states(core) == [("delivered", 1, 0)]
    assert core.status().synced == {"rating": 1}
    assert core.pending() == {}


def test_discarding_what_may_have_been_sent_does_not_forget_that(core, put, clock, bookworm):
    bookworm.fails_with = TargetUnavailable("asleep")
    put(3)
    core.sync()
    core.outbox.clear("rating", clock())
    clock.forward(hours=1)
    put(5)
    bookworm.wake_up()
    core.sync()

    assert bookworm.befores[-1].maybe_sent


def test_a_new_target_gets_only_what_comes_after_it(open_core, clock):
    core = open_core()
    core.put([Item("rating", "old", DUNE, {"stars": 1}, clock())], "test")
    clock.forward(hours=1)

    bookworm = FakeTarget(kinds={"rating"})
    core = open_core(bookworm)
    core.put([Item("rating", "late", DUNE, {"stars": 2}, clock() - timedelta(days=9))], "test")
    core.put([Item("rating", "new", DUNE, {"stars": 3}, clock())], "test")
    core.sync()

    assert received(bookworm) == [("late", 2), ("new", 3)]


def test_a_new_target_can_be_given_the_past(open_core, clock):
    core = open_core()
    for key, days in (("first", 30), ("second", 10), ("third", 0)):
        core.put([Item("rating", key, DUNE, {"stars": 1}, clock() - timedelta(days=days))], "test")
    clock.forward(hours=1)

    core.outbox.subscribe("bookworm", {"rating"}, clock() - timedelta(days=20), "test", clock())

    assert len(core.ledger.due("bookworm")) == 2


def switch(core, on):
    core.settings.set("bookworm_plugin.enabled", on)
    core.refresh()


def test_a_disabled_target_keeps_its_backlog_and_what_comes_meanwhile(core, put, clock, bookworm):
    put(3)
    clock.forward(hours=1)
    switch(core, False)
    assert core.pending() == {}
    core.put([Item("rating", "meanwhile", EMMA, {"stars": 4}, clock())], "test")
    clock.forward(hours=1)

    switch(core, True)
    core.sync()

    assert received(bookworm) == [("Dune", 3), ("meanwhile", 4)]


def test_a_backlog_from_before_a_target_was_new_outlives_that_it_is_disabled(open_core, clock):
    core = open_core()
    core.put([Item("rating", "old", DUNE, {"stars": 1}, clock())], "test")
    clock.forward(hours=1)
    bookworm = FakeTarget(kinds={"rating"})
    core = open_core(bookworm)
    clock.forward(hours=1)
    core.put([Item("rating", "old", DUNE, {"stars": 5}, clock())], "test")
    clock.forward(hours=1)

    switch(core, False)
    clock.forward(hours=1)
    switch(core, True)
    core.sync()

    assert received(bookworm) == [("old", 5)]


def test_a_process_that_does_not_have_a_target_does_not_end_its_subscription(open_core, put, core, clock, bookworm):
    put(3)
    other = open_core()

    assert other.pending() == {"rating": 1}
    other.put([Item("rating", "from the other", EMMA, {"stars": 4}, clock())], "test")
    report = other.sync()
    core.sync()

    assert (report.is_complete, list(report.unavailable)) == (False, ["bookworm"])
    assert received(bookworm) == [("Dune", 3), ("from the other", 4)]


def test_what_is_owed_is_what_the_definition_says(core, put, clock, bookworm):
    put(3)
    put(4, book=EMMA)
    core.sync()
    clock.forward(hours=1)
    put(5)
    core.outbox.clear("rating", clock())
    switch(core, False)
    switch(core, True)

    assert core.pending() == {}
    clock.forward(hours=1)
    put(1, book=EMMA)
    assert core.pending() == {"rating": 1}


def test_an_older_event_does_not_beat_a_newer_one_while_the_outcome_is_unknown(core, put, clock, bookworm):
    bookworm.fails_with = TargetUnavailable("lost", maybe_sent=True)
    put(5)
    core.sync()
    clock.forward(hours=2)
    put(5)

    assert not put(2, hours=1)
    bookworm.wake_up()
    core.sync()
    assert received(bookworm) == [("Dune", 5)]


def test_an_edit_that_was_cleared_before_it_was_sent_is_not_sent_by_a_verification(core, put, clock, bookworm):
    put(3)
    core.sync()
    clock.forward(hours=1)
    put(5)
    core.outbox.clear("rating", clock())

    assert core.ledger.taken("bookworm", DUNE.partial_md5) == []
    core.ledger.owe_again("bookworm", "rating", "Dune")
    core.sync()

    assert received(bookworm) == [("Dune", 3)]


def test_a_clock_that_was_set_back_since_the_target_is_there_costs_nothing(core, put, clock, bookworm):
    clock.now -= timedelta(days=3)
    put(3)
    core.sync()

    assert received(bookworm) == [("Dune", 3)]


def test_a_target_is_owed_only_its_kinds(open_core, clock):
    core = open_core(FakeTarget(kinds={"session"}))

    core.put([Item("rating", "x", DUNE, {"stars": 1}, clock())], "test")

    assert core.pending() == {}


def test_what_is_due_is_told_as_numbers_and_loaded_as_asked_for(open_core, clock):
    core = open_core(FakeTarget(kinds={"rating"}))
    with core.database.writing():
        core.put([Item("rating", f"{n}", DUNE, {"stars": 1}, clock()) for n in range(1000)], "test")

    due = list(core.ledger.due("bookworm"))

    assert len(due) == 1000
    assert [delivery.id for delivery in core.ledger.load("bookworm", due[10:13])] == due[10:13]


def test_whether_there_is_an_imported_past_is_told_without_a_second_look_at_what_is_known(core, put, clock):
    read = []
    event.listen(core.database.engine, "before_cursor_execute", lambda *about: read.append(about[3]))

    def looked_from():
        """After which row was looked for it, and whether it was found."""
        read.clear()
        found = core.outbox.has_imports()
        return read[-1][0] if isinstance(read[-1], tuple) else read[-1]["past"], found

    def past(n, body):
        core.outbox.put([Item("session", f"past {n}", DUNE, body, clock() - timedelta(days=n))], "history", clock())

    put(4)
    put(3, book=EMMA)
    last = core.database.value("SELECT MAX(id) FROM items")
    assert [looked_from(), looked_from()] == [(0, False), (last, False)]

    past(1, {"source": "statistics"})
    put(5, book=BookRef("a" * 32, "Persuasion"))
    assert [looked_from(), looked_from()] == [(last, True), (last, True)]

    past(1, TOMBSTONE)
    assert [one for _, one in (looked_from(), looked_from())] == [False, False]
