"""The journal keeps every line once and tells them in the order in which they happened."""

import pytest

from booklore_core import BookClose, BookOpen, NetworkConnected
from booklore_core.pipeline.event_log import Told
from booklore_core.pipeline.journal import MANY
from booklore_core.pipeline.spool import digest_of, parse_event, parse_line
from booklore_core.testing import SampleReader, sample_book

DUNE, EMMA = sample_book("Dune"), sample_book("Emma")


@pytest.fixture
def core(open_core):
    return open_core()


def keep(core, clock, *lines, tracked=True):
    told = [parse_event(line) for line in lines if "book" in line]
    core.books.see([("kobo", event.book, False, event.at) for event in told], clock())
    core.event_log.append([Told(parse_event(line), line, tracked, digest_of(line)) for line in lines], clock())


def ids(events):
    return [event.id[-2:] for event in events]


def test_the_journal_tells_which_lines_it_has_and_whether_they_are_the_same(core, clock):
    line = SampleReader().open(DUNE)
    keep(core, clock, line)
    other = {**line, "at": "2026-11-20T09:00:00Z"}

    assert core.event_log.known("kobo-7f3a", [parse_line(line)]) == {line["id"]: True}
    assert core.event_log.known("kobo-7f3a", [parse_line(other)]) == {line["id"]: False}
    assert core.event_log.known("boox", [parse_line(line)]) == {}


def test_the_same_id_on_another_device_is_another_line(core, clock):
    line = {**SampleReader().open(DUNE), "id": "1"}

    keep(core, clock, line, {**line, "device": "boox"})

    assert core.database.value("SELECT COUNT(*) FROM events") == 2


def test_lines_are_told_in_the_order_in_which_they_happened_not_in_which_they_came(core, clock):
    reader = SampleReader()
    opened, closed = reader.read(DUNE)
    keep(core, clock, closed, opened)

    assert ids(core.journal.around(parse_event(closed), 12)) == ["01", "02"]


def test_around_reaches_so_many_openings_back_and_on_with_the_last_one_bare(core, clock):
    reader = SampleReader()
    lines = [line for _ in range(5) for line in reader.read(DUNE)]
    keep(core, clock, *lines)
    middle = parse_event(lines[5])

    assert ids(core.journal.around(middle, 1)) == ["05", "06", "07"]
    assert ids(core.journal.around(middle, 2)) == ["03", "04", "05", "06", "07", "08", "09"]
    assert ids(core.journal.around(middle, 12)) == ids(map(parse_event, lines))


def test_around_leaves_out_untracked_books_other_devices_and_lines_without_a_book(core, clock):
    reader, other = SampleReader(), SampleReader("boox")
    opened = reader.open(DUNE)
    keep(core, clock, opened, reader.network(), *other.read(DUNE))
    keep(core, clock, *reader.read(EMMA), tracked=False)

    assert ids(core.journal.around(parse_event(opened), 12)) == ["01"]


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


def test_it_is_read_on_from_a_place_in_the_order_in_which_lines_arrived(core, clock):
    opened, closed = SampleReader().read(DUNE)
    keep(core, clock, closed, opened)

    assert [entry.event.id[-2:] for entry in core.event_log.after(0, 10)] == ["02", "01"]
    assert [entry.id for entry in core.event_log.after(1, 10)] == [2]
    assert core.event_log.end == 2


def closing(reader, *texts):
    reader.open(DUNE)
    reader.turn(3)
    return reader.close(annotations=[{"text": text} for text in texts])


def lists(core):
    return [row["event"] for row in core.database.rows("SELECT event FROM annotation_lists ORDER BY event")]


def test_annotations_are_kept_apart_from_the_line_and_told_with_it(core, clock):
    line = closing(SampleReader(), "Fear is the mind-killer")
    keep(core, clock, line)

    assert "mind-killer" not in core.database.value("SELECT line FROM events")
    assert core.event_log.after(0, 10)[0].event.annotations == ({"text": "Fear is the mind-killer"},)


def test_of_a_books_annotation_lists_the_last_one_stays_and_those_not_consumed_yet(core, clock):
    reader = SampleReader()
    keep(core, clock, *(closing(reader, f"{number}") for number in range(4)))

    core.event_log.drop_lists(consumed=2)
    assert lists(core) == [3, 4]
    core.event_log.drop_lists(consumed=4)
    assert lists(core) == [4]


def test_a_list_that_arrives_late_does_not_outlive_the_last_one(core, clock):
    reader = SampleReader()
    old, new = closing(reader, "old"), closing(reader, "new")
    keep(core, clock, new, old)

    core.event_log.drop_lists(consumed=2)

    assert lists(core) == [1]


def test_what_came_in_together_goes_on_to_its_last_line(core, clock):
    reader = SampleReader()
    opened = reader.open(sample_book())
    reader.turn(3)
    first = reader.checkpoint()
    reader.turn(3)
    second = reader.checkpoint()
    closed = reader.close()
    emma = reader.open(sample_book("Emma"))
    reader.turn(3)
    last = reader.checkpoint()
    together = ([opened, second], [first], [closed, emma, last])
    for lines in together:
        core.take(lines, "test")
        clock.forward(seconds=1)

    told = [parse_event(one) for one in (opened, first, second, closed, emma, last)]

    asked = core.journal.about_to_ask(told * MANY)
    goes_on = [one.id for one in told if asked.goes_on(one)]
    assert goes_on == [closed["id"], emma["id"]]  # the first and the third line have another between them
    assert not any(map(core.journal.goes_on, told))  # nobody is to be asked about the next one
    for journal in (core.journal, asked):
        begun = [journal.begun_with(one) for one in told]
        assert begun == [one.order for one in (*told[:4], told[3], told[3])]
