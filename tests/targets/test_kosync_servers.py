"""The setting `kosync.servers`: a server a line, and what is told of a line that is none."""

import hashlib
import json
import socket
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from sync_server import SyncServer

from booklore_core import BadSetting, Request
from booklore_core.actions import start
from booklore_core.core import Core
from booklore_core.testing import BookLoreServer, SampleReader, answer_all, sample_book
from booklore_targets.kosync import read_servers

SERVERS = "BOOKLORE_KOSYNC__SERVERS"


def key(password: str) -> str:
    return hashlib.md5(password.encode()).hexdigest()


@pytest.mark.parametrize(
    ("account", "username", "password"),
    [
        ("ada:pw", "ada", "pw"),
        ("ada:p@w@", "ada", "p@w@"),
        ("ada:p%40w", "ada", "p@w"),
        ("ada:p:w:", "ada", "p:w:"),
        ("ada@mail.example:p@w", "ada@mail.example", "p@w"),
        ("ada%40mail.example:p%2Fw%3F%23%25", "ada@mail.example", "p/w?#%"),
        ("ada:100%", "ada", "100%"),
        ("Zo%C3%AB:geheim=ß", "Zoë", "geheim=ß"),
    ],
)
def test_account_of_a_line(account: str, username: str, password: str) -> None:
    (server,) = read_servers(f"club = https://{account}@sync.example").values()

    assert (server.url, server.username, server.key) == ("https://sync.example", username, key(password))


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("sync.example", "https://sync.example"),
        ("sync.example/", "https://sync.example"),
        ("sync.example:8443/books/kosync/", "https://sync.example:8443/books/kosync"),
        ("[::1]:17200", "https://[::1]:17200"),
        ("bücher.example", "https://bücher.example"),
    ],
)
def test_address_of_a_line(address: str, url: str) -> None:
    (server,) = read_servers(f" club=https://ada:pw@{address} ").values()

    assert server.url == url


def test_every_line_is_a_server_and_empty_ones_are_none() -> None:
    servers = read_servers("one = https://a:b@one.example\r\n\n  two = HTTP://c:d@two.example/x\n")

    assert [(name, server.url) for name, server in servers.items()] == [
        ("one", "https://one.example"),
        ("two", "http://two.example/x"),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "https://ada:geheim@sync.example",
        "club https://ada:geheim@sync.example",
        "my club = https://ada:geheim@sync.example",
        "club = ftp://ada:geheim@sync.example",
        "club = https://ada:geheim@",
        "club = https://adageheim@sync.example",
        "club = https://:geheim@sync.example",
        "club = https://ada:@sync.example",
        "club = https://ada:geheim/geheim@sync.example",
        "club = https://ada:a@geheim/geheim@sync.example",
        "club = https://ada:geheim@sync.example:port",
        "club = https://ada:geheim@sync.example/?key=1",
        "first = https://ada:geheim@sync.example",
    ],
)
def test_bad_line_is_named_and_nothing_of_it_told(open_core: Callable[..., Core], line: str) -> None:
    core = open_core(plugins=("kosync",))

    with pytest.raises(BadSetting) as refused:
        core.settings.set("kosync.servers", f"first = https://ada:geheim@one.example\n{line}")

    assert "line 2: " in str(refused.value)
    assert "geheim" not in str(refused.value)
    assert not core.targets


def test_bad_line_of_the_environment_is_told_by_the_doctor(open_core: Callable[..., Core]) -> None:
    core = open_core(plugins=("kosync",), **{SERVERS: "club = https://ada/geheim@sync.example"})

    (fault,) = core.settings.faults()

    assert "kosync.servers (env): line 1: expected NAME = https://USER:PASSWORD@HOST/PATH" in fault.text
    assert "geheim" not in fault.text


def test_secret_rule_of_another_plugin_still_tells_nothing(open_core: Callable[..., Core]) -> None:
    core = open_core(plugins=("booklore",))

    with pytest.raises(BadSetting, match="booklore.token: it does not fit"):
        core.settings.set("booklore.token", "geheim geheim")


def test_international_name_is_looked_up_as_it_is_registered(
    monkeypatch: pytest.MonkeyPatch, open_core: Callable[..., Core]
) -> None:
    looked_up: list[Any] = []

    def look_up(host: Any, *more: Any, **options: Any) -> Any:
        looked_up.append(host.decode() if isinstance(host, bytes) else host)
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    core = open_core(plugins=("kosync",), **{SERVERS: "club = https://ada:geheim@bücher.example"})

    (line,) = core.targets["club"].check()

    assert set(looked_up) == {"xn--bcher-kva.example"}
    assert (line.ok, line.detail) == (False, "bücher.example cannot be reached: no such name is known here")


def test_a_reader_s_place_is_kept_at_several_servers_and_at_booklore(open_core: Callable[..., Core]) -> None:
    with BookLoreServer("booklore") as home, SyncServer() as one, SyncServer(base_path="/sync") as other:
        account = {"BOOKLORE_URL": home.url, "BOOKLORE_USERNAME": home.username, "BOOKLORE_PASSWORD": home.password}
        servers = f"club = http://ada:geheim@{one.place}\nattic = http://ada:p@w@{other.place}"
        core = open_core(plugins=("progress", "booklore", "kosync"), **account, **{SERVERS: servers})
        reader, dune = SampleReader(), home.books[1]
        content = dune.read() or b""
        book = sample_book("Dune", partial_md5=dune.partial_md5, size=len(content), pages=100)

        reader.read(book, 30)
        core.take(reader.lines, "test")
        report = core.sync()

        assert sorted(core.targets) == ["attic", "booklore", "club"]
        assert [run.delivered for run in report.runs] == [{"progress": 1}] * 3
        assert one.places["ada", dune.partial_md5]["percentage"] == 0.31
        assert other.places["ada", dune.partial_md5]["percentage"] == 0.31
        kept = json.dumps(
            [core.database.rows(f"SELECT * FROM {name}") for name in core.database.names()[0]], default=str
        )
        assert "geheim" not in kept
        assert key("geheim") not in kept


def test_stale_position_that_waited_is_given_up_and_told(
    open_core: Callable[..., Core], clock: Callable[[], datetime]
) -> None:
    with SyncServer(users={"ada": key("geheim")}) as server:
        core = open_core(plugins=("progress", "kosync"), **{SERVERS: f"club = http://ada:geheim@{server.place}"})
        reader, book = SampleReader(), sample_book("Dune", pages=100)
        reader.read(book, 30)
        core.take(reader.lines, "test")
        elsewhere = {"percentage": 0.71, "progress": "/body/p[71].0", "device": "ipad", "device_id": "i1"}
        server.places["ada", book["partial_md5"]] = {**elsewhere, "timestamp": int(core.clock().timestamp())}

        core.sync()

        assert server.places["ada", book["partial_md5"]]["percentage"] == 0.71
        (given_up,) = core.status().superseded
        assert (given_up.book, given_up.target, given_up.reason) == ("Dune", "club", "ipad is at 71.0%, read later")
        assert core.pending() == {}
        told = answer_all(start(core, "view_pending", Request()), ()).message
        assert "Given up: Dune for club: ipad is at 71.0%, read later" in told

        reader.wait(86_400)
        clock.forward(days=1)  # type: ignore[attr-defined]
        reader.read(book, 45)
        core.take(reader.lines, "test")
        core.sync()

        assert server.places["ada", book["partial_md5"]]["percentage"] == 0.76
        assert core.status().superseded == []
