"""Files from an e-reader: sent in parts, resumed, begun anew when they change, and lent to the action that asked."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from bridge_world import EReader, ok, paired, toasts
from files_world import NOON, PART, STATISTICS, data_of, held, kept, put, sent, statistics, with_actions

from booklore_core.bridge import uploads
from booklore_core.bridge.bridge import Bridge
from booklore_core.core import Core

BYTES = bytes(range(256)) * 1000


@pytest.fixture
def core(open_core: Any) -> Core:
    return with_actions(open_core())


def count(ereader: EReader, **args: Any) -> dict[str, Any]:
    return ereader.act("count_pages", file=STATISTICS, **args)


def test_an_action_asks_for_a_file_and_finds_it_when_it_is_there(core: Core, ereader: EReader, tmp_path: Path) -> None:
    (question,) = ereader.act("count_pages")["effects"]

    asked = ereader.answer(question, True)["effects"]
    assert asked == [{"type": "send_file", "name": STATISTICS, "then": {"action": "count_pages", "args": {"least": 1}}}]

    data = statistics(tmp_path, rows=8000).read_bytes()
    assert sent(ereader, data)[-1] == len(data) > PART
    assert toasts(count(ereader, least=1)) == ["8000 pages"]
    assert kept(core) == []


def test_a_file_goes_on_where_the_core_stands(core: Core, ereader: EReader) -> None:
    sent(ereader, BYTES[:PART], size=PART)
    about = {"size": len(BYTES)}
    put(ereader, STATISTICS, BYTES[:PART], **about)

    assert held(put(ereader, STATISTICS, **about)) == PART
    assert sent(ereader, BYTES) == [PART, 2 * PART, len(BYTES)]
    assert list(data_of(core)) == [BYTES]


@pytest.mark.parametrize("offset", [0, 1, PART - 1, PART + 1])
def test_a_part_that_does_not_go_on_where_the_core_stands_changes_nothing(
    core: Core, ereader: EReader, offset: int
) -> None:
    put(ereader, STATISTICS, BYTES[:PART], size=len(BYTES))

    assert held(put(ereader, STATISTICS, b"x" * 10, offset=offset, size=len(BYTES))) == PART
    assert list(data_of(core)) == [BYTES[:PART]]


@pytest.mark.parametrize("changed", [{"changed": NOON + 1}, {"changed": NOON - 3600}, {"size": len(BYTES) + 1}])
def test_a_file_that_has_changed_begins_anew(core: Core, ereader: EReader, changed: dict[str, int]) -> None:
    put(ereader, STATISTICS, BYTES[:PART], size=len(BYTES))
    state = {"size": len(BYTES), **changed}

    assert held(put(ereader, STATISTICS, b"later", offset=PART, **state)) == 0
    assert held(put(ereader, STATISTICS, b"anew", **state)) == 4
    assert list(data_of(core)) == [b"anew"]


def test_a_file_that_never_stands_still_is_given_up_and_may_be_tried_again(core: Core, ereader: EReader) -> None:
    for change in range(4):
        assert held(put(ereader, STATISTICS, b"data", size=9, changed=NOON + change)) == 4

    refused = put(ereader, STATISTICS, size=9, changed=NOON + 4)

    assert refused.status_code == 409
    told = "statistics.sqlite3 was written to again and again while it was sent; try once more when no book is open"
    assert refused.json()["detail"] == told
    assert held(put(ereader, STATISTICS, b"data", size=9, changed=NOON + 4)) == 4


def test_a_file_that_was_changed_between_two_tries_of_a_person_is_no_restless_one(ereader: EReader, clock: Any) -> None:
    for change in range(8):
        assert held(put(ereader, STATISTICS, b"data", size=9, changed=NOON + change)) == 4
        clock.forward(minutes=10)


def test_an_empty_file_is_whole_at_once(core: Core, ereader: EReader) -> None:
    assert held(put(ereader, "booklore-sync.sqlite", size=0)) == 0
    assert toasts(ereader.act("take_over", file="booklore-sync.sqlite")) == ["0 bytes taken over"]


def test_what_sqlite_keeps_beside_the_database_goes_along(core: Core, ereader: EReader, tmp_path: Path) -> None:
    path = statistics(tmp_path, rows=10, journal="wal")
    reading = sqlite3.connect(path)
    reading.execute("INSERT INTO page_stat_data VALUES (1, 11, 0, 30, 400)")
    reading.commit()
    wal = path.with_name(f"{STATISTICS}-wal").read_bytes()
    sent(ereader, path.read_bytes())
    sent(ereader, wal, f"{STATISTICS}-wal")
    reading.close()

    assert wal and toasts(count(ereader)) == ["11 pages"]
    assert kept(core) == []


def test_of_another_state_of_the_database_nothing_stays_beside_it(core: Core, ereader: EReader, tmp_path: Path) -> None:
    data = statistics(tmp_path, rows=10).read_bytes()
    sent(ereader, data)
    sent(ereader, b"of then", f"{STATISTICS}-wal")

    sent(ereader, data, changed=NOON + 60)

    assert [path.name for path in kept(core)] == [STATISTICS, f"{STATISTICS}.json"]


def test_half_of_what_is_beside_it_is_not_taken_for_it(core: Core, ereader: EReader, tmp_path: Path) -> None:
    sent(ereader, statistics(tmp_path, rows=10).read_bytes())
    put(ereader, f"{STATISTICS}-wal", b"half", size=8)

    assert toasts(count(ereader)) == ["10 pages"]


def test_two_devices_send_at_once_and_each_has_its_own(core: Core, url: str, tmp_path: Path) -> None:
    kobo, kindle = paired(core, url), paired(core, url, "../kindle")
    for folder in ("kobo", "kindle"):
        (tmp_path / folder).mkdir()
    of_kobo = statistics(tmp_path / "kobo", rows=2000).read_bytes()
    of_kindle = statistics(tmp_path / "kindle", rows=3000).read_bytes()

    for at in range(0, max(len(of_kobo), len(of_kindle)), PART):
        for ereader, data in ((kobo, of_kobo), (kindle, of_kindle)):
            put(ereader, STATISTICS, data[at : at + PART], offset=at, size=len(data))

    assert toasts(count(kindle)) == ["3000 pages"]
    assert toasts(count(kobo)) == ["2000 pages"]
    assert {path.name for path in tmp_path.iterdir()} == {"home", "kobo", "kindle"}


def test_a_device_that_is_revoked_meanwhile_sends_nothing_more_and_goes_on_when_paired_again(
    core: Core, url: str, ereader: EReader
) -> None:
    put(ereader, STATISTICS, BYTES[:PART], size=len(BYTES))

    core.devices.revoke(ereader.id)
    assert put(ereader, STATISTICS, BYTES[PART:], offset=PART, size=len(BYTES)).status_code == 401
    assert list(data_of(core)) == [BYTES[:PART]]

    assert sent(paired(core, url), BYTES)[0] == PART


def test_what_a_crash_left_of_a_part_is_written_over(core: Core, ereader: EReader) -> None:
    put(ereader, STATISTICS, BYTES[:PART], size=len(BYTES))
    (data,) = (path for path in kept(core) if path.name == STATISTICS)
    with data.open("ab") as file:
        file.write(b"\0" * 2 * len(BYTES))

    assert sent(ereader, BYTES)[0] == PART
    assert list(data_of(core)) == [BYTES]


@pytest.mark.parametrize("about", [b"", b"{", b'{"size": 1}', None])
def test_of_which_nobody_knows_what_it_is_nothing_counts(core: Core, ereader: EReader, about: bytes | None) -> None:
    put(ereader, STATISTICS, BYTES[:PART], size=len(BYTES))
    data, known = kept(core)
    if about is None:
        data.unlink()
    else:
        known.write_bytes(about)

    assert sent(ereader, BYTES)[0] == 0
    assert list(data_of(core)) == [BYTES]


def test_what_nobody_has_asked_for_within_a_day_goes_at_the_next_start(core: Core, ereader: EReader) -> None:
    put(ereader, STATISTICS, BYTES[:PART], size=len(BYTES))
    put(ereader, "booklore-sync.sqlite", b"new", size=3)
    now = core.clock().timestamp()
    for path in kept(core):
        age = 86_401 if path.name.startswith(STATISTICS) else 3600
        os.utime(path, (now - age, now - age))

    bridge = Bridge(core)
    bridge.catch_up()
    bridge.close()

    assert [path.name for path in kept(core)] == ["booklore-sync.sqlite", "booklore-sync.sqlite.json"]


def test_a_disk_without_room_is_told_before_anything_is_written(
    core: Core, ereader: EReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "RESERVE", 1 << 60)

    refused = put(ereader, STATISTICS, BYTES[:PART], size=len(BYTES))

    assert refused.status_code == 507
    told = "the computer that the core runs on has no room for statistics.sqlite3; make some and try again"
    assert refused.json()["detail"] == told
    assert list(data_of(core)) == [b""]


def test_a_folder_that_takes_no_files_is_told(core: Core, ereader: EReader) -> None:
    (core.places.home / "uploads").write_text("in the way")

    refused = put(ereader, STATISTICS, BYTES[:PART], size=len(BYTES))

    assert refused.status_code == 507 and refused.json()["detail"].startswith("statistics.sqlite3 could not be kept: ")


def test_a_device_sends_so_much_within_an_hour_and_no_more(
    core: Core, ereader: EReader, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "MAX_SENT", 2 * PART)
    about = {"size": len(BYTES)}
    for at in (0, PART):
        put(ereader, STATISTICS, BYTES[at : at + PART], offset=at, **about)

    refused = put(ereader, STATISTICS, BYTES[2 * PART :], offset=2 * PART, **about)
    assert refused.status_code == 429 and refused.headers["Retry-After"] == "3600"
    assert "within an hour" in refused.json()["detail"]

    clock.forward(hours=1)
    assert sent(ereader, BYTES) == [2 * PART, len(BYTES)]


def test_a_device_keeps_four_files_here_at_most(ereader: EReader) -> None:
    names = [f"file{number}.sqlite" for number in range(5)]
    answers = [put(ereader, name, b"x", size=1) for name in names]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 409]
    assert ok(put(ereader, names[0], b"y", size=1, changed=NOON + 1)) == {"held": 1}
