"""What a person is told who logs in at a BookOrbit, or whose sync meets something else than one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from orbit_world import SECRET, OrbitWorld, orbit_world

from booklore_core import Request
from booklore_core.actions import start
from booklore_core.testing import BookLoreServer, answer_all

PASSWORD = "the name and password are those of the KOReader account in BookOrbit's settings"
ADDRESS = "this has to be the address at which BookOrbit opens in a browser, and BookOrbit has to run"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[OrbitWorld]:
    with orbit_world(tmp_path / "home") as world:
        yield world


def log_in(world: OrbitWorld) -> dict[str, tuple[bool, str, str]]:
    """The lines of a login with what is set: check → whether it is well, detail, advice."""
    lines = answer_all(start(world.core, "test_connection", Request()), []).data
    return {one["check"]: (one["ok"], one["detail"], one["advice"]) for one in lines if one["check"] != "plugins"}


def opened(world: OrbitWorld, **account: str) -> OrbitWorld:
    world.core.close()
    world.environ |= {f"BOOKLORE_BOOKORBIT__{name}": value for name, value in account.items()}
    world.core = world.open()
    return world


def test_an_account_that_is_good(world: OrbitWorld) -> None:
    lines = log_in(world)

    assert lines["account"][:2] == (True, f"{world.server.url[7:]} knows reader")
    assert lines["bookorbit"][:2] == (
        True,
        "BookOrbit dev-183ae7ad, which can do catalogBulkManifest, catalogDashboardSections, bookmarkSync",
    )
    assert all(ok for ok, *_ in lines.values())


def test_one_whose_password_is_wrong(world: OrbitWorld) -> None:
    lines = log_in(opened(world, PASSWORD="another"))

    assert lines["account"][0] is False
    assert "refuses the KOReader account (Invalid credentials)" in lines["account"][1]
    assert lines["account"][2] == PASSWORD


def test_one_whose_sync_is_switched_off(world: OrbitWorld) -> None:
    world.server.state.users[0].sync = False

    assert log_in(world)["account"][2] == "switch it on in BookOrbit's settings, where the KOReader account is"


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda server: server.stop(), "cannot be reached: nothing listens there"),
        (lambda server: server.fail("html_200", times=None), "answers with a web page, not as BookOrbit does"),
        (
            lambda server: server.fail("status:502_html", times=None),
            "answers 502: what is there does not reach BookOrbit",
        ),
    ],
)
def test_where_no_bookorbit_answers_the_address_is_to_be_looked_at(
    world: OrbitWorld, spoil: Callable[[Any], None], said: str
) -> None:
    spoil(world.server)

    lines = log_in(world)

    assert said in lines["bookorbit"][1]
    assert lines["bookorbit"][2] == ADDRESS
    assert "account" not in lines


def test_another_program_there_is_named_so(world: OrbitWorld) -> None:
    with BookLoreServer("booklore") as other:
        lines = log_in(opened(world, URL=other.url))

    assert "does not answer as BookOrbit does" in lines["bookorbit"][1]
    assert lines["bookorbit"][2] == ADDRESS


def test_whoever_logs_in_is_told_how_the_past_comes_along(tmp_path: Path) -> None:
    with orbit_world(tmp_path / "home") as world:
        account = {"url": world.server.url, "username": "reader", "password": SECRET}
        for name in account:
            world.environ.pop(f"BOOKLORE_BOOKORBIT__{name.upper()}")
        opened(world)

        told = answer_all(start(world.core, "log_in", Request(args={"target": "bookorbit", "values": account})), [])
        world.core.settings.set("bookorbit.since", "all")
        again = answer_all(start(world.core, "log_in", Request(args={"target": "bookorbit", "values": account})), [])

    assert told.ok and again.ok
    [past] = [one for one in told.data if one["check"] == "past"]
    assert "`booklore config set bookorbit.since all`" in past["detail"]
    assert [one for one in again.data if one["check"] == "past"] == []


def test_a_sync_says_in_words_what_is_there_instead(world: OrbitWorld) -> None:
    world.reader.read(world.book())
    world.take()
    said = []
    for fault in ("html_200", "status:502_html", "status:429"):
        world.server.fail(fault, times=None)
        [run] = world.sync().runs
        said.append((run.unavailable or "").partition(" ")[2])
        world.server.recover()

    assert said == [
        "answers with a web page, not as BookOrbit does: look at bookorbit.url",
        "answers 502: what is there does not reach BookOrbit",
        "answers 429: it is asked too often",
    ]
    world.sync()
    assert world.core.pending() == {}


def test_what_the_server_fails_at_each_time_is_told_with_where_to_look(world: OrbitWorld) -> None:
    world.reader.read(world.book(), pages=20)
    world.take()
    world.server.fail("status:500", "POST /api/v1/koreader/plugin/page-stats", times=None)
    for _ in range(3):
        world.clock.forward(3600)
        world.sync()

    [waiting] = world.core.status().waiting
    assert (waiting.kind, waiting.attempts) == ("session", 3)
    assert "fails at this with 500" in (waiting.reason or "")
    assert "BookOrbit's log says why; each sync tries again" in (waiting.reason or "")
    world.server.recover()
    world.sync()
    assert world.core.pending() == {}
