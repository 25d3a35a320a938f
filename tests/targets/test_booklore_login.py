"""Logging in: tokens are kept and renewed, refused credentials are left alone, an outage is no refusal."""

import pytest
from booklore_world import FRESH, OpenWorld, World, session

from booklore_core import TargetUnavailable
from booklore_core.pipeline.gateway import CALL_LIMIT
from booklore_targets.booklore import connection
from booklore_targets.booklore.target import BookLore

LOGIN, REFRESH = "/api/v1/auth/login", "/api/v1/auth/refresh"
OLD_ENOUGH = 200
"""Seconds after which a token may be refreshed."""
DAY = 24 * 3600


def test_one_login_serves_many_sessions(world: World) -> None:
    target = world.target()

    for minute in range(3):
        target.deliver(session(minute=10 * minute), FRESH)

    assert len(world.server.sessions) == 3
    assert world.asked(LOGIN) == 1


def test_token_outlives_the_process(world: World) -> None:
    world.target().deliver(session(), FRESH)

    world.target().deliver(session(minute=10), FRESH)

    assert world.asked(LOGIN) == 1


def test_login_carries_no_authorization_header(stock: World) -> None:
    stock.target().deliver(session(), FRESH)

    assert [one.auth for one in stock.server.requests if one.path == LOGIN] == ["none"]


def test_netrc_entry_does_not_replace_the_token(stock: World, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = stock.home / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))

    stock.target().deliver(session(), FRESH)

    assert len(stock.server.sessions) == 1


@pytest.mark.parametrize("dialect", ["grimmory"])
def test_token_near_its_end_is_refreshed_before_it_is_refused(world: World) -> None:
    target = world.target()
    target.deliver(session(), FRESH)
    world.clock.now += 7200 - 30

    target.deliver(session(minute=10), FRESH)

    assert (world.asked(LOGIN), world.asked(REFRESH)) == (1, 1)
    assert 401 not in [one.status for one in world.server.requests if one.auth == "bearer"]


def test_expired_token_is_refreshed_without_a_login(world: World) -> None:
    target = world.target()
    target.deliver(session(), FRESH)
    world.clock.now += OLD_ENOUGH
    world.server.expire_tokens()

    target.deliver(session(minute=10), FRESH)

    assert (world.asked(LOGIN), world.asked(REFRESH)) == (1, 1)
    assert len(world.server.sessions) == 2


def test_login_follows_when_the_refresh_token_has_expired_too(world: World) -> None:
    target = world.target()
    target.deliver(session(), FRESH)
    world.clock.now += OLD_ENOUGH
    world.server.expire_tokens(refresh_too=True)

    target.deliver(session(minute=10), FRESH)

    assert (world.asked(LOGIN), world.asked(REFRESH)) == (2, 1)
    assert len(world.server.sessions) == 2


def test_rotated_pair_is_kept_before_it_is_used(stock: World) -> None:
    target = stock.target()
    target.deliver(session(), FRESH)
    stock.clock.now += OLD_ENOUGH
    stock.server.expire_tokens()
    stock.server.fail("close_before", "POST /api/v1/reading-sessions", after=1)

    with pytest.raises(TargetUnavailable):
        target.deliver(session(minute=10), FRESH)
    stock.target().deliver(session(minute=20), FRESH)

    assert (stock.asked(LOGIN), stock.asked(REFRESH)) == (1, 1)


def test_two_logins_within_a_second_collide_and_the_second_waits(world: World, dialect: str) -> None:
    world.target().deliver(session(), FRESH)
    world.store.secrets.remove("tokens")

    world.target().deliver(session(minute=10), FRESH)

    assert world.clock.waits == ([] if dialect == "grimmory-3.5" else [pytest.approx(1.2)])
    assert len(world.server.sessions) == 2


@pytest.mark.parametrize("age", [0, 5, 170])
def test_token_that_was_just_made_is_replaced_by_one_login_and_never_refreshed(world: World, age: int) -> None:
    target = world.target()
    target.deliver(session(), FRESH)
    world.clock.now += age
    world.server.expire_tokens()

    target.deliver(session(minute=10), FRESH)

    assert (world.asked(LOGIN), world.asked(REFRESH)) == (2 + len(world.clock.waits), 0)
    assert len(world.server.sessions) == 2


def test_refused_password_is_never_tried_again(world: World) -> None:
    for _ in range(8):
        with pytest.raises(TargetUnavailable, match="refuses the user name or password") as refusal:
            world.target(PASSWORD="stale").deliver(session(), FRESH)
        world.clock.now += DAY

    assert "run `booklore login`" in refusal.value.reason
    assert not refusal.value.maybe_sent
    assert world.asked(LOGIN) == 1


def test_password_that_worked_before_is_tried_again_once_a_day(world: World) -> None:
    """A database that was just made anew knows nobody."""
    world.target().deliver(session(), FRESH)
    world.clock.now += OLD_ENOUGH
    world.server.change_password(world.server.username, "not yet restored")
    world.server.expire_tokens(refresh_too=True)
    before = world.asked(LOGIN)

    for hour in range(48):
        world.clock.now += 3600 if hour else 0
        with pytest.raises(TargetUnavailable, match="which worked before: they are tried again once a day"):
            world.target().deliver(session(minute=10), FRESH)
    assert world.asked(LOGIN) - before == 2

    world.server.change_password(world.server.username, world.server.password)
    world.clock.now += DAY
    world.target().deliver(session(minute=10), FRESH)
    assert len(world.server.sessions) == 2


def test_refused_password_stays_refused_whatever_else_was_tried_by_hand(stock: World) -> None:
    with pytest.raises(TargetUnavailable):
        stock.target(PASSWORD="stale").deliver(session(), FRESH)
    stock.target(PASSWORD="mistyped").log_in()
    stock.server.fail("status:503", f"POST {LOGIN}")
    stock.target(PASSWORD="stale").log_in()
    asked = stock.asked(LOGIN)

    with pytest.raises(TargetUnavailable, match="refuses the user name or password"):
        stock.target(PASSWORD="stale").deliver(session(), FRESH)

    assert stock.asked(LOGIN) == asked


def test_second_collision_in_a_row_is_not_held_against_the_password(stock: World) -> None:
    stock.target().deliver(session(), FRESH)
    stock.store.secrets.remove("tokens")
    impatient = BookLore(stock.settings.section("booklore"), stock.store, stock.clock, wait=lambda seconds: None)
    with pytest.raises(TargetUnavailable):
        impatient.deliver(session(minute=10), FRESH)

    stock.clock.now += 5
    stock.target().deliver(session(minute=10), FRESH)

    assert len(stock.server.sessions) == 2


def test_changed_password_is_tried(stock: World) -> None:
    with pytest.raises(TargetUnavailable):
        stock.target(PASSWORD="stale").deliver(session(), FRESH)

    stock.target(PASSWORD=stock.server.password).deliver(session(), FRESH)

    assert len(stock.server.sessions) == 1


def test_account_that_may_not_log_in_is_refused_for_good(stock: World) -> None:
    stock.server.fail("status:403", f"POST {LOGIN}", times=None)

    for _ in range(2):
        with pytest.raises(TargetUnavailable, match="refuses the login"):
            stock.target().deliver(session(), FRESH)

    assert stock.asked(LOGIN) == 1


def test_locked_out_account_is_left_alone_for_fifteen_minutes(stock: World) -> None:
    stock.server.fail("status:429", f"POST {LOGIN}")
    for _ in range(3):
        with pytest.raises(TargetUnavailable, match="too many failed logins.* 15 min"):
            stock.target().deliver(session(), FRESH)
    assert stock.asked(LOGIN) == 1

    stock.clock.now += 15 * 60
    stock.target().deliver(session(), FRESH)

    assert len(stock.server.sessions) == 1


def test_database_away_is_no_reason_to_log_in_again_and_again(world: World) -> None:
    target = world.target()
    target.deliver(session(), FRESH)
    world.clock.now += 5
    world.server.database_away = True

    for _ in range(3):
        with pytest.raises(TargetUnavailable) as outage:
            target.deliver(session(minute=10), FRESH)

    assert not outage.value.maybe_sent
    assert "the server is up, its database is not" in outage.value.reason
    assert world.asked("/api/v1/auth/") == 2


def test_token_refused_after_a_long_wait_costs_no_login(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both waits together would be longer than the minute that a call has."""
    monkeypatch.setattr(connection, "SLOW_REFUSAL", 0.1)
    target = world.target()
    target.deliver(session(), FRESH)
    world.server.database_away = True
    world.server.fail("delay:0.2", "POST /api/v1/reading-sessions")

    with pytest.raises(TargetUnavailable, match="its database is not") as outage:
        target.deliver(session(minute=10), FRESH)

    assert not outage.value.maybe_sent
    assert world.asked("/api/v1/auth/") == 1


def test_login_waits_longer_than_a_server_waits_for_its_database() -> None:
    assert connection.READ_TIMEOUT > 30
    assert connection.SLOW_REFUSAL + connection.READ_TIMEOUT < CALL_LIMIT


def test_token_is_still_good_once_the_database_is_back(world: World) -> None:
    target = world.target()
    target.deliver(session(), FRESH)
    world.clock.now += OLD_ENOUGH
    world.server.database_away = True
    with pytest.raises(TargetUnavailable):
        target.deliver(session(minute=10), FRESH)

    world.server.database_away = False
    target.close()
    target.deliver(session(minute=10), FRESH)

    assert len(world.server.sessions) == 2
    assert world.asked(LOGIN) == 1


@pytest.mark.parametrize(
    "fault", ["status:500", "status:503", "status:401_empty", "status:502_html", "html_200", "close_before"]
)
def test_login_that_fails_otherwise_is_an_outage(open_world: OpenWorld, fault: str) -> None:
    world = open_world()
    world.server.fail(fault, f"POST {LOGIN}")

    with pytest.raises(TargetUnavailable) as outage:
        world.target().deliver(session(), FRESH)
    world.target().deliver(session(), FRESH)

    assert not outage.value.maybe_sent
    assert len(world.server.sessions) == 1


def test_application_401_leads_to_no_login(stock: World) -> None:
    target = stock.target()
    target.deliver(session(), FRESH)
    stock.server.fail("sync_disabled", "POST /api/v1/reading-sessions")

    with pytest.raises(Exception, match="Sync is disabled"):
        target.deliver(session(minute=10), FRESH)

    assert stock.asked("/api/v1/auth/") == 1


@pytest.mark.parametrize(
    ("missing", "text"), [("URL", "no server is set up: run `booklore login`"), ("PASSWORD", "pass")]
)
def test_without_set_up_nothing_is_asked(open_world: OpenWorld, missing: str, text: str) -> None:
    world = open_world()

    with pytest.raises(TargetUnavailable, match=text) as refusal:
        world.target(**{missing: ""}).deliver(session(), FRESH)

    assert not refusal.value.maybe_sent
    assert not world.server.requests


def test_run_that_nobody_closed_ends_by_itself(stock: World) -> None:
    target = stock.target()
    target.deliver(session(), FRESH)
    stock.server.database_away = True
    stock.server.expire_tokens()
    with pytest.raises(TargetUnavailable):
        target.deliver(session(minute=10), FRESH)

    stock.server.database_away = False
    stock.clock.now += 61
    target.deliver(session(minute=10), FRESH)

    assert len(stock.server.sessions) == 2


def test_changed_settings_count_from_the_next_run_on(open_world: OpenWorld) -> None:
    first, second = open_world(), open_world()
    del first.environ["BOOKLORE_URL"]
    target = first.target()
    first.settings.set("booklore.url", first.server.url)
    target.deliver(session(), FRESH)

    first.settings.set("booklore.url", second.server.url)
    target.close()
    target.deliver(session(minute=10), FRESH)

    assert (len(first.server.sessions), len(second.server.sessions)) == (1, 1)
