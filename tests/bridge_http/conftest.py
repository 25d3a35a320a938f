"""A bridge on loopback over a real core, with one target, and an e-reader paired with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest
from bridge_world import EReader, paired

from booklore_core.bridge.app import create_app
from booklore_core.bridge.bridge import Bridge, Deadlines
from booklore_core.bridge.serve import listen, running
from booklore_core.core import Core
from booklore_core.testing import FakeTarget

Serve = Callable[..., str]


class Switchboard:
    """A web server for a file's tests, since it takes its time to end: it answers with the bridge of the test at hand.

    Not for the session: tests elsewhere freeze the clock, and a loop that looked at it then never ends.
    """

    def __init__(self) -> None:
        self.app: Any = None
        self.url = ""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


@pytest.fixture(scope="module")
def switchboard() -> Iterator[Switchboard]:
    board = Switchboard()
    with closing(listen("127.0.0.1", 0)) as listener, running(board, listener):
        board.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        yield board


@pytest.fixture
def serve(open_core: Any, switchboard: Switchboard) -> Iterator[Serve]:
    """Serves a core; deadlines in seconds as in `Deadlines`."""
    with ExitStack() as stack:

        def serve_one(core: Core, **deadlines: float) -> str:
            bridge = stack.enter_context(closing(Bridge(core, Deadlines(**deadlines))))
            switchboard.app = create_app(bridge)
            return switchboard.url

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
