"""A clock that the fake server goes by, and a reader at the server of the file's tests."""

import pytest
from one_clock import Clock
from server_world import Reader

from booklore_core.testing import MORNING
from booklore_core.testing.server import BookLoreServer


@pytest.fixture
def clock() -> Clock:
    return Clock(MORNING)


@pytest.fixture
def reader(server: BookLoreServer) -> Reader:
    return Reader(server)
