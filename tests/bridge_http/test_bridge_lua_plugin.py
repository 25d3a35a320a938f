"""Coming from the Lua plugin with nothing but the e-reader: its file is found, offered, sent and taken over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from bridge_world import EReader, paired
from files_world import FORMER, kept, sent
from lua_database import LuaDatabase

from booklore_core.core import Core

DUNE = "d" * 32


@pytest.fixture
def core(open_core: Any) -> Core:
    return open_core(plugins=("sessions", "booklore"))


@pytest.fixture
def database(tmp_path: Path) -> bytes:
    made = LuaDatabase(tmp_path / FORMER).book(1, DUNE, title="Dune")
    made.settings(server_url="http://127.0.0.1:9", booklore_username="me", booklore_password="00123")
    made.waiting(DUNE, "2026-03-01 20:00", "2026-03-01 20:30", 1800)
    return made.path.read_bytes()


def test_it_is_offered_sent_shown_and_taken_over(core: Core, ereader: EReader, database: bytes) -> None:
    (offer,) = ereader.hand_off(ereader.reader.network(), found=[FORMER])["effects"]
    (send,) = offer["on_ok"]
    assert send["then"]["action"] == "import_lua_plugin"

    sent(ereader, database, FORMER)
    (question,) = ereader.act("import_lua_plugin", file=FORMER)["effects"]
    assert "1 waiting session" in question["text"]
    assert "00123" not in str(question)
    told = ereader.answer(question, True)

    assert "Taken over." in str(told["effects"])
    assert core.pending() == {"session": 1}
    assert core.settings["booklore.password"] == "00123"
    assert kept(core) == []


def test_an_address_that_is_set_here_is_not_moved_by_an_e_reader(core: Core, url: str, database: bytes) -> None:
    core.settings.set("booklore.url", "http://here.example")
    core.settings.set("booklore.password", "ours")
    ereader = paired(core, url)

    sent(ereader, database, FORMER)
    (question,) = ereader.act("import_lua_plugin", file=FORMER)["effects"]
    ereader.answer(question, True)

    assert (core.settings["booklore.url"], core.settings["booklore.password"]) == ("http://here.example", "ours")
