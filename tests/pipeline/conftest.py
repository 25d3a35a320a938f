"""Facts as a feature makes them."""

from collections.abc import Callable
from typing import Any

import pytest
from delivery_world import DUNE

from booklore_core import Item


@pytest.fixture
def fact(clock: Any) -> Callable[..., Item]:
    return lambda key, kind="rating", book=DUNE: Item(kind, key, book, {"key": key}, clock())
