"""`booklore login --token-file`: where only single sign-on is possible."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_world import Booklore, Spool

from booklore_core.testing import BookLoreServer


@pytest.fixture
def server(dialect: str) -> Iterator[BookLoreServer]:
    """A server that takes no passwords, and somebody who has signed on an hour ago."""
    late = [3600.0]
    with BookLoreServer(dialect, now=lambda: time.time() - late[0]) as server:
        server.add_user("ann", "unknown to her", libraries=[1], permissions=["sync_koreader"])
        server.single_sign_on_only = True
        server.token = server.sign_on("ann")  # type: ignore[attr-defined]
        late[0] = 0.0
        yield server


@pytest.fixture
def token_file(server: BookLoreServer, tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text(f'"{server.token}"\r\n', encoding="utf-8-sig")  # type: ignore[attr-defined]
    return path


every_dialect = pytest.mark.parametrize("dialect", ["booklore", "grimmory", "grimmory-3.5", "custom"], indirect=True)


@every_dialect
def test_token_logs_in_and_syncs_and_is_shown_nowhere(
    booklore: Booklore, server: BookLoreServer, token_file: Path, spool: Spool, home: Path
) -> None:
    ran = booklore("-vv", "login", "--url", server.url, "--token-file", token_file, "--json")
    told = [ran, booklore("config", "show", "--json"), booklore("doctor", "--json"), booklore("test-connection")]

    assert [one.code for one in told] == [0, 0, 0, 0]
    assert "logged in as ann" in ran.out
    assert not any(server.token in one.out + one.err for one in told)  # type: ignore[attr-defined]
    assert b"eyJ" not in (home / "booklore.sqlite").read_bytes()
    assert not any(one.path.endswith("/auth/login") for one in server.requests)


def test_token_that_is_refused_changes_nothing(booklore: Booklore, server: BookLoreServer, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("spent")

    ran = booklore("login", "--url", server.url, "--token-file", tmp_path / "token", "--json")

    assert (ran.code, ran.err.count("\n")) == (1, 1)
    assert "takes the refresh token no more" in ran.err
    assert "`booklore login" not in ran.err
    assert booklore("config", "get", "booklore.token", "--json").json["source"] == "default"


def test_password_takes_the_place_of_the_token(booklore: Booklore, server: BookLoreServer, token_file: Path) -> None:
    booklore("login", "--url", server.url, "--token-file", token_file)

    account = ("--username", server.username, "--password-file", "-")
    ran = booklore("login", *account, "--json", stdin=server.password)

    assert ran.code == 0
    assert f"logged in as {server.username}" in ran.out
    assert server.token not in "".join(  # type: ignore[attr-defined]
        path.read_text() for path in (token_file.parent / "home").glob("secrets*")
    )


def test_wrong_password_leaves_the_token_that_worked(
    booklore: Booklore, server: BookLoreServer, token_file: Path
) -> None:
    booklore("login", "--url", server.url, "--token-file", token_file)

    booklore("login", "--username", server.username, "--password-file", "-", stdin="wrong")

    assert "logged in as ann" in booklore("test-connection").out


@pytest.mark.parametrize(
    ("more", "content", "said"),
    [
        (("--username", "ann"), "token", "the account at booklore has no username: expected url, token"),
        ((), "\n", "is empty"),
        ((), "two words", "booklore.token: it does not fit"),
        ((), None, "--token-file: cannot read"),
    ],
)
def test_token_that_is_none_is_told_in_one_line(
    booklore: Booklore, server: BookLoreServer, tmp_path: Path, more: tuple[str, ...], content: str | None, said: str
) -> None:
    if content is not None:
        (tmp_path / "token").write_text(content)

    ran = booklore("login", "--url", server.url, "--token-file", tmp_path / "token", *more)

    assert (ran.code, ran.out, ran.err.count("\n")) == (1, "", 1)
    assert said in ran.err
    assert not server.requests
