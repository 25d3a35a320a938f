"""Simulated weeks: a seed is one exact run, and a seed that ever failed is run for good."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from household import DIALECTS
from simulation import simulate, simulate_over_http
from sqlalchemy import event
from sqlalchemy.engine import Engine
from tally import count

REGRESSIONS: tuple[int, ...] = ()
"""Seeds that found something once."""

REGRESSIONS_OVER_HTTP: tuple[int, ...] = ()

SEEDS, SEEDS_OVER_HTTP = 60, 8
SOAK_SEEDS, SOAK_SEEDS_OVER_HTTP = 5_000, 500


def run(seed: int, folder: Path, simulated: Callable[[int, Path], list[str]]) -> None:
    """Raises AssertionError that names the seed."""
    with tempfile.TemporaryDirectory(dir=folder) as made:
        faults = simulated(seed, Path(made))
    assert not faults, "\n".join([f"seed {seed}; add it to the regressions", *faults])
    count("simulated weeks")


def run_over_http(seed: int, folder: Path) -> None:
    run(seed, folder, lambda number, made: simulate_over_http(number, made, DIALECTS[number % len(DIALECTS)]))


@pytest.mark.parametrize("first", range(0, SEEDS, 20))
def test_week_loses_and_doubles_nothing(folder: Path, first: int) -> None:
    for seed in range(first, min(first + 20, SEEDS)):
        run(seed, folder, simulate)


@pytest.mark.parametrize("seed", REGRESSIONS)
def test_week_that_failed_once_does_not_fail_again(folder: Path, seed: int) -> None:
    run(seed, folder, simulate)


def test_week_is_the_same_whenever_it_is_run(folder: Path) -> None:
    assert trace(folder, 7) == trace(folder, 7) != []


def trace(folder: Path, seed: int) -> list[str]:
    """Every database statement of a week, in order."""
    seen: list[str] = []

    def note(connection: Any, cursor: Any, sql: str, *rest: Any) -> None:
        seen.append(sql)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        run(seed, folder, simulate)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    return seen


@pytest.mark.parametrize("seed", range(SEEDS_OVER_HTTP))
def test_week_over_http_loses_and_doubles_nothing(folder: Path, seed: int) -> None:
    run_over_http(seed, folder)


@pytest.mark.parametrize("seed", REGRESSIONS_OVER_HTTP)
def test_week_over_http_that_failed_once_does_not_fail_again(folder: Path, seed: int) -> None:
    run_over_http(seed, folder)


@pytest.mark.soak
@pytest.mark.parametrize("first", range(SEEDS, SOAK_SEEDS, 100))
def test_thousands_of_weeks(folder: Path, first: int) -> None:
    for seed in range(first, first + 100):
        run(seed, folder, simulate)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(SEEDS_OVER_HTTP, SOAK_SEEDS_OVER_HTTP))
def test_hundreds_of_weeks_over_http(folder: Path, seed: int) -> None:
    run_over_http(seed, folder)
