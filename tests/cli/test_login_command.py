"""`booklore login` and `booklore test-connection`."""

from pathlib import Path
from typing import Any

import pytest
from cli_world import Booklore, Ran

from booklore_core.testing import BookLoreServer


@pytest.fixture
def log_in(booklore: Booklore, server: BookLoreServer) -> Any:
    def run(password: str, *more: object, url: str = server.url, username: str = server.username) -> Ran:
        account = ("--url", url, "--username", username, "--password-file", "-")
        return booklore("login", *account, *more, stdin=f"{password}\n")

    return run


def test_login_tests_and_stores_the_account(booklore: Booklore, server: BookLoreServer, log_in: Any) -> None:
    ran = log_in(server.password, "--json")

    assert ran.code == 0
    assert all(set(check) == {"check", "ok", "detail", "advice"} for check in ran.json)
    assert all(check["ok"] for check in ran.json)
    assert {"server", "account", "KOReader account"} <= {check["check"] for check in ran.json}
    assert booklore("test-connection").code == 0


def test_login_makes_the_koreader_account(booklore: Booklore, home: Path) -> None:
    with BookLoreServer("grimmory", koreader_account=None) as server:
        account = ("--url", server.url, "--username", server.username, "--password-file", "-")
        ran = booklore("login", *account, "--json", stdin=server.password)

    told = next(check for check in ran.json if check["check"] == "KOReader account")
    assert (ran.code, told["ok"]) == (0, True)
    assert "made" in told["detail"]


def test_wrong_password_leaves_what_worked_before(booklore: Booklore, server: BookLoreServer, log_in: Any) -> None:
    log_in(server.password)

    ran = log_in("wrong", "--json")

    assert ran.code == 1
    assert not next(check for check in ran.json if check["check"] == "account")["ok"]
    assert ran.err.count("\n") == 1
    assert booklore("test-connection").code == 0


def test_wrong_server_leaves_what_worked_before(booklore: Booklore, server: BookLoreServer, log_in: Any) -> None:
    log_in(server.password)

    ran = log_in(server.password, url="http://127.0.0.1:9")

    assert ran.code == 1
    assert booklore("config", "get", "booklore.url").out == f"{server.url}\n"


def test_first_login_that_fails_stores_nothing(booklore: Booklore, log_in: Any) -> None:
    log_in("wrong")

    for name in ("url", "username", "password"):
        assert booklore("config", "get", f"booklore.{name}", "--json").json["source"] == "default"


def test_password_is_never_printed_nor_stored_in_the_database(server: BookLoreServer, log_in: Any, home: Path) -> None:
    for password in ("wrong-password", server.password):
        ran = log_in(password, "--json")
        assert password not in ran.out.replace(server.username, "") + ran.err
    assert b"wrong-password" not in b"".join(path.read_bytes() for path in home.iterdir())
    assert server.password.encode() not in (home / "booklore.sqlite").read_bytes()


def test_log_of_everything_holds_no_password(booklore: Booklore, home: Path) -> None:
    library = {"web_login": {"username": "anna", "password": "open sesame"}, "books": []}
    with BookLoreServer("grimmory", library) as server:
        account = ("--url", server.url, "--username", "anna", "--password-file", "-")
        ran = booklore("-vv", "login", *account, stdin="open sesame\n")

    assert ran.code == 0
    assert "logged in" in ran.err
    assert "sesame" not in ran.out + ran.err


@pytest.mark.parametrize(
    ("given", "option"),
    [
        ((), "--url"),
        (("--url", "http://x"), "--username"),
        (("--url", "http://x", "--username", "a"), "--password-file"),
    ],
)
def test_without_a_terminal_the_missing_option_is_named(
    booklore: Booklore, given: tuple[str, ...], option: str
) -> None:
    ran = booklore("login", *given)

    assert (ran.code, ran.out) == (1, "")
    assert f"give {option}\n" in ran.err
    assert ran.err.count("\n") == 1


def test_stored_password_is_not_sent_to_another_server(booklore: Booklore, server: BookLoreServer, log_in: Any) -> None:
    log_in(server.password)

    with BookLoreServer("custom") as other:
        ran = booklore("login", "--url", other.url)

        assert ran.code == 1
        assert "--password-file" in ran.err
        assert other.requests == []


def test_password_file_that_is_missing_is_told(booklore: Booklore, tmp_path: Path) -> None:
    ran = booklore("login", "--password-file", tmp_path / "nowhere")

    assert (ran.code, ran.err.count("\n")) == (1, 1)
    assert "--password-file: cannot read" in ran.err


def test_account_of_the_environment_needs_no_options(booklore: Booklore, account: BookLoreServer) -> None:
    assert booklore("login").code == 0


def test_option_that_the_environment_overrules_is_refused(booklore: Booklore, account: BookLoreServer) -> None:
    ran = booklore("login", "--url", "http://127.0.0.1:9")

    assert ran.code == 1
    assert "booklore.url is set by the environment" in ran.err


def test_connection_test_says_what_to_do_without_a_server(booklore: Booklore) -> None:
    ran = booklore("test-connection", "--json")

    assert ran.code == 1
    assert [check["ok"] for check in ran.json] == [False]
    assert "booklore login" in ran.json[0]["advice"]


def test_login_without_its_plugin_is_refused(booklore: Booklore, log_in: Any) -> None:
    booklore("plugins", "disable", "booklore")

    ran = log_in("any")

    assert (ran.code, ran.err.count("\n")) == (1, 1)
    assert "not enabled" in ran.err
