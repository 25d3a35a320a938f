"""`booklore login` and `booklore test-connection`."""

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from cli_world import Booklore, Install, Ran, in_a_dialog, on_a_terminal

from booklore_core.actions import start
from booklore_core.core import Core
from booklore_core.flows import Request
from booklore_core.storage.places import Places
from booklore_core.testing import BookLoreServer, answer_all


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


def test_failed_login_says_why_once(booklore: Booklore, log_in: Any) -> None:
    ran, as_json = log_in("wrong"), log_in("wrong", "--json")

    why = "the server refuses the user name or password"
    assert ((ran.out + ran.err).count(why), ran.err) == (1, "booklore: Not logged in, nothing was changed\n")
    assert why in as_json.err


def test_first_login_that_fails_stores_nothing(booklore: Booklore, log_in: Any) -> None:
    log_in("wrong")

    for name in ("url", "username", "password"):
        assert booklore("config", "get", f"booklore.{name}", "--json").json["source"] == "default"


def test_password_is_never_printed_nor_stored_in_the_database(server: BookLoreServer, log_in: Any, home: Path) -> None:
    for password in ("wrong-password", server.password):
        ran = log_in(password, "--json")
        assert password not in ran.out.replace(server.username, "") + ran.err
    assert b"wrong-password" not in b"".join(path.read_bytes() for path in home.iterdir() if path.is_file())
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


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_password_file_may_begin_with_a_byte_order_mark_and_end_with_a_line_end(
    booklore: Booklore, server: BookLoreServer, tmp_path: Path, mark: str, ending: str
) -> None:
    file = tmp_path / "password"
    file.write_bytes(f"{mark}{server.password}{ending}".encode())

    account = ("--url", server.url, "--username", server.username)

    assert booklore("login", *account, "--password-file", file).code == 0
    assert booklore("login", *account, "--password-file", "-", stdin=file.read_bytes()).code == 0


def test_person_on_a_terminal_is_asked_for_what_is_missing(booklore: Booklore, server: BookLoreServer) -> None:
    account = (("Server URL", server.url), ("User name", server.username), ("Password", server.password))

    code, told = in_a_dialog(["login"], *((label, f"{value}\n") for label, value in account))

    assert code == 0
    assert server.password not in told.replace(server.username, "")
    assert booklore("test-connection").code == 0


def test_address_without_a_scheme_is_completed(booklore: Booklore, server: BookLoreServer, log_in: Any) -> None:
    ran = log_in(server.password, url=server.url.removeprefix("http://"))

    assert ran.code == 0
    assert f"{server.url} answers" in ran.out
    assert booklore("config", "get", "booklore.url").out == f"{server.url}\n"


@pytest.mark.parametrize(("options", "typed"), [(("--url", "htp://x"), ""), ((), "htp://x\n")])
def test_nothing_more_is_asked_before_the_address_can_be_one(home: Path, options: tuple[str, ...], typed: str) -> None:
    code, out, told = on_a_terminal(["login", *options], typed)

    assert (code, out) == (1, "")
    assert "'htp://x' is no address such as" in told
    assert "User name" not in told and "Password" not in told


def test_return_keeps_what_is_known_the_password_included(
    booklore: Booklore, server: BookLoreServer, log_in: Any
) -> None:
    log_in(server.password)

    code, told = in_a_dialog(["login"], (server.url, "\n"), ("User name", "\n"), ("leave it empty to keep it", "\n"))

    assert code == 0
    assert server.password not in told.replace(server.username, "")


def test_another_account_needs_its_own_password(booklore: Booklore, server: BookLoreServer, log_in: Any) -> None:
    log_in(server.password)
    asked = len(server.requests)

    code, told = in_a_dialog(["login", "--username", "somebody"], ("Server URL", "\n"), ("Password", "\n"))

    assert code == 1
    assert "Nothing was changed" in told
    assert len(server.requests) == asked
    assert booklore("config", "get", "booklore.username").out == f"{server.username}\n"


SHELF = """
from booklore_core import Check, Setting, hookimpl

class Shelf:
    name, kinds, credentials = "shelf", frozenset({"session"}), ("token",)

    def __init__(self, settings):
        self._settings = settings

    def deliver(self, item, before):
        return None

    def check(self):
        return [Check("account", self._settings["token"] == "right", self._settings["token"] and "asked")]

    log_in = check

@hookimpl
def register_settings():
    yield Setting("token", str, "", "Its token", secret=True, label="Token")

@hookimpl
def register_targets(settings):
    return [Shelf(settings)]
"""


def test_any_target_that_has_an_account_can_be_logged_in_to(booklore: Booklore, install: Install) -> None:
    install("shelf", SHELF)

    refused, _ = in_a_dialog(["login", "--target", "shelf"], ("Token", "wrong\n"))
    kept = booklore("config", "get", "shelf.token", "--json").json
    code, _ = in_a_dialog(["login", "--target", "shelf"], ("Token", "right\n"))

    assert (refused, kept["source"], code) == (1, "default", 0)
    assert booklore("config", "get", "shelf.token", "--json").json["source"] == "database"
    assert booklore("login", "--target", "shelf", "--token-file", "-", stdin="right").code == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--target", "shelf"), "Token is missing: give --token-file"),
        (("--target", "shelf", "--url", "http://x"), "the account at shelf has no url"),
        (("--target", "nowhere"), "there is no target 'nowhere'"),
    ],
)
def test_login_that_cannot_be_is_refused_in_one_line(
    booklore: Booklore, install: Install, options: tuple[str, ...], said: str
) -> None:
    install("shelf", SHELF)

    ran = booklore("login", *options, "--json")

    assert (ran.code, ran.out, ran.err.count("\n")) == (1, "", 1)
    assert said in ran.err


def test_nobody_logs_in_from_a_device(server: BookLoreServer, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOOKLORE_PASSWORD", server.password)
    values = {"url": server.url, "username": server.username}

    with closing(Core(Places.from_environment())) as core:
        result = answer_all(start(core, "log_in", Request(device="kobo", args={"values": values})), [])

    assert not result.ok
    assert server.requests == []
