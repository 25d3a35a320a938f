"""Reading: minutes a day, hours by book and month, days in a row; the same on the page and at the terminal."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from page_world import Browser

from booklore_core.bridge.web.reading import Year, in_hours, read_year
from booklore_core.core import Core
from booklore_core.testing import SampleReader, sample_book


@pytest.fixture(autouse=True)
def in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from zone(monkeypatch, "UTC")


def zone(monkeypatch: pytest.MonkeyPatch, name: str) -> Iterator[None]:
    if not hasattr(time, "tzset"):
        pytest.skip("the time zone of a process cannot be changed here")
    monkeypatch.setenv("TZ", name)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def browser(url: str) -> Browser:
    return Browser(url)


def read(core: Core, *stretches: tuple[str, datetime, int], device: str = "kobo-7f3a") -> None:
    """Each of a title, a beginning, and so many minutes."""
    reader = SampleReader(device)
    for title, at, long in stretches:
        reader.now = at
        reader.read(sample_book(title), pages=long, seconds=60)
    core.take(reader.lines, "test")


def on(day: int, hour: int = 12, month: int = 11, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour, tzinfo=UTC)


def test_a_day_has_the_minutes_of_what_began_on_it(core: Core) -> None:
    read(core, ("Dune", on(18), 20), ("Emma", on(18, 20), 10), ("Dune", on(19), 30))

    found = read_year(core)

    assert {day.day: told // 60 for day, told in found.days.items()} == {18: 30, 19: 30}
    assert (found.seconds // 60, found.stretches, len(found.books)) == (60, 3, 2)
    assert found.months[10] == 3600 and sum(found.months) == 3600


def test_books_come_with_their_titles_the_longest_read_first(core: Core) -> None:
    read(core, ("Dune", on(18), 20), ("Emma", on(19), 45))

    told = read_year(core).as_json()["books"]

    assert [(one["book"], one["minutes"]) for one in told] == [("Emma", 45), ("Dune", 20)]


def test_days_in_a_row_go_on_until_today_is_over(core: Core) -> None:
    read(core, *(("Dune", on(day), 10) for day in (10, 11, 12, 13, 17, 18, 19)))

    found = read_year(core)  # it is the 20th

    assert (found.streak, found.longest, found.longest_until) == (3, 4, on(13).date())


def test_a_day_without_reading_ends_it(core: Core) -> None:
    read(core, ("Dune", on(18), 10))

    assert read_year(core).streak == 0


def test_another_year_is_another_one(core: Core) -> None:
    read(core, ("Dune", on(31, 12, month=12, year=2025), 10), ("Emma", on(18), 10), device="kobo-two")

    assert list(read_year(core, 2025).days) == [on(31, month=12, year=2025).date()]
    assert read_year(core).years == [2025, 2026]


def test_days_are_those_of_this_computers_time_zone(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in zone(monkeypatch, "Asia/Kathmandu"):  # 5 h 45 min ahead
        read(core, ("Dune", on(18, 18) + timedelta(minutes=14), 10), ("Dune", on(18, 18) + timedelta(minutes=40), 10))

        assert {day.day: told // 60 for day, told in read_year(core).days.items()} == {18: 10, 19: 10}


def test_a_session_that_was_taken_back_counts_no_more(core: Core) -> None:
    read(core, ("Dune", on(18), 20))
    core.database.run("""UPDATE items SET body = '{"removed": true}'""")

    assert read_year(core).seconds == 0


def test_the_page_shows_pictures_with_numbers_beside(core: Core, browser: Browser) -> None:
    read(core, ("Dune", on(18), 20), ("Emma", on(19), 65))
    browser.get("reading")

    assert "1 h 25 min" in browser.text and "November" in browser.text and "2026-11-19: 65 min" in browser.text
    assert "Current streak 2 days" in browser.text


def test_without_reading_it_says_where_it_would_come_from(browser: Browser) -> None:
    browser.get("reading")

    assert "Nothing was read in 2026 yet" in browser.text and "booklore history extract" in browser.text


@pytest.mark.parametrize("year", ["1", "99999", "soon"])
def test_what_is_no_year_is_told(browser: Browser, year: str) -> None:
    assert browser.get(f"reading?year={year}").status_code == 422


def test_hours_read_as_people_say_them() -> None:
    assert [in_hours(seconds) for seconds in (0, 59, 720, 3600, 7500)] == [
        "0 min", "0 min", "12 min", "1 h 00 min", "2 h 05 min",
    ]  # fmt: skip


def test_an_empty_year_has_a_shape_all_the_same() -> None:
    told = Year(2026, on(20).date()).as_json()

    assert (told["minutes"], told["months"], told["longest_streak"]) == (0, [0] * 12, {"days": 0, "until": None})
