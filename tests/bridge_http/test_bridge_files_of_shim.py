"""A file from a tap in KOReader's menu to a third party's action: the real shim, the real bridge, a network between."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cable import Cable, laid
from ereader import EReader, from_lua
from files_world import FORMER, NOON, STATISTICS, data_of, kept, statistics, with_actions

from booklore_core.bridge import uploads
from booklore_core.bridge.pairing import new_code
from booklore_core.core import Core

ROWS = 40_000
"""Of so many rows a database has more than three parts."""

FAILED = "Events that wait on this device: 0\nThe core does not answer: "
KEPT = "\nWhat has arrived of the file is kept: the next time it goes on from there."


@pytest.fixture
def core(open_core: Any) -> Core:
    return with_actions(open_core())


@pytest.fixture
def cable(url: str) -> Iterator[Cable]:
    with laid(url) as cable:
        yield cable


@pytest.fixture
def shim(core: Core, cable: Cable, tmp_path: Path) -> EReader:
    """An e-reader that is paired and has the core's menu."""
    reader = EReader(tmp_path / "kobo", config={"url": cable.url, "code": new_code(core)[0]})
    reader.send("NetworkConnected")
    reader.pass_time(2)
    cable.sent = cable.connections = 0
    return reader


@pytest.fixture
def database(shim: EReader) -> Path:
    path = statistics(shim.root / "settings", ROWS)
    os.utime(path, (NOON, NOON))
    assert path.stat().st_size > 3 * 256 * 1024
    return path


def press(reader: EReader, text: str) -> None:
    dialog = reader.shown("buttondialog")[-1]
    next(button for row in dialog.buttons.values() for button in row.values() if button.text == text).callback()


def tap(reader: EReader) -> None:
    """A person chooses the action in the menu, and agrees."""
    entry = next(item for item in reader.menu() if from_lua(item.text) == "Count pages")
    entry.callback()
    reader.pass_time(1)
    press(reader, "OK")
    reader.pass_time(0)


def written(path: Path) -> dict[str, tuple[int, int, int]]:
    """What stands beside a file under its name, and when it was written; that it is read changes nothing."""
    found = ((one.name, one.stat()) for one in path.parent.glob("statistics*"))
    return {name: (told.st_ino, told.st_size, told.st_mtime_ns) for name, told in found}


def test_a_tap_brings_the_file_to_the_action_that_asked(shim: EReader, core: Core, database: Path) -> None:
    tap(shim)
    assert shim.notices() == ["Asking the core…"]
    shim.pass_time(0.25)
    assert shim.notices() == ["The reading history goes to the core…"]

    shim.pass_time(5)

    assert (shim.notices(), shim.toasts()) == ([], [f"{ROWS} pages"])
    assert kept(core) == [] and database.exists()
    assert shim.log() == []


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_network_that_goes_in_the_middle_is_told_and_the_next_tap_goes_on_where_it_was(
    shim: EReader, core: Core, cable: Cable, database: Path, share: float
) -> None:
    size = database.stat().st_size
    cable.lasts = share * size
    tap(shim)
    shim.pass_time(5)
    (told,) = shim.toasts()
    assert told.startswith(FAILED) and told.endswith(KEPT)
    there = sum(map(len, data_of(core)))

    cable.sent, cable.lasts = 0, float("inf")
    tap(shim)
    shim.pass_time(5)

    assert shim.toasts()[-1] == f"{ROWS} pages"
    assert size - there <= cable.sent < size - there + 20_000
    assert kept(core) == []


def test_a_device_that_is_revoked_in_the_middle_is_told_so(
    shim: EReader, core: Core, cable: Cable, database: Path
) -> None:
    def revoke(number: int) -> None:
        if number == 4:
            core.devices.revoke("kobo-7f3a")

    cable.before = revoke
    tap(shim)
    shim.pass_time(5)

    told = "this device is not paired; make a code with `booklore bridge pair`"
    assert shim.toasts() == [f"Events that wait on this device: 0\n{told}"]
    assert 0 < sum(map(len, data_of(core))) < database.stat().st_size


def test_a_child_that_dies_in_the_middle_costs_nothing_but_a_tap(
    shim: EReader, core: Core, cable: Cable, database: Path
) -> None:
    def kill(number: int) -> None:
        shim.child_hangs = number == 4

    cable.before = kill
    tap(shim)
    shim.pass_time(100)
    assert shim.toasts() == ["Events that wait on this device: 0\nThe core does not answer."]

    shim.child_hangs = False
    tap(shim)
    shim.pass_time(5)
    assert shim.toasts()[-1] == f"{ROWS} pages"


def test_a_database_that_koreader_writes_meanwhile_arrives_as_it_is_then(
    shim: EReader, core: Core, cable: Cable, database: Path
) -> None:
    later = statistics(shim.root, ROWS + 7).read_bytes()

    def write(number: int) -> None:
        if number == 4:
            database.write_bytes(later)
            os.utime(database, (NOON + 60, NOON + 60))

    cable.before = write
    tap(shim)
    shim.pass_time(5)

    assert shim.toasts() == [f"{ROWS + 7} pages"]


def test_what_is_only_in_the_wal_arrives_too(shim: EReader, core: Core, cable: Cable) -> None:
    path = statistics(shim.root / "settings", ROWS, journal="wal")
    reading = sqlite3.connect(path)
    reading.execute("INSERT INTO page_stat_data VALUES (1, 1, 0, 30, 400)")
    reading.commit()
    before = written(path)
    tap(shim)
    shim.pass_time(5)

    assert shim.toasts() == [f"{ROWS + 1} pages"]
    assert written(path) == before
    reading.close()


def test_a_database_that_never_stands_still_is_given_up_in_a_sentence(
    shim: EReader, core: Core, cable: Cable, database: Path
) -> None:
    def write(number: int) -> None:
        os.utime(database, (NOON + number, NOON + number))

    cable.before = write
    tap(shim)
    shim.pass_time(300)

    told = "was written to again and again while it was sent; try once more when no book is open"
    assert shim.toasts() == [f"Events that wait on this device: 0\n{STATISTICS} {told}"]
    assert cable.connections < 12


def test_a_refusal_is_told_in_the_cores_words(
    shim: EReader, core: Core, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "RESERVE", 1 << 60)
    tap(shim)
    shim.pass_time(5)

    told = "the computer that the core runs on has no room for statistics.sqlite3; make some and try again"
    assert shim.toasts() == [f"Events that wait on this device: 0\n{told}"]


@pytest.mark.parametrize("answer", ["Yes", "Not now"])
def test_what_lies_beside_the_shim_s_own_is_offered_once(shim: EReader, core: Core, cable: Cable, answer: str) -> None:
    (shim.root / "settings" / FORMER).write_bytes(b"0123456789")
    os.utime(shim.root / "settings" / FORMER, (NOON, NOON))
    shim.send("NetworkConnected")
    shim.pass_time(2)

    press(shim, answer)
    shim.pass_time(5)
    assert shim.toasts() == (["10 bytes taken over"] if answer == "Yes" else [])

    shim.restart()
    shim.send("NetworkConnected")
    shim.pass_time(5)
    assert shim.shown("buttondialog") == []
