"""One book, two devices, a month."""

from pathlib import Path

import pytest
from reading_month import month

DIALECTS = ("booklore", "grimmory-3.5", "custom")


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("dialect", DIALECTS)
def test_two_devices_in_turns_lose_no_place_and_ask_nothing_twice(tmp_path: Path, dialect: str, seed: int) -> None:
    with month(seed, dialect, tmp_path) as household:
        household.live(days=30)

        for device in household.devices:
            household.calm_day(device)
        assert household.questions > 3
