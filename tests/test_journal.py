"""The journal keeps every line once and tells them in the order in which they happened."""

import pytest

from booklore_core import BookClose, BookOpen, BookRef, Item, NetworkConnected
from booklore_core.events import BadLine, parse_event
from booklore_core.testing import FakeTarget, SampleReader, sample_book

DUNE, EMMA = sample_book("Dune"), sample_book("Emma")


@pytest.fixture
def core(open_core):
    return open_core()


def keep(core, clock, *lines, tracked=True):
    for line in lines:
        core.journal.append(parse_event(line), line, tracked, clock())


def ids(events):
    return [event.id[-2:] for event in events]


def test_the_same_line_twice_is_recorded_once(core, clock):
    line = SampleReader().open(DUNE)

    first = core.journal.append(parse_event(line), line, True, clock())
    second = core.journal.append(parse_event(line), line, True, clock())

    assert first == 1
    assert second is None


def test_another_line_with_the_same_id_is_refused(core, clock):
    line = SampleReader().open(DUNE)
    keep(core, clock, line)

    with pytest.raises(BadLine) as refused:
        keep(core, clock, {**line, "at": "2026-11-20T09:00:00Z"})

    assert refused.value.field == "id"
    assert refused.value.event_id == line["id"]


def test_the_same_id_on_another_device_is_another_line(core, clock):
    line = {**SampleReader().open(DUNE), "id": "1"}

    keep(core, clock, line, {**line, "device": "boox"})

    assert core.database.value("SELECT COUNT(*) FROM events") == 2


def test_lines_are_told_in_the_order_in_which_they_happened_not_in_which_they_came(core, clock):
    reader = SampleReader()
    opened, closed = reader.read(DUNE)
    keep(core, clock, closed, opened)

    assert ids(core.journal.around(parse_event(closed))) == ["01", "02"]


def test_around_reaches_so_many_openings_back_and_on_with_the_last_one_bare(core, clock):
    reader = SampleReader()
    lines = [line for _ in range(5) for line in reader.read(DUNE)]
    keep(core, clock, *lines)
    middle = parse_event(lines[5])

    assert ids(core.journal.around(middle, 1)) == ["05", "06", "07"]
    assert ids(core.journal.around(middle, 2)) == ["03", "04", "05", "06", "07", "08", "09"]
    assert ids(core.journal.around(middle)) == ids(map(parse_event, lines))


def test_around_leaves_out_untracked_books_other_devices_and_lines_without_a_book(core, clock):
    reader, other = SampleReader(), SampleReader("boox")
    opened = reader.open(DUNE)
    keep(core, clock, opened, reader.network(), *other.read(DUNE))
    keep(core, clock, *reader.read(EMMA), tracked=False)

    assert ids(core.journal.around(parse_event(opened))) == ["01"]


def test_latest_is_the_last_line_of_a_kind_that_the_device_wrote(core, clock):
    reader = SampleReader()
    first, second = reader.read(DUNE), reader.read(EMMA)
    keep(core, clock, *second, *first)

    assert core.journal.latest("kobo-7f3a", BookClose).book.title == "Emma"
    assert core.journal.latest("kobo-7f3a", NetworkConnected) is None
    assert core.journal.latest("boox", BookOpen) is None


def test_a_line_that_arrives_late_is_not_the_last(core, clock):
    opened, closed = SampleReader().read(DUNE)
    keep(core, clock, closed, opened)

    assert core.journal.is_last(parse_event(closed))
    assert not core.journal.is_last(parse_event(opened))


def test_received_is_by_the_cores_own_clock(core, clock):
    line = SampleReader().open(DUNE)
    keep(core, clock, line)

    assert core.journal.received(parse_event(line)) == clock()


def test_openings_and_places_tell_where_lines_stand(core, clock):
    reader = SampleReader()
    lines = reader.read(DUNE) + reader.read(DUNE)
    keep(core, clock, *reversed(lines))

    openings = core.journal.openings(parse_event(lines[-1]), 10)
    places = core.journal.places("kobo-7f3a", [line["id"] for line in lines])

    assert openings == [lines[2]["id"], lines[0]["id"]]
    assert sorted(places, key=places.__getitem__) == [line["id"] for line in lines]


def rating(clock, stars, key="dune"):
    book = BookRef(DUNE["partial_md5"], "Dune")
    return Item("rating", key, book, {"stars": stars}, clock())


def test_facts_are_the_items_that_followed_newest_first(core, clock):
    core.put([rating(clock, 3, "first")], "test")
    clock.forward(hours=1)
    core.put([rating(clock, 4, "second")], "test")

    facts = core.journal.facts("rating", BookRef(DUNE["partial_md5"]))

    assert [fact.body["stars"] for fact in facts] == [4, 3]
    assert core.journal.facts("rating", BookRef(EMMA["partial_md5"])) == []


def test_a_fact_is_given_once_a_target_may_have_it(open_core, clock):
    bookworm = FakeTarget(kinds={"rating"})
    core = open_core(bookworm)
    core.put([rating(clock, 3)], "test")

    [waiting] = core.journal.known("rating", ["dune", "emma"])
    core.sync()
    [given] = core.journal.known("rating", ["dune"])

    assert (waiting.is_given, given.is_given) == (False, True)
    assert given.item == rating(clock, 3)
