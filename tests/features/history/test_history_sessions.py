"""Where pages make one session and where they are cut, and what a session of the past says."""

import json

import pytest
from history_world import START, add_book, add_pages, digest, open_file, reading, spans

from booklore_core.testing import SampleReader, sample_book


@pytest.fixture
def made(read, db, path):
    """The sessions of a book with these pages."""

    def made(*rows, **more):
        add_pages(db, *rows, **more)
        return read(path)[0]

    return made


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([(0, 60), (60, 60)], [(0, 120, 120)]),
        ([(0, 60), (360, 60)], [(0, 420, 120)]),
        ([(0, 60), (361, 60)], [(0, 60, 60), (361, 421, 60)]),
        ([(0, 500), (800, 60)], [(0, 860, 560)]),
        ([(0, 30)], [(0, 30, 30)]),
    ],
    ids=["in a row", "a pause of five minutes", "a longer one", "after a long page", "a single page"],
)
def test_a_session_ends_where_the_next_page_begins_late_after_the_end_of_the_last(made, rows, expected):
    assert spans(made(*rows)) == expected


def test_a_pause_is_as_long_as_the_setting_says(core, made):
    core.settings.set("history.session_gap", 0)

    assert spans(made((0, 60), (60, 60), (121, 60))) == [(0, 120, 120), (121, 181, 60)]


def test_a_page_is_worth_the_idle_cap_and_a_longer_one_ends_the_session(made):
    assert spans(made((0, 60), (60, 600), (660, 700), (1360, 60))) == [(0, 1260, 1260), (1360, 1420, 60)]


def test_a_page_is_cut_as_live_reading_is(core, open_core, made):
    """The same reading, told live and found in the statistics, makes the same sessions."""
    live, reader = open_core(home="live"), SampleReader()
    for one in (core, live):
        one.settings.set("sessions.idle_cap", 50)
    opened = reader.now.timestamp()
    reader.open(sample_book("Dune"))
    rows = []
    for seconds in (40, 60, 40, 40):
        rows.append((int(reader.now.timestamp()) - START, seconds))
        reader.turn(1, seconds)
    reader.close()
    live.take(reader.lines, "live")

    told = live.database.rows("SELECT body FROM items WHERE kind = 'session' ORDER BY occurred_at")

    assert opened == START + rows[0][0]
    assert [(item.body["start"], item.body["end"], item.body["duration"]) for item in made(*rows)] == [
        (body["start"], body["end"], body["duration"]) for body in (json.loads(row["body"]) for row in told)
    ]


def test_nothing_lasts_longer_than_a_day(made):
    items = made(*[(number * 500, 500) for number in range(400)])

    assert sum(item.body["duration"] for item in items) == 200_000
    assert [end - start for start, end, _ in spans(items)] == [86_000, 86_000, 28_000]


def test_pages_that_were_read_again_count(made):
    (item,) = made((0, 60, 5), (60, 60, 4), (120, 60, 5))

    assert (item.body["duration"], item.body["turns"]) == (180, 2)
    assert (item.body["start_percent"], item.body["end_percent"]) == (5 / 600, 5 / 600)


@pytest.mark.parametrize(
    ("page", "total", "number", "percent"),
    [
        (0, 600, 0, 0.0),
        (601, 600, 601, 1.0),
        (10**9, 600, None, None),
        (-1, 600, None, None),
        (5, 0, 5, None),
        (5, -600, 5, None),
        (5, 2**62, 5, None),
        (2**62, 2**62, None, None),
    ],
)
def test_a_page_that_the_book_has_not_counts_as_time_and_progress_stays_within_the_book(
    made, page, total, number, percent
):
    (item,) = made((0, 60, page), (60, 60, page), total=total)

    assert item.body["duration"] == 120
    for side in ("start", "end"):
        assert (item.body[f"{side}_page"], item.body[f"{side}_percent"]) == (number, percent)


def test_each_end_is_told_in_the_layout_of_its_time(db, made):
    add_pages(db, (0, 60, 30), total=300)

    (item,) = made((60, 60, 80), total=600)

    assert (item.body["start_page"], item.body["start_percent"]) == (30, 0.1)
    assert (item.body["end_page"], item.body["end_percent"]) == (80, 80 / 600)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([(0, 60, 1), (0, 40, 2)], [(0, 60, 60)]),
        ([(0, 60, 1), (30, 60, 2)], [(0, 90, 90)]),
        ([(0, 100, 1), (20, 30, 2), (90, 60, 3)], [(0, 150, 150)]),
        ([(0, 700, 1), (300, 400, 2)], [(0, 600, 600), (600, 700, 100)]),
    ],
    ids=["in one second", "one before the other's end", "one within another", "across the cap"],
)
def test_pages_of_two_devices_at_a_time_never_make_more_reading_than_time(made, rows, expected):
    assert spans(made(*rows)) == expected


def test_two_books_at_a_time_are_two_sessions(db, made):
    add_book(db, "Emma")
    add_pages(db, *reading(10, at=20), book=2)

    items = made(*reading(10))

    assert spans(items) == [(0, 400, 400), (20, 420, 400)]
    assert {item.book.title for item in items} == {"Dune", "Emma"}


def test_a_session_says_what_a_live_one_says(made):
    (item,) = made(*reading(3))

    assert item.kind == "session"
    assert item.key == f"statistics:{digest('Dune')}:{START}"
    assert item.occurred_at.timestamp() == START
    assert (item.book.partial_md5, item.book.title, item.book.authors) == (digest("Dune"), "Dune", ("Frank Herbert",))
    assert item.body == {
        "source": "statistics",
        "start": "2026-10-01T20:00:00Z",
        "end": "2026-10-01T20:02:00Z",
        "duration": 120,
        "start_percent": 1 / 600,
        "end_percent": 3 / 600,
        "start_position": None,
        "end_position": None,
        "start_page": 1,
        "end_page": 3,
        "turns": 2,
        "device": None,
        "format": None,
    }


def test_the_type_is_that_of_the_file_that_a_device_has_told_of(core, made):
    core.take([SampleReader().open(sample_book("Dune", file="/mnt/onboard/Dune.PDF"))], "live")

    (item,) = made(*reading(3))

    assert item.body["format"] == "pdf"


def test_an_empty_file_has_nothing_new(read, tmp_path):
    open_file(tmp_path / "statistics.sqlite3").close()

    assert read(tmp_path / "statistics.sqlite3") == ([], [])
