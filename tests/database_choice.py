"""A pytest plugin: which tests are run on SQLite, and which on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import databases
import pytest

BOTH, ONLY_SQLITE = "both_databases", "sqlite_only"


def pytest_addoption(parser: pytest.Parser) -> None:
    told = f"run tests on PostgreSQL alone, but those that are marked {ONLY_SQLITE}"
    parser.addoption("--postgresql", action="store_true", help=told)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if metafunc.definition.get_closest_marker(BOTH) and not metafunc.config.getoption("--postgresql"):
        metafunc.parametrize("database_kind", [databases.SQLITE, databases.POSTGRESQL], indirect=True)


@pytest.fixture(autouse=True)
def database_kind(request: pytest.FixtureRequest) -> Iterator[str]:
    """The kind of database that data folders have in this test."""
    everywhere = databases.POSTGRESQL if request.config.getoption("--postgresql") else databases.SQLITE
    kind = str(getattr(request, "param", everywhere))
    marker = request.node.get_closest_marker(ONLY_SQLITE)
    if marker and kind == databases.POSTGRESQL:
        pytest.skip(f"about SQLite alone: {marker.args[0]}")
    with databases.chosen(kind):
        yield kind


@pytest.fixture
def new_database() -> Iterator[Callable[[], str]]:
    """Makes databases with nothing in them on the PostgreSQL server, and tells their addresses."""
    server, names = databases.named().server, list[str]()

    def make() -> str:
        names.append(server.create())
        return server.url(names[-1])

    yield make
    for name in names:
        server.drop(name)


def pytest_unconfigure() -> None:
    databases.end()
