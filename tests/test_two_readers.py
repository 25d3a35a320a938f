"""One book and two devices that are read in turns, at a server on which others read too."""

from contextlib import closing
from pathlib import Path

import pytest
from reading_month import Month

DIALECTS = ("booklore", "grimmory-3.5", "custom")


def live_a_month(folder: Path, dialect: str, seed: int) -> None:
    with closing(Month(seed, dialect, folder)) as household:
        household.live(days=30)

        for device in household.devices:
            household.calm_day(device)
        assert household.questions > 3


def finish_the_book(folder: Path, dialect: str, seed: int) -> None:
    with closing(Month(seed, dialect, folder)) as household:
        household.live(days=2)

        household.finish()


@pytest.mark.parametrize("dialect", DIALECTS)
def test_two_devices_in_turns_lose_no_place_and_ask_nothing_twice(tmp_path: Path, dialect: str) -> None:
    live_a_month(tmp_path, dialect, seed=0)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_finished_book_stays_read_since_the_same_day(tmp_path: Path, dialect: str) -> None:
    finish_the_book(tmp_path, dialect, seed=2)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(1, 41))
@pytest.mark.parametrize("dialect", DIALECTS)
def test_many_months_of_two_devices_lose_no_place_and_ask_nothing_twice(
    tmp_path: Path, dialect: str, seed: int
) -> None:
    live_a_month(tmp_path, dialect, seed)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(3, 43))
@pytest.mark.parametrize("dialect", DIALECTS)
def test_finished_books_of_many_readers_stay_read_since_the_same_day(tmp_path: Path, dialect: str, seed: int) -> None:
    finish_the_book(tmp_path, dialect, seed)
