"""Time that is accounted for is not counted again: by an earlier import, or by what devices told live."""

import shutil
from datetime import UTC, datetime, timedelta

import pytest
from history_world import START, add_book, add_pages, digest, open_file, reading, spans
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from booklore_core import BookRef, Item
from booklore_core.pipeline.clock import Contact
from booklore_core.testing import SampleReader, sample_book

DUNE = sample_book("Dune")
MOST_OF_A_PAGE = 600


@pytest.fixture
def reader():
    """Begins to read when the statistics do."""
    return SampleReader(now=datetime.fromtimestamp(START, UTC))


def test_a_second_import_adds_nothing(take_in, db, path):
    add_pages(db, *reading(10), *reading(10, at=4000))

    assert spans(take_in(path)) == [(0, 400, 400), (4000, 4400, 400)]
    assert take_in(path) == []


def test_a_copy_on_another_device_adds_nothing(take_in, db, path, tmp_path):
    add_pages(db, *reading(10))
    take_in(path)
    other = open_file(tmp_path / "boox" / "statistics.sqlite3")
    add_book(other, "Emma")
    add_book(other)
    add_pages(other, *reading(10), book=2)

    assert take_in(tmp_path / "boox" / "statistics.sqlite3") == []


def test_more_reading_adds_what_is_new_also_within_the_pause_after_what_was_known(take_in, db, path):
    add_pages(db, *reading(10))
    take_in(path)
    add_pages(db, (450, 60, 11), (510, 60, 12))

    assert spans(take_in(path)) == [(450, 570, 120)]


def test_another_gap_and_another_cap_add_nothing(core, take_in, db, path):
    add_pages(db, *reading(10), (500, 550, 11), *reading(10, at=1600))
    take_in(path)
    core.settings.set("history.session_gap", 60)
    core.settings.set("sessions.idle_cap", 50)

    assert take_in(path) == []


def test_what_was_cleared_does_not_come_back(core, take_in, db, path):
    add_pages(db, *reading(10))
    take_in(path)
    core.outbox.clear("session", core.clock())

    assert take_in(path) == []


def test_sessions_of_any_feature_count(core, take_in, db, path):
    body = {"start": "2026-10-01T20:02:00Z", "end": "2026-10-01T20:04:00Z"}
    core.put([Item("session", "diary:1", BookRef(digest("Dune")), body, core.clock())], "diary")
    core.put([Item("session", "diary:2", BookRef(digest("Dune")), {"minutes": 2}, core.clock())], "diary")
    add_pages(db, *reading(10))

    assert spans(take_in(path)) == [(0, 120, 120), (240, 400, 160)]


def test_what_was_told_live_is_left_out(core, take_in, db, path, reader):
    reader.sleep(400)
    reader.open(DUNE)
    reader.turn(10)
    reader.close()
    core.take(reader.lines, "live")
    add_pages(db, *reading(30))

    assert spans(take_in(path)) == [(0, 400, 400), (800, 1200, 400)]


def test_a_page_half_of_which_was_told_live_is_left_out_and_of_another_what_lies_before_it(
    core, take_in, db, path, reader
):
    reader.sleep(100)
    reader.open(DUNE)
    reader.turn(5)
    reader.close()
    core.take(reader.lines, "live")

    add_pages(db, (20, 60), (80, 60), (340, 60))
    assert spans(take_in(path)) == [(20, 80, 60), (340, 400, 60)]
    add_pages(db, (85, 20))
    assert spans(take_in(path)) == [(85, 100, 15)]


def test_a_page_half_of_which_was_told_live_is_left_out_although_another_one_lay_before(
    core, take_in, db, path, reader
):
    """What was taken in of the other one comes between its beginning and what was told live."""
    reader.sleep(254)
    reader.open(DUNE)
    reader.turn(1)
    reader.close()
    core.take(reader.lines, "live")
    add_pages(db, (144, 299), (180, 1))

    assert spans(take_in(path)) == [(180, 181, 1)]
    assert take_in(path) == []


def test_what_was_told_live_and_made_no_session_is_left_out(core, take_in, db, path, reader):
    """It was too short, or tracking is off: nobody wants it counted after all."""
    reader.open(DUNE)
    reader.turn(1, 20)
    reader.close()
    core.take(reader.lines, "short")
    core.books.track(DUNE["partial_md5"], False)
    reader.sleep(980)
    reader.open(DUNE)
    reader.turn(10)
    reader.checkpoint()
    reader.close()
    core.take(reader.lines[2:], "not tracked")
    add_pages(db, (0, 20), *reading(10, at=1000), (2000, 40))

    assert core.pending() == {}
    assert spans(take_in(path)) == [(2000, 2040, 40)]


def test_what_is_being_read_is_still_to_come_live(core, take_in, db, path, reader):
    reader.open(DUNE)
    core.take(reader.lines, "live")
    add_pages(db, (-1000, 40), *reading(10), *reading(10, at=90_000))

    assert spans(take_in(path)) == [(-1000, -960, 40)]


@pytest.mark.parametrize("title", ["Dune", "Emma"])
def test_a_book_that_was_left_open_is_not_read_for_ever_once_another_opening_was_told(
    core, take_in, db, path, reader, title
):
    reader.open(DUNE)
    reader.turn(10)
    reader.checkpoint()
    reader.die()
    reader.sleep(4000)
    reader.open(sample_book(title))
    reader.turn(10)
    reader.close()
    core.take(reader.lines, "live")
    add_pages(db, *reading(20), *reading(10, at=4400))

    assert spans(take_in(path)) == [(400, 800, 400)] + ([] if title == "Dune" else [(4400, 4800, 400)])


def test_after_the_second_of_two_closes_nobody_reads(core, take_in, db, path, reader):
    reader.open(DUNE)
    reader.turn(10)
    reader.suspend()
    reader.sleep(1000)
    reader.close("exit")
    core.take(reader.lines, "live")
    add_pages(db, *reading(10), *reading(10, at=600))

    assert spans(take_in(path)) == [(600, 1000, 400)]


def test_live_reading_by_a_clock_that_was_wrong_is_left_out_where_the_statistics_have_it(
    core, take_in, clock, db, path
):
    """The core has set its times right; KOReader's statistics have them as the device's clock told them."""
    reader = SampleReader(up=1000, now=clock.now + timedelta(hours=5))
    begun = int(reader.now.timestamp()) - START
    reader.read(DUNE)
    clock.forward(seconds=400)
    core.ingest.take(reader.lines, "device", clock(), Contact(reader.device, up=reader.up))
    add_pages(db, *reading(10, at=begun))

    assert core.journal.spans(digest("Dune"))[0][0] == START + begun - 5 * 3600
    assert take_in(path) == []


def test_reading_of_another_file_of_the_same_title_and_authors_is_left_out(core, take_in, db, path, reader):
    """KOReader lost the digest, or knows another one: a copy that has annotations written into it."""
    reader.read(DUNE)
    core.take(reader.lines, "live")
    db.execute("UPDATE book SET md5 = ?", (digest("Dune with notes"),))
    add_pages(db, *reading(20))

    assert spans(take_in(path)) == [(400, 800, 400)]


PAGES = st.lists(
    st.tuples(st.integers(0, 6000), st.sampled_from([1, 5, 40, 120, 299, 700]), st.integers(1, 9), st.integers(1, 2)),
    max_size=40,
    unique_by=lambda row: (row[3], row[2], row[0]),
)
LIVE = st.lists(st.tuples(st.integers(0, 1500), st.integers(0, 30), st.booleans()), max_size=4)


def fill(path, rows):
    path.unlink(missing_ok=True)
    db = open_file(path)
    for title in ("Dune", "Emma"):
        add_book(db, title)
    for at, seconds, page, book in rows:
        add_pages(db, (at, seconds, page), book=book)
    db.close()


def seconds_of(items, book=None):
    return sum(item.body["duration"] for item in items if book in (None, item.book.partial_md5))


def covered(rows):
    """The seconds of each book at which one of its pages was shown, each page at most the cap."""
    return {(book, at + n) for at, seconds, _, book in rows for n in range(min(seconds, MOST_OF_A_PAGE))}


def live_lines(stretches):
    """Of the first book, opened after so many seconds each time, and so many pages turned."""
    reader, told = SampleReader(now=datetime.fromtimestamp(START, UTC)), set()
    for pause, pages, checks in stretches:
        reader.sleep(pause)
        begin = int(reader.now.timestamp()) - START
        reader.open(DUNE)
        reader.turn(pages)
        if checks:
            reader.checkpoint()
        reader.close()
        told |= {(1, begin + second) for second in range(pages * 40)}
    return reader.lines, told


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=PAGES, cuts=st.lists(st.integers(0, 6000), max_size=3), live=LIVE)
def test_imports_of_growing_copies_come_to_one_import_of_the_whole_within_what_a_cut_costs(
    open_core, core, read, path, rows, cuts, live
):
    for table in ("owed", "remarks", "items", "events"):
        core.database.run(f"DELETE FROM {table}")
    core.database.run("UPDATE features SET place = 0")
    lines, told = live_lines(live)
    core.take(lines, "live")
    fill(path, rows)
    whole = seconds_of(read(path)[0])

    parts, taken = [], []
    for cut in sorted(cuts):
        fill(path, [row for row in rows if row[0] < cut])
        parts.append(read(path)[0])
        core.put(parts[-1], "history")
        taken += parts[-1]
    fill(path, rows)
    taken += read(path)[0]
    core.put(taken, "history")

    counted = [(book, second) for item in taken for book, second in seconds(item)]
    assert whole - MOST_OF_A_PAGE * 2 * len(cuts) <= seconds_of(taken) <= whole
    assert seconds_of(taken) <= len(covered(rows) - told)
    assert len(counted) == len(set(counted))
    assert not set(counted) & told
    assert read(path)[0] == []


def seconds(item):
    """The seconds of a book that lie in a session."""
    ((start, end, _),) = spans([item])
    return [(1 if item.book.title == "Dune" else 2, second) for second in range(start, end)]


def test_the_import_can_be_broken_off_and_goes_on_where_it_was(core, read, db, path, tmp_path):
    for number in range(20):
        add_pages(db, *reading(3, at=number * 1000))
    kept = tmp_path / "kept.sqlite3"
    shutil.copyfile(path, kept)
    items, _ = read(path)
    core.put(items[:7], "history")

    rest, _ = read(kept)

    assert [item.key for item in rest] == [item.key for item in items[7:]]
