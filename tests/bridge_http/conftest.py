"""A bridge on loopback over a real core, with one target, and an e-reader paired with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from bridge_world import EReader, paired

from booklore_core.bridge.bridge import Patience
from booklore_core.bridge.serve import serving
from booklore_core.core import Core
from booklore_core.testing import FakeTarget

Serve = Callable[..., str]


@pytest.fixture
def serve(open_core: Any) -> Iterator[Serve]:
    """Serves a core; patience as in `Patience`."""
    with ExitStack() as stack:

        def serve_one(core: Core, **patience: float) -> str:
            return stack.enter_context(serving(core, patience=Patience(**patience)))

        yield serve_one


@pytest.fixture
def bookworm() -> FakeTarget:
    return FakeTarget()


@pytest.fixture
def core(open_core: Any, bookworm: FakeTarget) -> Core:
    return open_core(bookworm)


@pytest.fixture
def url(core: Core, serve: Serve) -> str:
    return serve(core)


@pytest.fixture
def ereader(core: Core, url: str) -> EReader:
    return paired(core, url)
