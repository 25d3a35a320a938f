"""Handing over events: durable before acknowledged, each once, and nothing that blocks the spool."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

import pytest
import requests
from bridge_world import DUNE, EReader, paired, toasts

from booklore_core.core import Core
from booklore_core.testing import FakeTarget


def rows(core: Core, sql: str) -> list[Any]:
    """What another program finds in the database."""
    with sqlite3.connect(core.places.database_file) as connection:
        return connection.execute(sql).fetchall()


def test_a_session_is_acknowledged_delivered_and_told(ereader: EReader, bookworm: FakeTarget) -> None:
    ereader.reader.read(DUNE)

    answer = ereader.hand_off()

    assert answer["ack"] == [line["id"] for line in ereader.reader.lines]
    assert answer["rejected"] == []
    assert toasts(answer) == ["1 session synced"]
    assert [item.kind for item in bookworm.received] == ["session"]


def test_the_answer_tells_how_things_stand(core: Core, ereader: EReader, bookworm: FakeTarget) -> None:
    core.settings.set("sync.manual_only", True)
    ereader.reader.read(DUNE)

    state = ereader.hand_off()["state"]

    menu = state.pop("menu")
    switches = {"enabled": True, "manual_only": True, "ask_wifi": False, "silent": False}
    assert state == {**switches, "pending": {"S": 1}, "hand_over": None}
    assert menu == ereader.menu()["version"]


def test_acknowledged_lines_are_committed(core: Core, ereader: EReader) -> None:
    ereader.reader.read(DUNE)

    ack = ereader.hand_off()["ack"]

    assert [name for (name,) in rows(core, "SELECT event_id FROM events ORDER BY id")] == ack


def test_what_could_not_be_committed_is_not_acknowledged(core: Core, ereader: EReader) -> None:
    first, second = ereader.reader.network(), ereader.reader.network()
    fails = f"WHEN NEW.event_id = '{second['id']}' BEGIN SELECT RAISE(ABORT, 'no more room'); END"
    core.database.run(f"CREATE TRIGGER full BEFORE INSERT ON events {fails}")

    body = {"device": ereader.device, "lines": [first, second]}
    assert ereader.post("/v1/events", body).status_code == 500

    core.database.run("DROP TRIGGER full")
    assert ereader.hand_off()["ack"] == [first["id"], second["id"]]
    assert len(rows(core, "SELECT * FROM events")) == 2


def test_the_same_lines_again_change_nothing(core: Core, ereader: EReader, bookworm: FakeTarget) -> None:
    ereader.reader.read(DUNE)
    first = ereader.hand_off()

    again = ereader.hand_off()

    assert again["ack"] == first["ack"]
    assert again["effects"] == []
    assert len(bookworm.received) == 1 and len(rows(core, "SELECT * FROM events")) == 2


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ('{"v":1,"id":"kobo-7f3a-0', "line"),
        ("", "line"),
        (17, "line"),
        (None, "line"),
        ({"v": 2, "id": "kobo-7f3a-9", "event": "resume"}, "v"),
        ({"v": 1, "id": "kobo-7f3a-9", "event": "dance", "device": "kobo-7f3a"}, "event"),
        ({"v": 1, "id": "kobo-7f3a-9", "event": "resume", "device": "kobo-7f3a", "at": "noon"}, "at"),
        ({"v": 1, "id": "kobo-1", "event": "resume", "device": "kindle", "at": "2026-11-20T08:00:00Z"}, "device"),
    ],
)
def test_a_bad_line_is_quarantined_and_blocks_nothing(core: Core, ereader: EReader, line: Any, field: str) -> None:
    good = [ereader.reader.network(), ereader.reader.network()]

    answer = ereader.hand_off(good[0], line, good[1])

    (rejected,) = answer["rejected"]
    assert answer["ack"] == [one["id"] for one in good]
    assert rejected["index"] == 1 and rejected["error"].startswith(f"{field}: ")
    assert rejected.get("id") == (line["id"] if isinstance(line, dict) else None)
    assert [kept for (kept,) in rows(core, "SELECT field FROM quarantine")] == [field]
    assert ereader.hand_off(good[0], line)["rejected"] and len(rows(core, "SELECT * FROM quarantine")) == 1


def test_a_whole_line_given_as_text_is_taken(ereader: EReader) -> None:
    line = ereader.reader.network()

    assert ereader.hand_off(json.dumps(line))["ack"] == [line["id"]]


def test_a_number_that_is_none_costs_no_line(core: Core, ereader: EReader) -> None:
    line = ereader.reader.open(DUNE)
    line["reading"]["percent"] = float("nan")
    body = json.dumps({"device": ereader.device, "lines": [line]})
    headers = {**ereader.headers, "Content-Type": "application/json"}

    answer = requests.post(f"{ereader.url}/v1/events", data=body, headers=headers, timeout=5).json()

    assert answer["ack"] == [line["id"]] and answer["rejected"] == []
    assert [key for (key,) in rows(core, "SELECT key FROM remarks")] == [f"core:reading.percent:{DUNE['partial_md5']}"]


@pytest.mark.parametrize("title", [b"D\xfcne", b"D\\ud800ne"])
def test_damaged_text_does_not_keep_the_spool_on_the_device(core: Core, ereader: EReader, title: bytes) -> None:
    ereader.reader.open(DUNE)
    body = json.dumps({"device": ereader.device, "lines": ereader.reader.lines}).encode().replace(b"Dune", title)
    headers = {**ereader.headers, "Content-Type": "application/json"}

    answer = requests.post(f"{ereader.url}/v1/events", data=body, headers=headers, timeout=5)

    assert answer.json()["ack"] == [ereader.reader.lines[0]["id"]]
    assert len(rows(core, "SELECT * FROM books")) == 1


def test_two_devices_are_kept_apart(core: Core, url: str, bookworm: FakeTarget) -> None:
    kobo, kindle = paired(core, url, "kobo"), paired(core, url, "kindle")
    kobo.reader.read(DUNE)
    kindle.reader.read(DUNE)

    assert toasts(kobo.hand_off()) == ["1 session synced"]
    assert toasts(kindle.hand_off()) == ["1 session synced"]

    assert [item.body["device"] for item in bookworm.received] == ["kobo", "kindle"]


def test_a_device_speaks_only_for_itself(core: Core, url: str) -> None:
    kobo, kindle = paired(core, url, "kobo"), paired(core, url, "kindle")
    kindle.reader.network()
    kobo.id = "kindle"

    assert kobo.post("/v1/events", {"device": kobo.device, "lines": kindle.reader.lines}).status_code == 403
    assert rows(core, "SELECT * FROM events") == []


def test_what_a_device_told_in_anothers_name_is_taken_in_only_when_a_person_names_it(core: Core, url: str) -> None:
    kobo, kindle = paired(core, url, "kobo"), paired(core, url, "kindle")
    kindle.reader.network()
    kobo.post("/v1/events", {"device": kobo.device, "lines": kindle.reader.lines})
    (refused,) = core.quarantine.lines()

    assert core.retry_quarantine().accepted == 0
    core.quarantine.version = "a newer one"
    core.catch_up()
    assert rows(core, "SELECT * FROM events") == []
    assert core.retry_quarantine([refused.id]).accepted == 1


def test_with_sync_off_what_comes_is_taken_and_stays_where_it_is(
    core: Core, ereader: EReader, bookworm: FakeTarget
) -> None:
    core.settings.set("sync.enabled", False)
    ereader.reader.read(DUNE)
    ereader.reader.resume()

    answer = ereader.hand_off()

    assert len(answer["ack"]) == 3 and answer["effects"] == []
    assert answer["state"]["enabled"] is False and answer["state"]["pending"] == {"S": 1}
    assert bookworm.received == []
