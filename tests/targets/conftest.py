"""What the tests of the BookLore target share."""

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from booklore_world import TLS, OpenWorld, Seconds, World

from booklore_core.testing import BookLoreServer


@pytest.fixture(params=["booklore", "grimmory", "grimmory-3.5", "custom"])
def dialect(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def open_world(tmp_path: Path, seconds: Seconds) -> Iterator[OpenWorld]:
    worlds: list[World] = []

    def open_one(dialect: str = "booklore", library: Any = None, **options: Any) -> World:
        server = BookLoreServer(dialect, library, now=seconds, **options).start()
        worlds.append(World(server, seconds, tmp_path / f"home{len(worlds)}"))
        return worlds[-1]

    yield open_one
    for world in worlds:
        world.close()
        world.server.stop()


@pytest.fixture
def world(open_world: OpenWorld, dialect: str) -> World:
    """A server of each dialect with a few small books."""
    return open_world(dialect)


@pytest.fixture
def stock(open_world: OpenWorld) -> World:
    """A stock BookLore, for what is the same everywhere."""
    return open_world("booklore")


@pytest.fixture
def tls() -> ssl.SSLContext:
    """A server's side of TLS, its certificate signed by `tls/ca.pem`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / "server.pem", TLS / "server.key")
    return context
