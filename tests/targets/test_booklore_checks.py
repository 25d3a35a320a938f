"""The connection test, logging in by hand, the KOReader account, and secrets that stay secret."""

import logging

import pytest
from booklore_world import FRESH, OpenWorld, World, session

from booklore_core import Check, Declined, ItemFailed, TargetUnavailable
from booklore_targets.booklore import register_settings
from booklore_targets.booklore.koreader import provision

ME = "/api/v1/koreader-users/me"


def by_name(lines: list[Check]) -> dict[str, Check]:
    return {line.check: line for line in lines}


def provisioned(world: World, **changed: str) -> tuple[str, str, bool | None]:
    """Name, password and sync of the account that a run provisions."""
    target = world.target(**changed)
    account = provision(target._connected().connection)
    return account.username, account.password, account.sync


def test_everything_that_works_is_told(world: World, dialect: str) -> None:
    lines = world.target().check()

    expected = ["server", "account", "KOReader account", "capabilities", "library", "matching", "time zone"]
    assert [line.check for line in lines] == expected
    assert all(line.ok for line in lines)
    shown = by_name(lines)
    assert world.server.url in shown["server"].detail
    assert f"{len(world.server.books)} books are visible" in shown["library"].detail
    assert ("Grimmory" if "grimmory" in dialect else "BookLore") in shown["capabilities"].detail
    assert ("sessions in batches" in shown["capabilities"].detail) is (dialect == "custom")


def test_check_ends_where_nothing_more_can_work(stock: World) -> None:
    target = stock.target(PASSWORD="wrong")

    lines = target.check()

    assert [(line.check, line.ok) for line in lines] == [("server", True), ("account", False)]
    assert "booklore login" in lines[-1].advice


def test_login_is_told_what_to_do_without_being_sent_to_login(world: World) -> None:
    for changed in ({"PASSWORD": "wrong"}, {"USERNAME": ""}):
        told = " ".join(f"{line.detail} {line.advice}" for line in world.target(**changed).log_in())

        assert "booklore login" not in told


def test_check_of_nothing_says_what_to_do(open_world: OpenWorld) -> None:
    lines = open_world().target(URL="").check()

    advice = "run `booklore login`, or `booklore plugins disable booklore` to go without one"
    expected = (False, "no server is set up", advice)
    assert [(line.ok, line.detail, line.advice) for line in lines] == [expected]


def test_check_of_a_server_that_is_down(open_world: OpenWorld) -> None:
    world = open_world()
    world.server.stop()

    (line,) = world.target().check()

    assert not line.ok
    assert "cannot be reached" in line.detail


def test_check_tries_no_refused_password_again(stock: World) -> None:
    target = stock.target(PASSWORD="wrong")

    for _ in range(3):
        target.check()

    assert stock.asked("/api/v1/auth/login") == 1


def test_logging_in_by_hand_tries_what_was_refused_before(world: World) -> None:
    world.server.change_password(world.server.username, "changed back soon")
    target = world.target()
    assert not by_name(target.check())["account"].ok
    world.server.change_password(world.server.username, world.server.password)

    lines = target.log_in()

    assert all(line.ok for line in lines)
    target.deliver(session(), FRESH)
    assert len(world.server.sessions) == 1


def test_logging_in_by_hand_tests_the_password_not_the_token(stock: World) -> None:
    stock.target().deliver(session(), FRESH)
    stock.clock.now += 5

    lines = stock.target(PASSWORD="mistyped").log_in()

    assert not by_name(lines)["account"].ok


def test_account_is_made_of_settings_that_stand_together_in_the_menu(stock: World) -> None:
    settings = {setting.name: setting for setting in register_settings()}

    assert stock.target().credentials == ("url", "username", "password")
    assert list(settings)[:3] == ["url", "username", "password"]
    assert {setting.menu for setting in settings.values()} == {("Authentication",)}


def test_koreader_account_of_the_owner_is_used_as_it_is(stock: World) -> None:
    assert provisioned(stock) == ("reader", "kosyncpw", True)


def test_missing_koreader_account_is_made_once_with_its_sync_on(open_world: OpenWorld, dialect: str) -> None:
    world = open_world(dialect, koreader_account=None)

    first = provisioned(world)
    second = provisioned(world)

    assert first == second
    assert first[0] == world.server.username
    assert len(first[1]) >= 20
    assert first[2] is True
    assert world.asked(ME, "PUT") == 1


def test_sync_that_is_off_is_switched_on(open_world: OpenWorld, dialect: str) -> None:
    world = open_world(dialect, koreader_sync=False)

    assert provisioned(world)[2] is True
    assert world.asked(f"{ME}/sync", "PATCH") == 1


def test_typed_in_koreader_account_is_respected(world: World) -> None:
    found = provisioned(world, KOREADER_USERNAME="READER ", KOREADER_PASSWORD="kosyncpw")

    assert found == ("READER ", "kosyncpw", True)
    assert world.asked(ME, "PUT") == 0


def test_typed_in_koreader_account_of_somebody_else_is_left_alone(world: World) -> None:
    world.server.add_user("ann", "annspassword", libraries=[1])

    found = provisioned(
        world, USERNAME="ann", PASSWORD="annspassword", KOREADER_USERNAME="reader", KOREADER_PASSWORD="kosyncpw"
    )

    assert found == ("reader", "kosyncpw", None)
    assert world.asked(ME, "P") == 0


def test_refused_koreader_account_is_named_and_nothing_made(stock: World) -> None:
    target = stock.target(KOREADER_USERNAME="reader", KOREADER_PASSWORD="wrong")

    line = by_name(target.check())["KOReader account"]

    assert not line.ok
    assert "typed in" in line.detail
    assert stock.asked(ME, "PUT") == 0


def test_account_without_the_permission_syncs_all_but_progress(world: World) -> None:
    world.server.add_user("ann", "annspassword", libraries=[1])
    target = world.target(USERNAME="ann", PASSWORD="annspassword")

    with pytest.raises(ItemFailed, match="permission"):
        provision(target._connected().connection)
    target.deliver(session(), FRESH)

    line = by_name(target.check())["KOReader account"]
    assert (line.ok, "lacks the permission" in line.detail, "an admin gives it" in line.advice) == (False, True, True)
    assert len(world.server.sessions) == 1


def test_typed_in_koreader_account_needs_no_permission(world: World) -> None:
    world.server.add_user("ann", "annspassword", libraries=[1])

    found = provisioned(
        world, USERNAME="ann", PASSWORD="annspassword", KOREADER_USERNAME="reader", KOREADER_PASSWORD="kosyncpw"
    )

    assert found == ("reader", "kosyncpw", None)


def test_taken_name_is_told_and_another_one_is_taken(world: World) -> None:
    world.server.add_user("Reader", "annspassword", libraries=[1], permissions=["sync_koreader"])
    target = world.target(USERNAME="Reader", PASSWORD="annspassword")

    line = by_name(target.check())["KOReader account"]

    assert line.ok
    assert line.detail.startswith("Reader-")
    assert "the name Reader is taken" in line.detail


def test_koreader_calls_never_carry_the_token(world: World) -> None:
    world.target(KOREADER_USERNAME="reader", KOREADER_PASSWORD="kosyncpw").check()

    kinds = {one.auth for one in world.server.requests if one.path.startswith("/api/koreader/")}
    assert kinds == {"none", "md5"}


def test_secrets_are_in_no_table_no_log_and_no_text(
    world: World, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    target = world.target(KOREADER_USERNAME="reader", KOREADER_PASSWORD="kosyncpw")
    told = [f"{line}" for line in (*target.check(), *target.log_in())]
    target.deliver(session(), FRESH)
    world.clock.now += 5
    for fault in ("status:500", "html_200", "close_before", "status:403"):
        world.server.fail(fault, "POST /api/v1/auth")
        world.server.expire_tokens(refresh_too=True)
        with pytest.raises(TargetUnavailable) as refusal:
            world.target().deliver(session(minute=10), FRESH)
        told += [str(refusal.value), repr(refusal.value), repr(refusal.value.__cause__)]

    kept = world.secrets.path.read_text()
    everything = "\n".join((*told, caplog.text, *capsys.readouterr(), world.everything_kept()))
    assert "accessToken" not in everything
    for secret in (world.server.password, "kosyncpw", *tokens_in(kept)):
        assert secret not in everything
    assert world.server.password not in kept


def tokens_in(text: str) -> list[str]:
    found = [word for word in text.replace('"', " ").split() if len(word) >= 32]
    assert len(found) >= 2
    return found


def test_secrets_are_in_no_repr(stock: World) -> None:
    target = stock.target(KOREADER_USERNAME="reader", KOREADER_PASSWORD="kosyncpw")
    connection = target._connected().connection
    connection.login.token()

    shown = repr((connection.setup, provision(connection), connection.login._tokens))

    assert "kosyncpw" not in shown
    assert stock.server.password not in shown
    assert "eyJ" not in shown


def test_tokens_of_one_account_do_not_serve_another(stock: World) -> None:
    stock.target().deliver(session(), FRESH)
    stock.server.add_user("ann", "annspassword", libraries=[1])
    stock.clock.now += 5

    stock.target(USERNAME="ann", PASSWORD="annspassword").deliver(session(), FRESH)

    assert len({row["userId"] for row in stock.server.sessions}) == 2


@pytest.mark.parametrize("fault", ["status:500", "html_200", "status:503"])
def test_koreader_account_that_cannot_be_read_now_is_not_made_anew(open_world: OpenWorld, fault: str) -> None:
    world = open_world()
    target = world.target()
    target.check()
    world.server.fail(fault, f"GET {ME}")

    with pytest.raises(Declined):
        provision(target._connected().connection)

    assert world.asked(ME, "PUT") == 0
