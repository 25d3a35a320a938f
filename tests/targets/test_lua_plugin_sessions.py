"""Sessions from the Lua plugin beside others of the same reading: no second is counted twice, none is lost."""

from datetime import datetime, timedelta
from functools import partial

import pytest
from lua_world import open_world

from booklore_core import BookRef, Item, Match
from booklore_core.testing import SampleReader

DUNE, EMMA = "d" * 32, "e" * 32
DAY = "2026-03-01 "


@pytest.fixture
def world(tmp_path, open_core, clock):
    yield from open_world(tmp_path, open_core, clock)


@pytest.fixture
def database(world):
    return world.database().book(1, DUNE, book_id=1, title="Dune").book(2, EMMA, title="Emma")


def of_file(begin, end, md5=DUNE, seconds=60):
    """A session of another import."""
    start = datetime.fromisoformat(f"{DAY}{begin}:00+00:00")
    body = {"start": f"{start:%Y-%m-%dT%H:%M:%SZ}", "end": f"2026-03-01T{end}:00Z", "duration": seconds}
    about = {"source": "statistics", "start_percent": None, "end_percent": None, "device": None}
    return Item("session", f"statistics:{md5}:{int(start.timestamp())}", BookRef(md5), {**body, **about}, start)


def live(begin, pages, seconds=60):
    """A book that is read on a device of ours, and closed."""
    reader = SampleReader()
    reader.now = datetime.fromisoformat(f"{DAY}{begin}:00+00:00")
    reader.read({"partial_md5": DUNE, "title": "Dune", "file": "/mnt/onboard/1.epub", "pages": 600}, pages, seconds)
    return reader.lines


def put(world, *items):
    assert world.core.put(items, "history") == len(items)


def keys(world):
    return [item.key.partition(":")[0] for item in world.items("session")]


def test_what_waits_and_was_sent_once_more_is_one_session(world, database):
    database.waiting(DUNE, DAY + "20:00", DAY + "20:30", 1800).waiting(DUNE, DAY + "20:00", DAY + "20:30", 1800)
    database.sent(DUNE, DAY + "20:00", DAY + "20:30", 1800)

    world.take_over(database)

    assert list(world.states().values()) == ["delivered"]


def test_what_was_read_on_after_an_extraction_was_sent_is_due(world, database):
    database.sent(DUNE, DAY + "20:00", DAY + "20:30", 1800)
    database.sent(DUNE, DAY + "20:00", DAY + "21:00", 3600, synced=0)

    world.take_over(database)

    assert world.spans() == [("03-01 20:00", "03-01 20:30", 1800), ("03-01 20:30", "03-01 21:00", 1800)]
    assert list(world.states().values()) == ["delivered", "new"]


def test_an_extraction_of_what_was_tracked_as_well_adds_nothing(world, database):
    database.sent(DUNE, DAY + "20:00", DAY + "20:30", 1800)
    database.sent(DUNE, DAY + "20:01", DAY + "20:29", 1500, synced=0)

    world.take_over(database)

    assert world.spans() == [("03-01 20:00", "03-01 20:30", 1800)]


def test_what_the_server_has_takes_the_place_of_another_import_that_waits(world, database):
    put(world, of_file("20:00", "20:31"), of_file("22:00", "22:30"))
    database.sent(DUNE, DAY + "20:00", DAY + "20:30", 1800)

    result = world.take_over(database)

    assert keys(world) == ["lua", "statistics"]
    assert result.data["session"]["taken_out"] == 1
    assert "1 session made here of the same reading, which the plugin tells of now" in result.message


def test_another_import_that_may_have_been_sent_stays(world, database):
    put(world, of_file("20:00", "20:31"))
    world.core.books.match(DUNE, "booklore", Match(str(world.book("Dune").id), "person"), world.clock())
    world.core.settings.set("booklore.url", world.server.url)
    world.core.settings.set("booklore.username", world.server.username)
    world.core.settings.set("booklore.password", world.server.password)
    assert world.sync() == {"session": 1}
    database.sent(DUNE, DAY + "20:00", DAY + "20:30", 1800)

    world.take_over(database)

    assert keys(world) == ["statistics", "lua"]
    assert set(world.states().values()) == {"delivered"}


@pytest.mark.parametrize(
    ("others", "left"),
    [
        ([("20:00", "20:30")], []),  # the same
        ([("20:00", "20:10"), ("20:50", "21:00")], []),  # idle in between, which the plugin counts (F2)
        ([("20:25", "20:35")], []),  # the middle
        ([("19:50", "20:00")], [("20:00", "21:00", 3600)]),  # just before
        ([("20:50", "21:10")], [("20:00", "20:50", 3000)]),  # its end
        ([("20:40", "20:50")], [("20:00", "20:40", 2400), ("20:50", "21:00", 600)]),
    ],
)
def test_what_waits_counts_as_far_as_its_time_is_nobodys(world, database, others, left):
    put(world, *(of_file(*span) for span in others))
    database.waiting(DUNE, DAY + "20:00", DAY + "21:00", 3600)

    world.take_over(database)

    ours = [span for span, key in zip(world.spans(), keys(world), strict=True) if key == "lua"]
    found = [(begin[6:], end[6:], seconds) for begin, end, seconds in ours]
    assert found == left


def test_what_may_have_arrived_takes_the_place_of_another_import_that_waits(world, database):
    put(world, of_file("20:00", "20:30"), of_file("22:00", "22:30"))
    database.waiting(DUNE, DAY + "20:00", DAY + "20:29", 1740, retry_count=1)

    world.take_over(database)

    assert keys(world) == ["lua", "statistics"]
    assert sorted(world.states().values()) == ["new", "unconfirmed"]


def test_time_of_another_book_is_another_time(world, database):
    put(world, of_file("20:00", "20:30", EMMA))
    database.waiting(DUNE, DAY + "20:00", DAY + "20:30", 1800)

    world.take_over(database)

    assert keys(world) == ["statistics", "lua"]


def test_what_was_tracked_here_is_not_counted_again(world, database):
    world.core.take(live("20:00", 20), "test")
    database.waiting(DUNE, DAY + "20:00", DAY + "20:20", 1200)

    world.take_over(database)

    assert len(world.items("session")) == 1
    assert world.items("session")[0].body["stretches"]


def test_what_was_tracked_here_gives_way_to_what_the_server_has(world, database):
    world.core.take(live("20:00", 20), "test")
    database.sent(DUNE, DAY + "19:59", DAY + "20:21", 1200)

    world.take_over(database)

    assert keys(world) == ["lua"]


def test_most_of_what_was_tracked_here_is_not_given_up_for_a_part(world, database):
    world.core.take(live("20:00", 60), "test")
    database.sent(DUNE, DAY + "20:00", DAY + "20:10", 600)

    world.take_over(database)

    assert len(keys(world)) == 2


def test_a_session_has_the_shape_of_a_live_one(world, database):
    world.core.take(live("10:00", 20), "test")
    database.waiting(DUNE, DAY + "20:00", DAY + "20:30", 1800)

    world.take_over(database)

    ours, theirs = world.items("session")
    assert {*ours.body, "source"} == {*theirs.body}
    assert (theirs.body["start_percent"], theirs.body["start_page"], theirs.body["end_page"]) == (0.1, 60, 75)
    assert (theirs.body["turns"], theirs.body["format"], theirs.body["source"]) == (15, "epub", "lua")


def test_what_lies_in_the_future_or_lasts_for_days_is_told(world, database):
    tomorrow = f"{world.clock() + timedelta(days=1):%Y-%m-%d} "
    database.waiting(DUNE, tomorrow + "20:00", tomorrow + "20:30", 1800)
    database.waiting(DUNE, DAY + "20:00", "2026-03-04 10:00", 62 * 3600)
    database.waiting(DUNE, DAY + "10:00", DAY + "10:00", 60)

    result = world.take_over(database)

    assert world.items("session") == []
    assert result.data["session"]["left_out"] == len(world.remarks()) == 3


def test_whole_days_that_the_server_was_told_of_stay_accounted_for(world, database):
    database.sent(DUNE, DAY + "20:00", "2026-03-04 10:00", 62 * 3600)

    world.take_over(database)

    assert world.spans() == [("03-01 20:00", "03-04 10:00", 86400)]


def test_a_row_without_a_digest_belongs_to_what_only_one_book_has(world, database):
    about = {"koreader_book_title": "Emma", "koreader_book_id": 7, "book_hash": None}
    database.sent(None, DAY + "08:00", DAY + "08:10", 600, **{**about, "book_hash": EMMA})
    database.sent(None, DAY + "09:00", DAY + "09:10", 600, **{**about, "koreader_book_title": "?"})
    database.sent(None, DAY + "10:00", DAY + "10:10", 600, **{**about, "koreader_book_id": 0})
    database.waiting("", DAY + "11:00", DAY + "11:10", 600, book_id=1)

    world.take_over(database)

    assert [item.book.title for item in world.items("session")] == ["Emma", "Emma", "Emma", "Dune"]


def test_a_number_that_rows_without_a_digest_share_is_not_believed(world, database):
    database.book(3, "", book_id=1)
    database.waiting("", DAY + "11:00", DAY + "11:10", 600, book_id=1, book_title="Somebody")
    database.waiting("", DAY + "12:00", DAY + "12:10", 600, book_id=1)

    result = world.take_over(database)

    (item,) = world.items("session")
    assert item.book.title == "Somebody"
    assert world.core.books.match_of(item.book.partial_md5, "booklore") is None
    assert "1 session of which nothing tells the book" in world.take_over(database, dry_run=True).message
    assert result.data["left_out"] == {"book without a digest": 1, "session of which nothing tells the book": 1}


def test_what_the_plugin_sent_since_the_first_time_is_not_sent_again(world, database):
    database.waiting(DUNE, DAY + "20:00", DAY + "20:30", 1800)
    world.take_over(database)
    database.sent(DUNE, DAY + "20:00", DAY + "20:30", 1800)

    world.take_over(database)

    assert list(world.states().values()) == ["delivered"]
    assert world.core.pending() == {}


def test_what_a_person_has_cleared_does_not_come_back(world, database):
    database.waiting(DUNE, DAY + "20:00", DAY + "20:30", 1800)
    world.take_over(database)
    world.core.outbox.clear("session", world.clock())

    world.take_over(database)

    assert world.core.pending() == {}
    assert list(world.states().values()) == ["discarded"]


def test_a_second_time_nothing_is_to_be_sent_that_is_not_new(world, database):
    database.waiting(DUNE, DAY + "20:00", DAY + "20:30", 1800)
    assert "1 session to be sent" in world.take_over(database).message

    assert "to be sent" not in world.take_over(database).message


def test_what_is_left_of_another_import_counts_and_the_last_page_of_what_was_sent_only_there(world, database):
    """Ten pages of a minute each; the plugin has sent the first six, and its session ends where the sixth begins."""
    put(world, of_file("20:00", "20:10", seconds=600))
    database.sent(DUNE, DAY + "20:00", DAY + "20:05", 360)

    world.take_over(database)

    assert world.spans() == [("03-01 20:00", "03-01 20:05", 360), ("03-01 20:06", "03-01 20:10", 240)]


@pytest.mark.parametrize("table", ["waiting", "sent"])
def test_the_last_page_of_what_waits_counts_as_well(world, database, table):
    rows = {"waiting": database.waiting, "sent": partial(database.sent, synced=0)}
    rows[table](DUNE, DAY + "20:00", DAY + "20:09", 600)

    world.take_over(database)

    assert world.spans() == [("03-01 20:00", "03-01 20:10", 600)]


def test_most_of_what_was_tracked_here_is_cut_to_what_the_server_lacks(world, database):
    world.core.take(live("20:00", 60), "test")
    database.sent(DUNE, DAY + "20:00", DAY + "20:10", 600)

    world.take_over(database)

    assert world.spans() == [("03-01 20:00", "03-01 20:10", 600), ("03-01 20:10", "03-01 21:00", 3000)]
