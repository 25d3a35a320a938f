"""Lines that arrive late, twice and in any order make the same sessions, and no reading is ever sent twice."""

import json
from itertools import pairwise, permutations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from booklore_core.pipeline.facts import batched
from booklore_core.testing import FakeTarget, SampleReader, sample_book

DUNE, EMMA = sample_book("Dune"), sample_book("Emma")


def a_day_with_a_nap_and_a_dead_battery():
    reader = SampleReader()
    reader.open(DUNE)
    reader.turn(1, 20)
    reader.suspend()
    reader.sleep(30)
    reader.resume()
    reader.turn(2, 20)
    reader.checkpoint()
    reader.die()
    reader.sleep(60)
    reader.open(DUNE)
    return reader.lines


def queued(core):
    rows = core.database.rows("SELECT key, body FROM items WHERE kind = 'session' ORDER BY key")
    return {row["key"]: row["body"] for row in rows}


def test_every_permutation_of_a_small_day_makes_the_same_sessions(open_core):
    lines = a_day_with_a_nap_and_a_dead_battery()
    core = open_core(FakeTarget())
    core.take(lines, "in order")
    expected = queued(core)

    for order in permutations(lines):
        core.database.run("UPDATE features SET place = 0")
        for table in ("owed", "items", "events"):
            core.database.run(f"DELETE FROM {table}")
        core.take(order, "mixed")
        assert queued(core) == expected

    assert len(expected) == 1


ON_TIME = st.one_of(
    st.tuples(st.just("open"), st.sampled_from([DUNE, EMMA])),
    st.tuples(st.just("turn"), st.sampled_from([8, 25, 40, 900, 601])),
    st.tuples(st.sampled_from(["checkpoint", "suspend", "resume", "close", "die"]), st.none()),
    st.tuples(st.just("sleep"), st.sampled_from([5, 60, 299, 301, 4000])),
)
STEPS = st.one_of(ON_TIME, st.tuples(st.just("jump"), st.sampled_from([-3600, 3600])))


def live(steps):
    """The lines of a reader who does these steps, as far as they can be done."""
    reader, is_asleep = SampleReader(), False
    for step, value in steps:
        if step in ("sleep", "jump"):
            reader.sleep(value)
        elif step == "open" and not is_asleep:
            if reader.book is not None:
                reader.close()
            reader.open(value)
        elif step == "resume" and is_asleep:
            reader.resume()
            is_asleep = False
        elif step == "die":
            reader.die()
            is_asleep = False
        elif reader.book is not None and not is_asleep:
            is_asleep = step == "suspend"
            getattr(reader, step)(*([1, value] if step == "turn" else []))
    return reader.lines


@pytest.fixture
def fresh(open_core):
    """Opens cores with one target, each on its own database."""
    count = iter(range(10_000))

    def open_fresh():
        bookworm = FakeTarget()
        return open_core(bookworm, home=f"home-{next(count)}"), bookworm

    return open_fresh


PACE = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@PACE
@given(steps=st.lists(STEPS, min_size=12, max_size=40), data=st.data())
def test_any_order_makes_the_same_sessions_while_nothing_is_delivered(fresh, steps, data):
    lines = live(steps)
    straight, mixed = fresh()[0], fresh()[0]

    straight.take(lines, "in order")
    mixed.take(data.draw(st.permutations(lines)), "mixed")

    assert queued(mixed) == queued(straight)


@PACE
@given(steps=st.lists(ON_TIME, min_size=12, max_size=60), data=st.data())
def test_whatever_comes_in_together_makes_the_same_sessions(fresh, clock, steps, data):
    lines = live([*steps, ("resume", None), ("open", DUNE)])  # page turns that come last wait for what follows
    straight, parted = fresh()[0], fresh()[0]
    straight.take(lines, "in order")

    parts = data.draw(st.permutations(list(batched(lines, data.draw(st.integers(1, 9))))))
    for together in batched((line for part in parts for line in part), data.draw(st.integers(1, 20))):
        parted.take(together, "parted")
        clock.forward(seconds=1)

    assert queued(parted) == queued(straight)


@PACE
@given(steps=st.lists(STEPS, min_size=12, max_size=40), data=st.data())
def test_whatever_was_delivered_in_between_no_reading_is_sent_twice(fresh, steps, data):
    received = delivered_in_between(fresh, steps, data)

    keys = [item.key for item in received]
    assert len(keys) == len(set(keys))
    assert not overlapping(received)


def delivered_in_between(fresh, steps, data):
    """What arrives when lines come in any order, with a sync after each few."""
    lines = data.draw(st.permutations(live(steps)))
    core, bookworm = fresh()

    while lines:
        count = data.draw(st.integers(1, len(lines)))
        core.take(lines[:count], "mixed")
        lines = lines[count:]
        core.sync()
    return bookworm.received


def overlapping(items):
    """Pairs of sessions that share a page of a line, by the order in which the device wrote."""
    spans = sorted(span(item) for item in items)
    return [(one, other) for one, other in pairwise(spans) if other[0] < one[1]]


def span(item):
    """Line and page of it at which a session begins, and after which it ends."""
    (first, _, *begin), (_, last, *end) = item.body["stretches"][0], item.body["stretches"][-1]
    pages = end[1] if end else None
    return (first, begin[0] if begin else 0), (last, float("inf") if pages is None else pages)


def test_a_short_stretch_that_arrives_late_joins_the_next_while_that_waits(open_core):
    reader, bookworm = SampleReader(), FakeTarget()
    core = open_core(bookworm)
    short = reader.read(DUNE, pages=1, seconds=20)
    long = reader.read(DUNE, pages=5)

    core.take(long, "test")
    core.take(short, "test")
    core.sync()

    assert [(item.key, item.body["duration"]) for item in bookworm.received] == [("kobo-7f3a:kobo-7f3a-000001", 220)]


def test_a_short_stretch_that_arrives_after_the_next_was_sent_is_left(open_core):
    reader, bookworm = SampleReader(), FakeTarget()
    core = open_core(bookworm)
    short = reader.read(DUNE, pages=1, seconds=20)
    long = reader.read(DUNE, pages=5)

    core.take(long, "test")
    core.sync()
    core.take(short, "test")
    core.sync()

    assert [item.body["duration"] for item in bookworm.received] == [200]
    assert core.pending() == {}


def test_an_opening_that_arrives_after_its_session_was_sent_as_part_of_another_adds_nothing(open_core):
    reader, bookworm = SampleReader(), FakeTarget()
    core = open_core(bookworm)
    first = reader.open(DUNE)
    reader.turn(5)
    second = reader.resume()
    reader.turn(5)
    closed = reader.close()

    core.take([first, closed], "test")
    core.sync()
    core.take([second], "test")
    core.sync()

    assert len(bookworm.received) == 1
    assert core.pending() == {}


def test_a_line_from_days_ago_makes_its_session_days_late(open_core, clock):
    reader, bookworm = SampleReader(), FakeTarget()
    core = open_core(bookworm)
    old, new = reader.read(DUNE), reader.read(EMMA, pages=5)
    core.take(new, "test")
    core.sync()

    clock.forward(days=9)
    core.take(old, "test")
    core.sync()

    assert [item.body["turns"] for item in bookworm.received] == [5, 10]


def test_a_late_checkpoint_adds_its_reading_time_while_the_session_waits(open_core):
    reader, bookworm = SampleReader(), FakeTarget()
    core = open_core(bookworm)
    reader.open(DUNE)
    reader.turn(5)
    late = reader.checkpoint()
    reader.turn(5)
    reader.close()

    core.take([line for line in reader.lines if line is not late], "test")
    core.take([late], "test")
    core.sync()

    assert [item.body["duration"] for item in bookworm.received] == [400]


def test_many_naps_are_counted_once_in_whatever_direction_they_arrive(fresh):
    reader = SampleReader()
    reader.open(DUNE)
    for _ in range(40):
        reader.turn(1, 11)
        reader.suspend()
        reader.sleep(20)
        reader.resume()
    straight, backwards = fresh()[0], fresh()[0]

    straight.take(reader.lines, "test")
    backwards.take(reversed(reader.lines), "test")

    assert queued(backwards) == queued(straight)
    assert len(queued(straight)) == 1


def a_close_that_comes_late(turns=2):
    """Twelve minutes that a checkpoint tells, three more by the close; and another evening."""
    reader = SampleReader()
    reader.open(DUNE)
    reader.turn(12, 60)
    reader.checkpoint()
    reader.turn(turns, 60)
    reader.wait(180 - 60 * turns)
    reader.close()
    close = reader.lines[-1]
    reader.sleep(3600)
    reader.open(DUNE)
    return [line for line in reader.lines if line is not close], close


@pytest.mark.parametrize("turns", [0, 1, 2])
def test_what_a_late_line_adds_to_a_session_that_was_sent_is_a_session_of_its_own(open_core, turns):
    lines, close = a_close_that_comes_late(turns)
    bookworm = FakeTarget()
    core = open_core(bookworm)
    core.take(lines, "test")
    core.sync()
    assert [item.body["duration"] for item in bookworm.received] == [720]

    for _ in range(2):
        core.take([close], "late")
        core.sync()

    first, rest = bookworm.received
    assert rest.body["duration"] == 180
    assert rest.body["start"] == first.body["end"]
    assert first.body["turns"] + rest.body["turns"] == 12 + turns
    assert rest.key != first.key


def test_a_late_line_that_adds_next_to_nothing_makes_no_session(open_core):
    lines, close = a_close_that_comes_late()
    bookworm = FakeTarget()
    core = open_core(bookworm)
    core.settings.set("sessions.min_duration", 200)
    core.take(lines, "test")
    core.sync()
    core.take([close], "late")
    core.sync()

    assert [item.body["duration"] for item in bookworm.received] == [720]


def test_what_lines_made_that_lacked_one_of_theirs_does_not_outlive_it(open_core):
    """Without the line in between nothing tells that one page was shown all the time."""
    reader, core = SampleReader(), open_core(FakeTarget())
    reader.open(EMMA)
    reader.turn(1, 900)
    reader.turn(1, 8)
    late = reader.checkpoint()
    reader.close()
    reader.open(DUNE)

    core.take([line for line in reader.lines if line != late], "without it")
    assert [json.loads(body)["duration"] for body in queued(core).values()] == [600]
    core.take([late], "late")

    assert queued(core) == {}  # as in order: before the long page nothing was turned, and 8 s are no session


def test_a_late_close_tells_nothing_again_that_a_session_has_from_an_opening_alone(open_core):
    """An opening and the next day's lines make a session of the most that a page is worth; then comes what was read."""
    reader, bookworm = SampleReader(), FakeTarget()
    core = open_core(bookworm)
    first = reader.open(DUNE)
    reader.turn(11, 60)
    close = reader.close()
    reader.sleep(3600)
    reader.open(DUNE)
    reader.turn(4, 50)
    second = reader.close()

    for lines in ([first], [second], reader.lines[-2:-1], [close]):
        core.take(lines, "late")
        core.sync()

    spans = sorted((item.body["start"], item.body["end"]) for item in bookworm.received)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    assert sum(item.body["duration"] for item in bookworm.received) <= 11 * 60 + 200


@PACE
@given(steps=st.lists(ON_TIME, min_size=12, max_size=40), data=st.data())
def test_whatever_was_delivered_in_between_no_second_is_sent_twice(fresh, steps, data):
    received = delivered_in_between(fresh, steps, data)

    spans = sorted((item.body["start"], item.body["end"]) for item in received)
    assert [(one, other) for one, other in pairwise(spans) if other[0] < one[1]] == []
