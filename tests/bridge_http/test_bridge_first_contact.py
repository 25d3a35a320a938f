"""An installation meets its e-reader: the real shim, with what `bridge install` wrote, at the real bridge."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ereader import EReader, from_lua

from booklore_core.bridge import newcomers
from booklore_core.bridge.install import install
from booklore_core.core import Core


@pytest.fixture
def koreader(tmp_path: Path) -> Path:
    (tmp_path / "koreader" / "plugins").mkdir(parents=True)
    return tmp_path / "koreader"


def installed_on(koreader: Path, core: Core, url: str, reader: EReader | None = None, root: str = "kobo") -> EReader:
    """The e-reader with what lies in the folder, started."""
    config = (install(core, koreader, url) / "booklorebridge.json").read_text()
    if reader is None:
        return EReader(koreader.parent / root, config=json.loads(config))
    reader.plugin.joinpath("booklorebridge.json").write_text(config)
    reader.restart()
    return reader


def contact(reader: EReader) -> None:
    reader.send("NetworkConnected")
    reader.pass_time(5)


def known(core: Core) -> list[tuple[str, bool]]:
    """Ids of those who may speak, and whether they were seen."""
    return [(one["id"], one["last_seen"] is not None) for one in newcomers.listed(core)]


def test_months_later_the_e_reader_is_known_and_has_its_menu(core: Core, url: str, koreader: Path, clock) -> None:
    reader = installed_on(koreader, core, url)
    clock.forward(days=60)

    contact(reader)

    assert known(core) == [("kobo-7f3a", True)]
    assert core.event_log.end == 1 and not reader.spool("network_connected")
    assert "Sync & Cache" in [from_lua(item.text) for item in reader.menu()]


def test_what_a_person_asks_first_works_too(core: Core, url: str, koreader: Path) -> None:
    reader = installed_on(koreader, core, url)

    reader.ko.gesture("booklore_sync_pending")
    reader.pass_time(5)

    assert len(reader.toasts()) == 1 and "does not answer" not in reader.toasts()[0]


def test_installed_again_after_it_was_revoked_the_e_reader_comes_back(core: Core, url: str, koreader: Path) -> None:
    reader = installed_on(koreader, core, url)
    contact(reader)
    core.devices.revoke("kobo-7f3a")
    contact(reader)
    assert core.event_log.end == 1

    contact(installed_on(koreader, core, url, reader))

    assert known(core) == [("kobo-7f3a", True)] and core.event_log.end == 3


def test_an_archive_that_was_unpacked_on_two_e_readers_lets_the_first_one_in(
    core: Core, url: str, koreader: Path
) -> None:
    first = installed_on(koreader, core, url)
    config = json.loads((koreader / "plugins/booklorebridge.koplugin/booklorebridge.json").read_text())
    second = EReader(koreader.parent / "kindle", "kindle-11aa22bb", config=config)

    contact(first)
    contact(second)

    assert known(core) == [("kobo-7f3a", True)]
    assert len(second.spool("network_connected")) == 1
    second.ko.gesture("booklore_sync_pending")
    second.pass_time(5)
    assert "given to another device; pair this one" in second.toasts()[0]
    assert from_lua(second.menu()[-1].text) == "Pair with core…"
