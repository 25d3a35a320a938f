"""A pasted refresh token, where there is no password: kept fresh, never lost sight of, never shown."""

import logging

import pytest
from booklore_world import FRESH, OpenWorld, World, session

from booklore_core import TargetUnavailable
from booklore_targets.booklore import fit_token
from booklore_targets.booklore.koreader import provision
from booklore_targets.booklore.target import BookLore

LOGIN, REFRESH = "/api/v1/auth/login", "/api/v1/auth/refresh"
OLD_ENOUGH = 200
DAY = 24 * 3600


@pytest.fixture
def single_sign_on(world: World) -> World:
    """A server that takes nobody's password but an admin's, and somebody who has signed on."""
    world.server.add_user("ann", "none that she knows", libraries=[1], permissions=["sync_koreader"])
    world.server.single_sign_on_only = True
    for name in ("USERNAME", "PASSWORD"):
        del world.environ[f"BOOKLORE_{name}"]
    return world


def signed_on(world: World, age: int = OLD_ENOUGH) -> BookLore:
    """Ann's target with the token of a sign-on so many seconds ago."""
    target = world.target(TOKEN=world.server.sign_on("ann"))
    world.clock.now += age
    return target


def test_token_serves_the_whole_target_without_a_password(single_sign_on: World) -> None:
    target = signed_on(single_sign_on)

    lines = target.log_in()
    target.deliver(session(), FRESH)

    assert [line for line in lines if not line.ok] == []
    assert next(line.detail for line in lines if line.check == "account") == "logged in as ann"
    assert provision(target._connected().connection).username == "ann"
    assert len(single_sign_on.server.sessions) == 1
    assert single_sign_on.asked(LOGIN) == 0


def test_token_is_kept_fresh_for_months(single_sign_on: World) -> None:
    signed_on(single_sign_on)

    for day in range(0, 100, 20):
        single_sign_on.target().deliver(session(minute=day), FRESH)
        single_sign_on.clock.now += 20 * DAY

    assert len(single_sign_on.server.sessions) == 5
    assert single_sign_on.asked(REFRESH) == 5


def test_rotated_token_is_kept_before_it_is_used(single_sign_on: World) -> None:
    target = signed_on(single_sign_on)
    single_sign_on.server.fail("close_before", "GET /api/v1/users/me")

    target.check()
    single_sign_on.target().deliver(session(), FRESH)

    assert single_sign_on.asked(REFRESH) == 1


@pytest.mark.parametrize("dialect", ["booklore", "grimmory", "custom"])
def test_token_that_was_just_made_serves_as_it_is_until_it_may_be_refreshed(single_sign_on: World) -> None:
    target = signed_on(single_sign_on, age=2)

    assert all(line.ok for line in target.log_in())
    assert single_sign_on.asked(REFRESH) == 0
    single_sign_on.clock.now += OLD_ENOUGH
    target.deliver(session(), FRESH)

    assert single_sign_on.asked(REFRESH) == 1


@pytest.mark.parametrize("dialect", ["grimmory-3.5"])
def test_token_that_is_too_young_is_waited_for(single_sign_on: World) -> None:
    target = signed_on(single_sign_on, age=2)

    told = target.log_in()[-1]
    with pytest.raises(TargetUnavailable, match="less than three minutes old: it will be used in 178 s"):
        target.deliver(session(), FRESH)
    single_sign_on.clock.now += 178
    target.deliver(session(), FRESH)

    assert (told.check, told.ok, told.advice) == ("account", False, "try again in 178 s")
    assert single_sign_on.asked(REFRESH) == 1
    assert len(single_sign_on.server.sessions) == 1


def test_lost_answer_to_a_rotation_is_told_and_tried_once_a_day(single_sign_on: World) -> None:
    single_sign_on.server.fail("close_after", f"POST {REFRESH}")
    with pytest.raises(TargetUnavailable):
        signed_on(single_sign_on).deliver(session(), FRESH)

    for hour in range(6):
        with pytest.raises(TargetUnavailable, match="answer to its last use got lost") as lost:
            single_sign_on.target().deliver(session(), FRESH)
        single_sign_on.clock.now += 3600 * hour

    assert "run `booklore login --token-file FILE`" in lost.value.reason
    assert single_sign_on.asked(REFRESH) == 2
    assert "`booklore login" not in single_sign_on.target().log_in()[-1].advice


def test_new_token_takes_the_place_of_the_lost_one(single_sign_on: World) -> None:
    signed_on(single_sign_on).deliver(session(), FRESH)
    single_sign_on.clock.now += OLD_ENOUGH
    single_sign_on.server.expire_tokens(refresh_too=True)
    with pytest.raises(TargetUnavailable):
        single_sign_on.target().deliver(session(minute=10), FRESH)

    signed_on(single_sign_on).deliver(session(minute=10), FRESH)

    assert len(single_sign_on.server.sessions) == 2


def test_token_that_another_process_has_just_spent_is_not_lost(single_sign_on: World) -> None:
    quicker, store = signed_on(single_sign_on), single_sign_on.store
    slower = BookLore(
        single_sign_on.settings.section("booklore"),
        store,
        single_sign_on.clock,
        wait=lambda seconds: quicker.deliver(session(), FRESH),
    )
    single_sign_on.server.fail("status:400", f"POST {REFRESH}")

    slower.deliver(session(minute=10), FRESH)

    assert len(single_sign_on.server.sessions) == 2
    assert store.get("refusals") is None


def test_outage_costs_no_token(single_sign_on: World) -> None:
    signed_on(single_sign_on).deliver(session(), FRESH)
    single_sign_on.clock.now += 30 * 3600
    single_sign_on.server.database_away = True
    with pytest.raises(TargetUnavailable, match="its database is not"):
        single_sign_on.target().deliver(session(minute=10), FRESH)

    single_sign_on.server.database_away = False
    single_sign_on.target().deliver(session(minute=10), FRESH)

    assert len(single_sign_on.server.sessions) == 2


@pytest.mark.parametrize("fault", ["status:401_empty", "status:502_html", "html_200", "status:500"])
def test_answer_that_is_no_refusal_costs_no_token(single_sign_on: World, fault: str) -> None:
    single_sign_on.server.fail(fault, f"POST {REFRESH}")
    with pytest.raises(TargetUnavailable):
        signed_on(single_sign_on).deliver(session(), FRESH)

    single_sign_on.target().deliver(session(), FRESH)

    assert len(single_sign_on.server.sessions) == 1


def test_lock_after_bad_refreshes_is_waited_for(single_sign_on: World) -> None:
    target = signed_on(single_sign_on)
    single_sign_on.server.fail("status:429", f"POST {REFRESH}")

    for _ in range(2):
        with pytest.raises(TargetUnavailable, match="15 min"):
            target.deliver(session(), FRESH)
    single_sign_on.clock.now += 15 * 60
    target.deliver(session(), FRESH)

    assert single_sign_on.asked(REFRESH) == 2


def test_token_does_not_go_to_another_server(single_sign_on: World, open_world: OpenWorld) -> None:
    target = signed_on(single_sign_on)
    target.deliver(session(), FRESH)
    other = open_world("grimmory")
    single_sign_on.clock.now += OLD_ENOUGH

    moved = single_sign_on.target(URL=other.server.url, TOKEN="")

    assert not moved.check()[-1].ok
    assert not any(one.auth == "bearer" for one in other.server.requests)


def test_without_local_login_it_is_told_what_is_possible(single_sign_on: World) -> None:
    account = {"USERNAME": "ann", "PASSWORD": "none that she knows"}

    told = single_sign_on.target(**account).check()[-1]
    while_logging_in = single_sign_on.target().log_in()[-1]

    assert (told.check, told.detail) == ("account", "the server lets people in by single sign-on only")
    assert "local admin, or `booklore login --token-file FILE`" in told.advice
    assert "local admin, or a refresh token" in while_logging_in.advice
    assert "`booklore login" not in while_logging_in.advice


def test_wrong_password_on_a_server_with_single_sign_on_tells_of_the_token(single_sign_on: World) -> None:
    admin = {"USERNAME": single_sign_on.server.username, "PASSWORD": "wrong"}

    told = single_sign_on.target(**admin).check()[-1]

    assert "an account of its single sign-on has no password here" in told.advice
    assert single_sign_on.asked("/api/v1/public-settings") == 1


def test_token_is_in_no_table_no_log_and_no_text(single_sign_on: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    target = signed_on(single_sign_on)
    token = single_sign_on.environ["BOOKLORE_TOKEN"]
    told = [f"{line}" for line in (*target.log_in(), *target.check())]
    single_sign_on.clock.now += 30 * 3600
    single_sign_on.server.fail("close_after", f"POST {REFRESH}")
    for _ in range(2):
        with pytest.raises(TargetUnavailable) as refusal:
            single_sign_on.target().deliver(session(), FRESH)
        told += [str(refusal.value), repr(refusal.value.__cause__)]
    told.append(repr(target._connected().connection.setup))

    everything = "\n".join((*told, caplog.text, single_sign_on.everything_kept()))
    assert "eyJ" not in everything
    assert token not in single_sign_on.secrets.path.read_text()


@pytest.mark.parametrize("text", ["two words", "naïve", "line\nbreak"])
def test_what_cannot_be_sent_is_no_token(text: str) -> None:
    with pytest.raises(ValueError):
        fit_token(text)
