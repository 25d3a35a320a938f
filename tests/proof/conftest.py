"""What the proofs share: households, each with a server of a dialect, and how hypothesis goes about it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from books import stock
from household import DIALECTS, Clock, Household, OpenHousehold
from hypothesis import HealthCheck, settings
from notebook import IN_BOOK

from booklore_core.testing import BookLoreServer

settings.register_profile(
    "proof", derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)


@pytest.fixture(params=DIALECTS)
def dialect(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def open_new_household(tmp_path: Path) -> Iterator[OpenHousehold]:
    """Opens households in which nothing was ever started, each with a stocked server of the dialect and a folder of its
    own. is_new: begins_at is when the first core is opened."""
    servers: list[BookLoreServer] = []

    def open_one(dialect: str, is_new: bool = False) -> Household:
        clock = Clock()
        servers.append(stock(BookLoreServer(dialect, now=clock, lock_patience=0)).start())
        opened = Household(tmp_path / f"home{len(servers)}", servers[-1], clock)
        opened.begins_at = None if is_new else opened.begins_at
        return opened

    yield open_one
    for server in servers:
        server.stop()


@pytest.fixture
def open_household(open_new_household: OpenHousehold) -> OpenHousehold:
    """Opens households in which a core was started once, before all reading."""

    def open_one(dialect: str, destination: str = IN_BOOK) -> Household:
        household = open_new_household(dialect)
        household.destination = destination
        household.begin()
        return household

    return open_one


@pytest.fixture
def household(open_household: OpenHousehold, dialect: str) -> Household:
    return open_household(dialect)
