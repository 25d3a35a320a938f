"""What is wrong is named: lock, outage, no library, another zone; each with what to do."""

import time
from collections.abc import Callable, Iterator

import pytest
from booklore_world import FRESH, OpenWorld, World, session

from booklore_core import Check

SetZone = Callable[[str], None]


def line(world: World, name: str, **changed: str) -> Check:
    """One line of the connection test."""
    return next(check for check in world.target(**changed).check() if check.check == name)


def test_locked_out_account_is_told_for_how_long(world: World) -> None:
    for number in range(5):
        world.target(PASSWORD=f"wrong {number}").check()

    told = line(world, "account", PASSWORD=world.server.password)
    world.clock.now += 10 * 60
    later = line(world, "account")

    assert not told.ok
    assert "nobody in for up to 15 min, not even with the right password" in told.detail
    assert "for another 5 min" in later.detail
    assert "booklore login" not in told.advice


@pytest.mark.parametrize("has_token", [False, True])
def test_outage_of_the_database_is_named(world: World, has_token: bool) -> None:
    if has_token:
        world.target().deliver(session(), FRESH)
    world.server.database_away = True

    told = line(world, "account")

    assert not told.ok
    assert "the server is up, its database is not" in told.detail
    assert "start the database" in told.advice


def test_outage_that_takes_the_servers_thirty_seconds_is_still_named(
    open_world: OpenWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("booklore_targets.booklore.connection.SLOW_REFUSAL", 0.2)
    world = open_world(database_away_delay=0.3)
    world.target().deliver(session(), FRESH)
    world.server.database_away = True

    assert "its database is not" in line(world, "account").detail
    assert world.asked("/api/v1/auth/") == 1


def test_account_without_a_library_is_told_who_assigns_one(world: World) -> None:
    world.server.add_user("ann", "annspassword")

    told = line(world, "library", USERNAME="ann", PASSWORD="annspassword")

    assert (told.ok, told.detail) == (False, "no book is visible: no library is assigned to the account")
    assert "an admin assigns one" in told.advice


def test_books_that_the_account_sees_are_counted(world: World) -> None:
    world.server.add_user("ann", "annspassword", libraries=[2])
    world.server.add_book(b"poems " * 300, "poems.epub", library_id=2)

    assert line(world, "library", USERNAME="ann", PASSWORD="annspassword").detail == "1 book is visible"


def test_empty_library_of_an_admin_is_no_failure(open_world: OpenWorld) -> None:
    world = open_world("grimmory", {"web_login": {"username": "anna", "password": "a"}, "books": []})

    told = line(world, "library")

    assert (told.ok, told.detail) == (True, "no book is visible: the library is empty")
    assert told.advice


def test_listing_that_fails_spoils_no_other_line(world: World) -> None:
    world.server.fail("status:500", "GET /api/v1/books", times=None)

    lines = {check.check: check.ok for check in world.target().check()}

    assert [name for name, ok in lines.items() if not ok] == ["library"]


@pytest.mark.parametrize("fault", ["status:500", "status:503", "status:502_html"])
def test_server_that_is_ill_is_not_looked_for_elsewhere(world: World, fault: str) -> None:
    world.server.fail(fault, "GET /api/v1/healthcheck", times=None)

    told = line(world, "server")

    assert (told.ok, "cannot work now" in told.detail) == (False, True)
    assert told.advice == "the server's log tells why; what was read is kept until then"


@pytest.fixture
def set_zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[SetZone]:
    """Puts this computer into another zone."""

    def set_one(name: str) -> None:
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield set_one
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("server", "here", "detail"),
    [
        (0, "UTC", "UTC, on the server as here"),
        (5.5, "Asia/Kolkata", "UTC+05:30, on the server as here"),
        (0, "Europe/Berlin", "between midnight and 01:00 counts to the day before there"),
        (9, "Europe/Berlin", "between 16:00 and midnight counts to the next day there"),
        (0, "America/New_York", "between 19:00 and midnight counts to the next day there"),
        (240, "UTC", "the server's clock and this computer's differ by 240 h"),
    ],
)
def test_zone_of_the_server_is_compared_with_the_readers(
    world: World, set_zone: SetZone, server: float, here: str, detail: str
) -> None:
    set_zone(here)
    world.server.zone_hours = server

    told = line(world, "time zone")

    assert told.ok
    assert detail in told.detail
    assert bool(told.advice) is ("as here" not in detail)
