"""One book and two devices that are read in turns, at a BookLore and at a BookOrbit on which others read too. Whoever
opens the book is asked one question at most, about the newest place, and none twice."""

from contextlib import closing
from pathlib import Path

import pytest
from reading_beside import MonthBeside


def live_a_month(folder: Path, dialect: str, seed: int) -> None:
    with closing(MonthBeside(seed, dialect, folder)) as household:
        household.live(days=30)

        for device in household.devices:
            household.calm_day(device)
        assert household.questions > 3


@pytest.mark.parametrize(("dialect", "seed"), [("booklore", 23), ("grimmory-3.5", 1)])
def test_two_devices_at_two_servers_lose_no_place_and_ask_nothing_twice(
    tmp_path: Path, dialect: str, seed: int
) -> None:
    live_a_month(tmp_path, dialect, seed)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(2, 42))
@pytest.mark.parametrize("dialect", ["booklore", "grimmory-3.5", "custom"])
def test_many_months_at_two_servers_lose_no_place_and_ask_nothing_twice(
    tmp_path: Path, dialect: str, seed: int
) -> None:
    live_a_month(tmp_path, dialect, seed)
