"""Statistics were read before the lines of the device came in: what both tell of counts once."""

from datetime import UTC, datetime

import pytest
from history_world import START, add_book, add_pages, digest, ends, open_file, reading, spans
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from booklore_core.actions import start
from booklore_core.flows import Request
from booklore_core.pipeline.facts import item_of
from booklore_core.testing import FakeTarget, SampleReader, sample_book

DUNE = sample_book("Dune")
HELD = "SELECT b.*, i.* FROM items i JOIN books b ON b.partial_md5 = i.book_md5 WHERE i.kind = 'session'"


@pytest.fixture
def bookworm():
    return FakeTarget()


@pytest.fixture
def core(open_core, bookworm, clock):
    clock.now = datetime.fromtimestamp(START + 90_000, UTC)
    core = open_core(bookworm, plugins=("sessions", "history"))
    core.settings.set("sessions.min_duration", 0)
    return core


def told_live(at, pages, seconds=40, device="kobo-7f3a", rest=0):
    """The lines of a device on which pages were turned, the last one shown until the book was closed."""
    reader = SampleReader(device, now=datetime.fromtimestamp(START + at, UTC))
    reader.open(DUNE)
    reader.turn(pages, seconds)
    reader.wait(rest)
    reader.close()
    return reader.lines


def held(core):
    """The sessions that there are, in the order of time."""
    return sorted((item_of(row) for row in core.database.rows(HELD)), key=lambda item: item.occurred_at)


def test_lines_that_tell_all_of_an_imported_session_take_its_place(core, take_in, db, path):
    add_pages(db, *reading(20, at=3))
    take_in(path)

    core.take(told_live(0, 20, rest=10), "live")

    (session,) = held(core)
    assert spans([session]) == [(0, 810, 810)]
    assert session.body["device"] == "kobo-7f3a"


def test_one_session_of_the_file_may_be_two_of_the_device(core, take_in, db, path):
    add_pages(db, *reading(10), *reading(10, at=500))
    assert len(take_in(path)) == 1
    lines = told_live(0, 10)
    more = [{**line, "id": f"{line['id']}-b"} for line in told_live(500, 10)]

    core.take(lines, "live")
    core.take(more, "live")

    assert spans(held(core)) == [(0, 400, 400), (500, 900, 400)]
    assert {session.body["device"] for session in held(core)} == {"kobo-7f3a"}


def test_what_was_given_already_is_not_sent_again(core, bookworm, take_in, db, path):
    add_pages(db, *reading(20, at=3))
    take_in(path)
    core.sync()

    core.take(told_live(0, 20, rest=10), "live")
    core.sync()

    assert spans(bookworm.received) == [(3, 803, 800)]
    assert spans(held(core)) == [(3, 803, 800)]


@pytest.mark.parametrize("is_given", [True, False])
def test_of_reading_that_went_on_only_the_rest_is_told(core, take_in, db, path, is_given):
    """An hour before and the first ten pages are known by the file, which was read in the middle."""
    add_pages(db, *reading(90, at=-3600))
    take_in(path)
    if is_given:
        core.sync()

    core.take(told_live(-400, 30), "live")

    assert spans(held(core)) == [(-3600, 0, 3600), (0, 800, 800)]


def test_of_reading_around_what_was_given_both_ends_are_told_apart(core, take_in, db, path):
    add_pages(db, *reading(10, at=400))
    take_in(path)
    core.sync()

    core.take(told_live(0, 30), "live")
    core.take(told_live(5000, 30, device="boox"), "live")

    assert spans(held(core)) == [(0, 400, 400), (400, 800, 400), (800, 1200, 400), (5000, 6200, 1200)]
    assert [session.body["turns"] for session in held(core)] == [10, 9, 10, 30]


def test_a_book_that_the_file_knew_by_its_title_only_is_the_same(core, take_in, db, path):
    db.execute("UPDATE book SET md5 = NULL")
    add_pages(db, *reading(20))
    take_in(path)

    core.take(told_live(0, 20), "live")

    assert [(session.book.partial_md5, *ends(session)) for session in held(core)] == [(digest("Dune"), 0, 800)]


def test_what_comes_live_while_a_person_thinks_is_accounted_for(core, db, path):
    add_pages(db, *reading(40))
    db.close()
    flow = start(core, "extract_history", Request(args={"path": str(path)}))
    next(flow)
    flow.send(True)

    core.take(told_live(0, 20), "live")
    with pytest.raises(StopIteration):
        flow.send(True)

    assert spans(held(core)) == [(0, 800, 800), (800, 1600, 800)]


def test_a_page_that_goes_on_beyond_what_was_given_counts_as_far_as_there(core, take_in, db, path):
    add_pages(db, (100, 30))
    take_in(path)
    core.sync()

    core.take(told_live(0, 2, seconds=110), "live")

    assert spans(held(core)) == [(0, 100, 100), (100, 130, 30)]


ROWS = st.lists(st.tuples(st.integers(0, 4000), st.sampled_from([5, 40, 120, 299]), st.integers(1, 9)), max_size=25,
                unique_by=lambda row: (row[2], row[0]))  # fmt: skip
LIVE = st.lists(st.tuples(st.integers(0, 900), st.integers(0, 30), st.integers(5, 120)), max_size=5)


def seconds_of(items):
    return [second for item in items for second in range(*ends(item))]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS, live=LIVE, sends=st.booleans(), cut=st.integers(1, 12))
def test_no_second_counts_twice_and_none_that_a_file_told_is_lost(core, take_in, path, rows, live, sends, cut):
    for table in ("deliveries", "owed", "remarks", "items", "events"):
        core.database.run(f"DELETE FROM {table}")
    core.database.run("UPDATE features SET place = 0")
    path.unlink(missing_ok=True)
    db = open_file(path)
    add_book(db)
    add_pages(db, *rows)
    db.close()
    reader = SampleReader(now=datetime.fromtimestamp(START, UTC))
    for pause, pages, seconds in live:
        reader.sleep(pause)
        reader.open(DUNE)
        reader.turn(pages, seconds)
        reader.close()

    imported = take_in(path)
    if sends:
        core.sync()
    for begin in range(0, len(reader.lines), cut):
        core.take(reader.lines[begin : begin + cut], "live")

    told = seconds_of(held(core))
    assert len(told) == len(set(told))
    known = sum(item.body["duration"] for item in imported)
    assert sum(item.body["duration"] for item in held(core)) >= known - 60 * len(imported) * (not sends)
    rest = take_in(path)  # what is shorter than a moment, and was taken for told
    assert sum(item.body["duration"] for item in rest) <= 60 * len(imported) * (not sends)
    told = seconds_of(held(core))
    assert len(told) == len(set(told)) and take_in(path) == []
