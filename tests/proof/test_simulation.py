"""Simulated weeks: a seed is one exact run, and a seed that ever failed is run for good."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from household import DIALECTS
from simulation import simulate, simulate_day, simulate_over_http
from sqlalchemy import event
from sqlalchemy.engine import Engine
from tally import count

REGRESSIONS: tuple[int, ...] = ()
"""Seeds that found something once."""

REGRESSIONS_OVER_HTTP: tuple[int, ...] = (188, 248, 256, 280, 288, 328)

DAYS, SEEDS, SEEDS_OVER_HTTP = 24, 8, 5
SOAK_DAYS, SOAK_SEEDS, SOAK_SEEDS_OVER_HTTP = 5_000, 2_000, 200


def batches(first: int, last: int, size: int) -> list[range]:
    return [range(start, min(start + size, last)) for start in range(first, last, size)]


def name(seeds: Sequence[int]) -> str:
    return f"{seeds[0]}-{seeds[-1]}" if isinstance(seeds, range) else "regressions"


def run(seed: int, folder: Path, simulated: Callable[[int, Path], list[str]], span: str = "simulated weeks") -> None:
    """Raises AssertionError that names the seed."""
    with tempfile.TemporaryDirectory(dir=folder) as made:
        faults = simulated(seed, Path(made))
    assert not faults, "\n".join([f"seed {seed}; add it to the regressions", *faults])
    count(span)


def run_over_http(seed: int, folder: Path) -> None:
    run(seed, folder, lambda number, made: simulate_over_http(number, made, DIALECTS[number % len(DIALECTS)]))


@pytest.mark.parametrize("seeds", batches(0, DAYS, 50), ids=name)
def test_day_loses_and_doubles_nothing(tmp_path: Path, seeds: Sequence[int]) -> None:
    for seed in seeds:
        run(seed, tmp_path, simulate_day, "simulated days")


@pytest.mark.soak
@pytest.mark.parametrize("seeds", batches(DAYS, SOAK_DAYS, 100), ids=name)
def test_thousands_of_days_lose_and_double_nothing(tmp_path: Path, seeds: Sequence[int]) -> None:
    for seed in seeds:
        run(seed, tmp_path, simulate_day, "simulated days")


@pytest.mark.parametrize("seeds", [REGRESSIONS, *batches(0, SEEDS, 10)], ids=name)
def test_week_loses_and_doubles_nothing(tmp_path: Path, seeds: Sequence[int]) -> None:
    for seed in seeds:
        run(seed, tmp_path, simulate)


@pytest.mark.parametrize(("repeat_after", "likely"), [(0, 2), (300, 10)])
def test_repeat_that_comes_too_early_is_found_out(tmp_path: Path, repeat_after: int, likely: int) -> None:
    """The simulation sees what it is there for: it doubles where a target does not wait for late requests. likely: the
    seed that showed it last."""
    for seed in (likely, *range(100)):
        with tempfile.TemporaryDirectory(dir=tmp_path) as made:
            faults = simulate(seed, Path(made), repeat_after=repeat_after)
        if any(fault.startswith("doubled session") for fault in faults):
            return
    pytest.fail("a hundred weeks without a late request that doubles")


def test_week_is_the_same_whenever_it_is_run(tmp_path: Path) -> None:
    assert trace(tmp_path, 7) == trace(tmp_path, 7) != []


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


@pytest.mark.parametrize("seeds", [REGRESSIONS_OVER_HTTP, *batches(0, SEEDS_OVER_HTTP, 5)], ids=name)
def test_week_over_http_loses_and_doubles_nothing(tmp_path: Path, seeds: Sequence[int]) -> None:
    for seed in seeds:
        run_over_http(seed, tmp_path)


@pytest.mark.soak
@pytest.mark.parametrize("seeds", batches(SEEDS, SOAK_SEEDS, 50), ids=name)
def test_thousands_of_weeks_lose_and_double_nothing(tmp_path: Path, seeds: Sequence[int]) -> None:
    for seed in seeds:
        run(seed, tmp_path, simulate)


@pytest.mark.soak
@pytest.mark.parametrize("seeds", batches(SEEDS_OVER_HTTP, SOAK_SEEDS_OVER_HTTP, 10), ids=name)
def test_hundreds_of_weeks_over_http_lose_and_double_nothing(tmp_path: Path, seeds: Sequence[int]) -> None:
    for seed in seeds:
        run_over_http(seed, tmp_path)
