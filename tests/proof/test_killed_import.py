"""Years of past reading, taken in and sent by processes that are killed at any moment: each session arrives once."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from checker import compare, held_sessions, shown_sessions
from killing import AHEAD, Command
from past import Statistics
from test_sigkill import World, run_and_kill


def import_rounds(folder: Path, dialect: str, seed: int, rounds: int) -> None:
    rng = random.Random(seed)
    world, statistics = World(folder, dialect, seed), Statistics(folder / "statistics.sqlite3", rng)
    environ = world.household.environ
    try:
        for _ in range(rounds):
            statistics.grow(rng.randint(1, 60))
            run_and_kill(world, rng, environ, "history", "extract", str(statistics.path), "--yes")
            run_and_kill(world, rng, environ, "history", "match", "--auto")
            world.clock.forward(AHEAD)
        assert Command(environ, "history", "extract", str(statistics.path), "--yes").finish() == 0
        assert Command(environ, "history", "match", "--auto").finish() in (0, 3)
        world.clock.forward(10 * AHEAD)
        with world.household.opened() as core:
            world.household.settle(core)
        assert not compare(held_sessions(world.server), shown_sessions(statistics.facts.session), "session")
    finally:
        world.server.stop()


@pytest.mark.parametrize(("dialect", "seed"), [("booklore", 1), ("custom", 2)])
def test_killed_imports_lose_and_double_nothing(tmp_path: Path, dialect: str, seed: int) -> None:
    import_rounds(tmp_path, dialect, seed, 2)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(3, 8))
def test_many_killed_imports_lose_and_double_nothing(tmp_path: Path, dialect: str, seed: int) -> None:
    import_rounds(tmp_path, dialect, seed, 30)
