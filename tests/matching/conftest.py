"""What the tests of matching share: a household for each dialect."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from library_world import Household, OpenHousehold


@pytest.fixture(params=["booklore", "grimmory", "custom"])
def dialect(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def open_household(tmp_path: Path) -> Iterator[OpenHousehold]:
    households: list[Household] = []

    def open_one(dialect: str = "booklore", library: Any = None, **environ: str) -> Household:
        households.append(Household(tmp_path / f"home{len(households)}", dialect, library, **environ))
        return households[-1]

    yield open_one
    for household in households:
        household.close()


@pytest.fixture
def household(open_household: OpenHousehold, dialect: str) -> Household:
    """One with a server of each dialect and a few small books."""
    return open_household(dialect)
