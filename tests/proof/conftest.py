"""What the proofs share: quick folders, and the BookLore target on a clock of the test's."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from household import DIALECTS, MEMORY, Clock, Household, OpenHousehold
from hypothesis import HealthCheck, settings
from scenario import stock

from booklore_core.testing import BookLoreServer

settings.register_profile(
    "proof", derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """An empty folder, in memory where there is such a place."""
    if not (MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > 1 << 30):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=MEMORY, prefix="proof-") as made:
        yield Path(made)


@pytest.fixture(params=DIALECTS)
def dialect(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def open_household(folder: Path) -> Iterator[OpenHousehold]:
    """Opens households, each with a stocked server of the dialect and a folder of its own."""
    servers: list[BookLoreServer] = []

    def open_one(dialect: str) -> Household:
        clock = Clock()
        servers.append(stock(BookLoreServer(dialect, now=clock, lock_patience=0)).start())
        return Household(folder / f"home{len(servers)}", servers[-1], clock)

    yield open_one
    for server in servers:
        server.stop()


@pytest.fixture
def household(open_household: OpenHousehold, dialect: str) -> Household:
    return open_household(dialect)
