"""A month of all kinds by two devices at a BookOrbit, under each kind of trouble: all arrives exactly."""

from pathlib import Path

import pytest
from orbit_month import ANY, TROUBLES, MonthOfOrbit
from orbit_world import orbit_world

WORST = (ANY, "close_after", "late:590", "commit_then_500", "gone")
MORE = [(one, 1) for one in TROUBLES if one not in WORST] + [(ANY, seed) for seed in range(2, 42)]


@pytest.mark.parametrize(
    ("trouble", "seed"),
    [*((one, 1) for one in WORST), *(pytest.param(*one, marks=pytest.mark.soak) for one in MORE)],
)
def test_a_month_arrives_exactly(tmp_path: Path, trouble: str, seed: int) -> None:
    with orbit_world(tmp_path / "home", BOOKLORE_BOOKORBIT__SINCE="all") as world:
        month = MonthOfOrbit(world, trouble, seed)
        month.live(30)
        month.settle()

        assert month.held() == month.told()
