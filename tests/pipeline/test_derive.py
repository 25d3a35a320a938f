"""Each feature is led from its own place to the journal's end; its facts and its place are committed together."""

import importlib
import json
import sqlite3
import sys
import threading
from contextlib import closing
from itertools import islice, permutations

import pytest
from function_features import add_feature, bodies, keys, note, place, switch
from installed_plugins import FINE
from sqlalchemy import event as listening

from booklore_core import Item
from booklore_core.pipeline import derive
from booklore_core.storage.database import Database
from booklore_core.testing import FakeTarget, SampleReader, sample_book

DUNE, EMMA = sample_book("Dune"), sample_book("Emma")
LONG = 10.0
"""Seconds that no test ever waits."""


class PowerCut(BaseException):
    """Ends the program in the middle of everything."""


def openings(count, reader=None):
    reader = reader or SampleReader()
    return [reader.open(DUNE) for _ in range(count)]


def test_a_disabled_feature_catches_up_from_where_it_was(open_core):
    core, seen = open_core(), []
    add_feature(core, on_book_open=lambda event: seen.append(event.id[-1]))
    reader = SampleReader()
    core.take(openings(2, reader), "test")
    switch(core, False)
    core.take(openings(2, reader), "test")
    assert seen == ["1", "2"]

    switch(core, True)
    core.derive.lead()

    assert seen == ["1", "2", "3", "4"]


def test_a_feature_that_could_not_be_loaded_catches_up_from_where_it_was(installed, start):
    def loaded_anew(source):
        sys.modules.pop("third_party_opens", None)
        installed.rewrite(source)
        return start()

    installed.add(FINE)
    first, second, third = openings(3)
    start().take([first], "test")
    broken = loaded_anew("raise RuntimeError('not today')")
    broken.take([second], "test")
    assert keys(broken, "opens") == ["01"]

    mended = loaded_anew(FINE.replace("event.id", "'again ' + event.id"))
    mended.take([third], "test")

    assert keys(mended, "opens") == ["01", "again kobo-7f3a-000002", "again kobo-7f3a-000003"]


@pytest.mark.parametrize(
    ("since", "read"),
    [("all", ["01", "02", "03"]), ("2026-11-21", ["02", "03"]), ("2026-11-21T12:00:00Z", ["03"]), ("", ["03"])],
)
def test_a_new_feature_reads_the_past_since_it_is_told(open_core, clock, since, read):
    core, reader = open_core(), SampleReader()
    for _ in range(2):
        core.take(openings(1, reader), "test")
        reader.sleep(24 * 3600)
        clock.forward(days=1)
    add_feature(core, on_book_open=lambda event: [note(event)])
    core.settings.set("diary.since", since)
    core.derive.lead()

    core.take(openings(1, reader), "test")

    assert keys(core) == read


FROM_NOW_ON = (
    FINE
    + """
from booklore_core import Setting

@hookimpl
def register_settings():
    yield Setting("since", str, "", "What of the past is read")
"""
)


def test_a_new_feature_that_reads_nothing_of_the_past_reads_all_that_comes_once_it_is_there(installed, start):
    past, news = openings(2)
    start().take([past], "test")
    installed.add(FROM_NOW_ON)
    importlib.invalidate_caches()

    core = start()
    core.take([news], "test")

    assert keys(core, "opens") == ["02"]


def test_a_past_that_is_none_holds_up_only_the_feature_that_it_was_set_for(open_core):
    core = open_core(BOOKLORE_DIARY__SINCE="2026-31-01")
    add_feature(core, on_book_open=lambda event: [note(event)])

    core.take(SampleReader().read(DUNE), "test")

    assert "diary.since (env): expected a date" in core.plugins.plugins["diary"].error
    assert (keys(core), keys(core, "sessions")) == ([], ["kobo-7f3a:kobo-7f3a-000001"])
    mended = open_core(BOOKLORE_DIARY__SINCE="all")
    add_feature(mended, on_book_open=lambda event: [note(event)])
    mended.derive.lead()
    assert keys(mended) == ["01"]


def test_a_crash_at_any_step_leaves_facts_and_place_as_they_were_and_the_next_lead_does_it(open_core):
    """The power fails before the first statement, before the second, …, and before each commit."""
    core, reader, outcomes = open_core(plugins=()), SampleReader(), []
    add_feature(core, on_book_open=lambda event: [note(event)])
    for step in range(1, 1000):
        before = (place(core) or 0, len(keys(core)))
        core.ingest.take(openings(2, reader), "test", core.clock())
        if not crashes_at(core, step):
            break
        outcomes.append((place(core) or 0) - before[0])
        assert len(keys(core)) - before[1] == outcomes[-1]
        core.derive.lead()
        assert (place(core), len(keys(core))) == (2 * step, 2 * step)

    assert len(outcomes) > 10
    assert set(outcomes) == {0, 2}


def crashes_at(core, step):
    """Whether leading came to so many statements and commits; there the power failed."""
    count, failed = iter(range(1, step)), []

    def count_down(*_):
        if next(count, None) is None:
            failed.append(step)
            raise PowerCut

    moments = [(core.database.engine, "before_cursor_execute"), (core.database.engine, "commit")]
    for where, moment in moments:
        listening.listen(where, moment, count_down)
    try:
        core.derive.lead()
    except BaseException:
        if not failed:
            raise
    finally:
        for where, moment in moments:
            listening.remove(where, moment, count_down)
    return bool(failed)


def test_while_a_hook_runs_others_write(open_core):
    core, entered, gate = open_core(), threading.Event(), threading.Event()

    def slow(event):
        entered.set()
        gate.wait(LONG)
        return [note(event)]

    add_feature(core, on_book_open=slow)
    leading = threading.Thread(target=core.take, args=(openings(1), "test"))
    leading.start()
    assert entered.wait(LONG)
    with closing(Database(core.places.database_url, busy_timeout=0.5)) as other:
        other.run("INSERT INTO plugin_store VALUES ('other', 'wrote', '1')")
    gate.set()
    leading.join(LONG)

    assert core.store("other").get("wrote") == 1
    assert keys(core) == ["01"]


def test_an_event_at_which_it_raises_is_noted_and_tried_again_and_it_goes_on_with_the_next(open_core):
    core, mood = open_core(), {"2": "not today"}

    def moody(event):
        if event.id[-1] in mood:
            raise RuntimeError(mood[event.id[-1]])
        return [note(event)]

    add_feature(core, on_book_open=moody)
    core.take(openings(3), "test")
    assert (keys(core), place(core)) == (["01", "03"], 3)
    count, error = core.derive.failing()["diary"]
    assert (count, "not today" in error) == (1, True)

    mood["2"] = "not tomorrow either"
    core.derive.lead()
    assert "not tomorrow either" in core.derive.failing()["diary"][1]
    mood.clear()
    core.derive.lead()

    assert (keys(core), core.derive.failing()) == (["01", "03", "02"], {})


POISON = [
    lambda event: note(event, key="half \ud800"),
    lambda event: note(event, key=5),
    lambda event: note(event, text="half \udfff"),
    lambda event: note(event, key="a\0b"),
]


@pytest.mark.parametrize("poison", POISON)
def test_a_fact_that_no_database_takes_costs_only_its_own_event(open_core, poison):
    core = open_core()
    add_feature(core, on_book_open=lambda event: [poison(event) if event.id[-1] == "2" else note(event)])
    add_feature(core, "later", on_book_open=lambda event: [note(event)])

    core.take(openings(3), "test")
    core.sync()

    assert (keys(core), place(core)) == (["01", "03"], 3)
    assert list(core.derive.failing()) == ["diary"]
    assert place(core, "later") == 3


def test_of_two_processes_that_lead_a_feature_the_slower_one_throws_its_work_away(open_core):
    entered, gate = threading.Event(), threading.Event()

    def slow(event):
        entered.set()
        gate.wait(LONG)
        return [note(event, key=f"slow {event.id[-1]}")]

    one, other = open_core(), open_core()
    add_feature(one, on_book_open=slow)
    add_feature(other, on_book_open=lambda event: [note(event, key=f"quick {event.id[-1]}")])
    one.ingest.take(openings(2), "test", one.clock())
    leading = threading.Thread(target=one.derive.lead)
    leading.start()
    assert entered.wait(LONG)
    other.derive.lead()
    gate.set()
    leading.join(LONG)

    assert (keys(one), place(one)) == (["quick 1", "quick 2"], 2)


def test_of_two_processes_that_try_an_event_again_only_one_takes_it_in(open_core):
    one, other = open_core(), open_core()
    states = {"one": "fails", "other": "fails"}
    entered, gate = threading.Event(), threading.Event()

    def try_as(name):
        def attempt(event):
            if states[name] == "fails":
                raise RuntimeError("not now")
            if states[name] == "waits":
                entered.set()
                gate.wait(LONG)
            return [note(event, key=name)]

        return attempt

    add_feature(one, on_book_open=try_as("one"))
    add_feature(other, on_book_open=try_as("other"))
    one.take(openings(1), "test")
    states.update(one="waits", other="works")
    leading = threading.Thread(target=one.derive.lead)
    leading.start()
    assert entered.wait(LONG)
    other.derive.lead()
    gate.set()
    leading.join(LONG)

    assert (keys(one), one.derive.failing()) == (["other"], {})


def test_a_fact_that_a_target_got_meanwhile_makes_the_work_be_done_again(open_core, clock):
    seen, entered, gate = [], threading.Event(), threading.Event()

    def look(event, facts):
        seen.append([fact.is_given for fact in facts.known("note", ["first"])])
        entered.set()
        gate.wait(LONG)
        return [note(event, given=seen[-1])]

    core, courier = open_core(), open_core(FakeTarget(kinds={"note"}))
    add_feature(core, on_book_open=look)
    core.ingest.take(openings(1), "test", clock())
    book = core.event_log.after(0, 1)[0].event.book.ref
    core.put([Item("note", "first", book, {}, clock())], "test")
    leading = threading.Thread(target=core.derive.lead)
    leading.start()
    assert entered.wait(LONG)
    courier.sync()
    gate.set()
    leading.join(LONG)

    assert seen == [[False], [True]]
    assert bodies(core) == [{"given": [True]}]


@pytest.mark.parametrize("size", [1, 2, 200])
def test_the_next_event_sees_what_followed_from_the_ones_before_it_in_its_batch(open_core, monkeypatch, size):
    monkeypatch.setattr(derive, "BATCH", size)
    core = open_core()

    def count(event, facts):
        return [note(event, earlier=len(facts.of("note", event.book.ref)))]

    add_feature(core, on_book_open=count)
    core.take(openings(5), "test")

    assert [body["earlier"] for body in bodies(core)] == [0, 1, 2, 3, 4]


def a_day_with_naps():
    reader = SampleReader()
    reader.open(DUNE)
    for pages in (1, 2):
        reader.turn(pages, 20)
        reader.suspend()
        reader.sleep(30)
        reader.resume()
    reader.turn(3)
    reader.close()
    return reader.lines


ORDERS = list(islice(permutations(a_day_with_naps()), 0, 720, 103))


@pytest.mark.parametrize("size", [1, 2, 200])
def test_sessions_are_the_same_in_whatever_order_and_batches_their_lines_are_derived(open_core, monkeypatch, size):
    made = []
    for number, order in enumerate(ORDERS):
        core = open_core(FakeTarget(), home=f"home-{number}")
        monkeypatch.setattr(derive, "BATCH", 200 if number == 0 else size)
        core.take(order, "test")
        made.append({key: json.dumps(body) for key, body in zip(keys(core, "sessions"), bodies(core, "sessions"),
                                                                strict=True)})  # fmt: skip

    assert len(ORDERS) > 5 and made[0]
    assert made == [made[0]] * len(ORDERS)


def test_a_rating_waits_in_the_journal_for_a_feature_that_comes_later(open_core):
    core, seen, reader = open_core(), [], SampleReader()
    for reader.stars in (3, 3, 5, None):
        core.take(reader.read(DUNE), "test")

    add_feature(core, on_rating=lambda event: seen.append((event.stars, event.before, event.book.title)))
    core.derive.lead()

    assert seen == [(3, None, "Dune"), (5, 3, "Dune"), (None, 5, "Dune")]
    assert core.database.value("SELECT COUNT(*) FROM events WHERE name = 'rating'") == 3


def test_a_feature_that_has_nothing_to_do_writes_nothing(open_core):
    core, statements = open_core(), []
    add_feature(core, on_book_open=lambda event: [note(event)])
    core.take(openings(2), "test")

    listening.listen(core.database.engine, "before_cursor_execute", lambda *a: statements.append(a[2].split()[0]))
    core.derive.lead()

    assert set(statements) <= {"BEGIN", "SET", "SELECT"}  # SET: how PostgreSQL begins to read


def as_sqlite_comes(connection, _):
    """Some distributions allow for more values in a statement."""
    if isinstance(connection, sqlite3.Connection):
        connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 32_766)


def test_a_feature_may_read_and_make_more_facts_than_one_statement_takes(open_core):
    core, many = open_core(FakeTarget(kinds={"note"})), [f"{number}" for number in range(33_000)]
    listening.listen(core.database.engine, "connect", as_sqlite_comes)
    core.database.engine.dispose()

    def prolific(event, facts):
        return [] if facts.known("note", many) else [note(event, key) for key in many]

    add_feature(core, on_book_open=prolific)
    core.take(openings(2), "test")

    assert core.pending() == {"note": len(many)}
    assert core.derive.failing() == {}
