"""Simulated weeks at a BookOrbit, alone and beside a BookLore: a seed is one exact run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from simulation import simulate_bookorbit
from test_simulation import batches, name, run

REGRESSIONS, REGRESSIONS_BESIDE = (6, 35, 50, 64, 72, 140, 168, 190), (11, 16, 21, 28, 30, 45, 65, 93)
"""Seeds that found something once."""

WEEKS, WEEKS_BESIDE = 6, 6
SOAK_WEEKS, SOAK_WEEKS_BESIDE = 1_000, 300


def run_all(seeds: Sequence[int], folder: Path, is_beside: bool) -> None:
    for seed in seeds:
        run(seed, folder, lambda number, made: simulate_bookorbit(number, made, is_beside))


@pytest.mark.parametrize("seeds", [REGRESSIONS, *batches(0, WEEKS, 3)], ids=name)
def test_week_at_bookorbit_loses_and_doubles_nothing(tmp_path: Path, seeds: Sequence[int]) -> None:
    run_all(seeds, tmp_path, is_beside=False)


@pytest.mark.parametrize("seeds", [REGRESSIONS_BESIDE, *batches(0, WEEKS_BESIDE, 3)], ids=name)
def test_week_at_bookorbit_and_booklore_loses_and_doubles_nothing(tmp_path: Path, seeds: Sequence[int]) -> None:
    run_all(seeds, tmp_path, is_beside=True)


@pytest.mark.soak
@pytest.mark.parametrize("seeds", batches(WEEKS, SOAK_WEEKS, 50), ids=name)
def test_hundreds_of_weeks_at_bookorbit_lose_and_double_nothing(tmp_path: Path, seeds: Sequence[int]) -> None:
    run_all(seeds, tmp_path, is_beside=False)


@pytest.mark.soak
@pytest.mark.parametrize("seeds", batches(WEEKS_BESIDE, SOAK_WEEKS_BESIDE, 20), ids=name)
def test_hundreds_of_weeks_at_both_lose_and_double_nothing(tmp_path: Path, seeds: Sequence[int]) -> None:
    run_all(seeds, tmp_path, is_beside=True)
