"""Where the reader is: which facts follow from which lines, and what of them arrives."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from booklore_core import Item, Position, Request
from booklore_core.actions import start
from booklore_core.pipeline.facts import item_of
from booklore_core.testing import MORNING, FakeRemote, FakeTarget, SampleReader, answer_all, sample_book

DUNE = sample_book(pages=100)
MD5 = DUNE["partial_md5"]
KOBO = f"{MD5}:kobo-7f3a"


@pytest.fixture
def core(open_core: Any) -> Any:
    return open_core(FakeTarget(kinds=["progress"]), plugins=("progress",))


@pytest.fixture
def reader() -> SampleReader:
    return SampleReader()


def held(core: Any, key: str = KOBO) -> dict[str, Any] | None:
    """The fact as the core holds it: its body, and its revision."""
    rows = core.database.rows("SELECT body, revision FROM items WHERE kind = 'progress' AND key = :key", key=key)
    return rows[0] if rows else None


def place(core: Any, key: str = KOBO) -> Position | None:
    rows = core.database.rows(
        "SELECT * FROM items i JOIN books b ON b.partial_md5 = i.book_md5 WHERE key = :key", key=key
    )
    return Position.of(item_of(rows[0])) if rows else None


def take(core: Any, *lines: Any) -> None:
    assert not core.take(lines, "test").rejected


def test_opening_a_book_tells_where_it_was_opened(core: Any, reader: SampleReader) -> None:
    reader.page = 40
    reader._pages[MD5] = 40

    take(core, reader.open(DUNE))

    assert place(core) == Position(0.4, "/body/p[40].0", "kobo-7f3a", "kobo-7f3a", is_opening=True)


def test_closing_it_tells_where_it_was_read(core: Any, reader: SampleReader) -> None:
    take(core, *reader.read(DUNE, pages=24))

    assert place(core) == Position(0.25, "/body/p[25].0", "kobo-7f3a", "kobo-7f3a")


def test_a_device_is_called_by_its_name(core: Any, reader: SampleReader) -> None:
    name = reader._write("device", name="Libra", model="Kobo_io")

    take(core, name, *reader.read(DUNE, pages=24))

    told = place(core)
    assert told and (told.device, told.device_id) == ("Libra", "kobo-7f3a")


def test_percents_are_floored_to_four_decimals(core: Any, reader: SampleReader) -> None:
    take(core, *reader.read(sample_book(pages=7), pages=1))

    told = place(core)
    assert told and told.percent == 0.2857


@pytest.mark.parametrize("percent", [None, 0.0, 0.00249])
def test_a_book_that_is_hardly_begun_makes_no_fact(core: Any, reader: SampleReader, percent: float | None) -> None:
    line = reader.open(DUNE)
    line["reading"]["percent"] = percent
    closed = reader.close()
    closed["reading"]["percent"] = percent

    take(core, line, closed)

    assert held(core) is None


def test_book_that_opens_before_the_place_last_read_after_a_dead_battery_takes_nothing_of_it(
    core: Any, reader: SampleReader
) -> None:
    """What a target has not got yet would be lost: it was read, the other place is only shown."""
    take(core, *reader.read(DUNE, pages=23), reader.open(DUNE))
    reader.turn(8)
    take(core, reader.checkpoint())
    reader.die()

    take(core, reader.open(DUNE))
    opened = place(core)
    take(core, reader.close())

    assert place(core) == opened == Position(0.32, "/body/p[32].0", "kobo-7f3a", "kobo-7f3a")


def test_opening_and_closing_without_reading_is_no_new_revision(core: Any, reader: SampleReader) -> None:
    take(core, *reader.read(DUNE, pages=24))
    before = held(core)
    reader.wait(3600)

    take(core, reader.open(DUNE), reader.close())

    assert held(core) == before


def test_another_font_moves_nobody(core: Any, reader: SampleReader) -> None:
    take(core, *reader.read(DUNE, pages=24))
    before = held(core)
    opened, closed = reader.open(DUNE), reader.close()
    for line in (opened, closed):
        line["reading"] |= {"percent": 0.2457, "position": "/body/p[25].12", "pages": 112}

    take(core, opened, closed)

    assert held(core) == before


def test_a_line_that_arrives_late_takes_nobody_back(core: Any, reader: SampleReader) -> None:
    early, late = reader.read(DUNE, pages=24), reader.read(DUNE, pages=24)

    take(core, *late)
    take(core, *early)

    told = place(core)
    assert told and told.percent == 0.49


def test_checkpoints_tell_while_that_is_wanted(core: Any, reader: SampleReader) -> None:
    reader.open(DUNE)
    reader.turn(10)
    take(core, *reader.lines, reader.checkpoint())
    reader.turn(10)
    core.settings.set("progress.periodic", False)

    take(core, reader.checkpoint())

    told = place(core)
    assert told and told.percent == 0.11


def test_a_device_that_has_no_other_lines_tells_with_checkpoints_always(core: Any, reader: SampleReader) -> None:
    core.settings.set("progress.periodic", False)
    reader.book, reader.page = DUNE, 30
    line = reader.checkpoint()
    line["reading"] = {"percent": 0.3, "position": "/body/p[30]"}

    take(core, line)

    told = place(core)
    assert told and told.percent == 0.3


def test_what_the_reader_declined_is_carried_on(core: Any, reader: SampleReader) -> None:
    take(core, *reader.read(DUNE, pages=24))
    known = core.books.get(MD5)
    declined = Position(0.25, "/body/p[25].0", "Libra", "kobo-7f3a", (0.7, "there"), 5.0)
    core.put([Item("progress", KOBO, known, declined.as_body(), reader.now)], "progress")

    take(core, *reader.read(DUNE, pages=10))

    told = place(core)
    assert told and (told.percent, told.seen, told.seen_at) == (0.35, (0.7, "there"), 5.0)


def test_two_devices_have_a_fact_each(core: Any, reader: SampleReader) -> None:
    boox = SampleReader("boox-1")

    take(core, *reader.read(DUNE, pages=24), *boox.read(DUNE, pages=12))

    mine, others = place(core), place(core, f"{MD5}:boox-1")
    assert mine and others and (mine.percent, others.percent) == (0.25, 0.13)


def rated(reader: SampleReader, stars: int) -> list[dict[str, Any]]:
    """A stretch at the end of which the stars are given."""
    opened = reader.open(DUNE)
    reader.turn()
    reader.stars = stars
    return [opened, reader.close()]


def test_a_rating_marks_the_book_as_read_once_and_where_that_is_wanted(core: Any, reader: SampleReader) -> None:
    take(core, *reader.read(DUNE, pages=38), *rated(reader, 4))
    assert held(core, f"{MD5}/read") is None
    core.settings.set("progress.read_on_rating", True)

    take(core, *rated(reader, 5))
    before = held(core, f"{MD5}/read")
    take(core, *rated(reader, 3), *rated(reader, 0))

    forced = Position(1.0, "/body/p[41].0", "kobo-7f3a", "kobo-7f3a", forced_from=0.41)
    assert place(core, f"{MD5}/read") == forced
    assert held(core, f"{MD5}/read") == before


def test_stars_say_nothing_where_the_reader_is_asked_for_ratings(open_core: Any, reader: SampleReader) -> None:
    core = open_core(plugins=("progress", "ratings"))
    core.settings.set("progress.read_on_rating", True)
    core.settings.set("ratings.mode", "select_at_complete")

    take(core, *rated(reader, 4))
    before = held(core, f"{MD5}/read")
    answer_all(start(core, "rate_book", Request(MD5, {"rating": 8}, "kobo-7f3a")), ())

    assert (before, held(core, f"{MD5}/read") is not None) == (None, True)


def test_a_book_that_is_rated_unread_is_marked_as_read_all_the_same(core: Any, reader: SampleReader) -> None:
    core.settings.set("progress.read_on_rating", True)
    line = reader.open({**DUNE})
    line["reading"] = {"stars": 4}

    take(core, line)

    told = place(core, f"{MD5}/read")
    assert told and (told.percent, told.forced_from) == (1.0, 0.0)


def test_reading_on_after_the_rating_makes_the_book_one_that_is_read(open_core: Any, clock: Any, reader: Any) -> None:
    remote = FakeRemote(clock)
    core = open_core(remote, plugins=("progress",))
    core.settings.set("progress.read_on_rating", True)
    take(core, *reader.read(DUNE, pages=38), *rated(reader, 4))
    core.sync()
    assert remote.places[MD5].percent == 1.0
    take(core, *reader.read(DUNE, pages=0))
    core.sync()
    assert remote.places[MD5].percent == 1.0

    take(core, *reader.read(DUNE, pages=5))
    core.sync()

    assert remote.places[MD5].percent == 0.45


@pytest.mark.parametrize("pages", [1, 20])
def test_reading_on_from_where_the_rating_was_given_does_not_read_the_book_again(
    core: Any, reader: SampleReader, pages: int
) -> None:
    core.settings.set("progress.read_on_rating", True)
    take(core, *reader.read(DUNE, pages=38), *rated(reader, 4))

    take(core, *reader.read(DUNE, pages=pages))

    told = place(core)
    assert told and told.is_laid_aside


def test_stars_that_were_given_while_the_book_was_closed_hold_for_what_is_read_next(
    core: Any, reader: SampleReader
) -> None:
    core.settings.set("progress.read_on_rating", True)
    reader.stars = 4

    take(core, *reader.read(DUNE, pages=30))

    told = place(core)
    assert told and told.is_laid_aside


def test_reading_what_is_before_the_place_of_the_rating_reads_the_book_again(core: Any, reader: SampleReader) -> None:
    core.settings.set("progress.read_on_rating", True)
    take(core, *reader.read(DUNE, pages=90), *rated(reader, 4))
    reader._pages[MD5] = 1

    take(core, *reader.read(DUNE, pages=5))

    told = place(core)
    assert told and not told.is_laid_aside


@pytest.mark.parametrize(("status", "is_laid_aside"), [("abandoned", True), ("reading", False), (None, False)])
def test_a_place_in_a_book_on_hold_says_so(
    core: Any, reader: SampleReader, status: str | None, is_laid_aside: bool
) -> None:
    reader.status = status

    take(core, *reader.read(DUNE, pages=24))

    told = place(core)
    assert told and told.is_laid_aside == is_laid_aside


def test_switched_off_nothing_is_told(open_core: Any, reader: SampleReader) -> None:
    core = open_core(FakeTarget(kinds=["progress"]), plugins=("progress",), BOOKLORE_PROGRESS__ENABLED="false")

    take(core, *reader.read(DUNE))

    assert core.pending() == {} and held(core) is None


def test_a_book_that_is_not_tracked_is_not_told_of(core: Any, reader: SampleReader) -> None:
    take(core, reader.open(DUNE))
    before = held(core)
    core.books.track(MD5, False)

    reader.turn(30)
    take(core, reader.close())

    assert before and held(core) == before


def test_what_waits_stands_in_the_view_of_the_manual(core: Any, reader: SampleReader) -> None:
    take(core, reader._write("device", name="Libra"), *reader.read(DUNE, pages=24))

    (row,) = core.database.rows("SELECT * FROM pending_koreader_progress")

    assert core.pending() == {"progress": 1} and core.kinds.short_counts(core.pending()) == "1P"
    assert row["document"] == MD5 and row["book_title"] == "Dune"
    assert (row["percentage"], row["progress"]) == (0.25, "/body/p[25].0")
    assert (row["device"], row["device_id"]) == ("Libra", "kobo-7f3a")
    assert row["timestamp"] == int((MORNING + timedelta(seconds=24 * 40)).timestamp())
    assert (row["retry_count"], row["last_retry_at"]) == (0, None)
    assert row.keys() >= {"id", "book_id", "created_at"}


def test_only_the_latest_of_what_waited_is_sent(open_core: Any, clock: Any, reader: SampleReader) -> None:
    remote = FakeRemote(clock)
    core = open_core(remote, plugins=("progress",))
    for _ in range(3):
        take(core, *reader.read(DUNE, pages=10))

    core.sync()

    assert [item.body["percent"] for item in remote.received] == [0.31]
    assert core.status().synced == {"progress": 1}


def test_what_was_synced_is_cleared_under_the_name_of_the_manual(core: Any) -> None:
    assert core.kinds["progress"].history_name == "Synced progress"
    assert core.kinds.in_words({"progress": 4}) == "4 progress updates"


@pytest.mark.parametrize(("status", "told"), [("complete", 0.97), ("reading", 0.09), ("abandoned", 0.09)])
def test_looking_something_up_in_a_finished_book_does_not_take_its_read_mark_away(
    core: Any, reader: SampleReader, status: str, told: float
) -> None:
    last_page, early = {"percent": 0.97, "position": "/body/p[97].0"}, {"percent": 0.09, "position": "/body/p[9].0"}
    lines = [*reader.read(DUNE, pages=24), *reader.read(DUNE, pages=2)]
    lines[1]["reading"] |= {**last_page, "status": "complete"}
    for line in lines[2:]:
        line["reading"] |= {**early, "status": status}

    take(core, *lines)

    found = place(core)
    assert found and found.percent == told
