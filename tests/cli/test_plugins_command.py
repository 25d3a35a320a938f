"""`booklore plugins`, with a third party's plugin installed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cli_world import Booklore, Install, Spool

from booklore_core.testing import SampleReader, sample_book

BOOKWORM = '''
"""Eats sessions."""

from booklore_core import Setting, hookimpl

class Bookworm:
    name, kinds = "bookworm", frozenset({"session"})

    def deliver(self, item, before):
        return None

@hookimpl
def register_settings():
    yield Setting("appetite", int, 3, "Sessions a day", low=1)

@hookimpl
def register_targets():
    return [Bookworm()]
'''

BROKEN = "raise RuntimeError('no such printer')"

UNDECLARED = """
from booklore_core import Item, hookimpl

@hookimpl
def on_book_open(event):
    yield Item("opened", event.id, event.book.ref, {}, event.at)
"""

STUMBLING = """
from booklore_core import hookimpl

@hookimpl
def on_book_close(event):
    raise RuntimeError("stumbled over a book")
"""


def test_list_tells_kind_version_and_source(booklore: Booklore, install: Install) -> None:
    install("bookworm", BOOKWORM)

    listed = {one["name"]: one for one in booklore("plugins", "list", "--json").json}

    assert listed["bookworm"] == {
        "name": "bookworm",
        "kind": "target",
        "enabled": True,
        "version": "1.2",
        "source": "bookworm-plugin",
        "waiting": {},
        "error": None,
        "notes": [],
    }
    assert (listed["sessions"]["kind"], listed["sessions"]["source"]) == ("feature", "booklore-sync")
    assert (listed["booklore"]["kind"], listed["booklore"]["enabled"]) == ("target", True)


def test_list_tells_what_waits(booklore: Booklore, install: Install, reader: SampleReader, spool: Spool) -> None:
    install("bookworm", BOOKWORM)
    reader.read(sample_book())
    booklore("ingest", spool())
    booklore("sync", "--target", "bookworm")

    listed = {one["name"]: one["waiting"] for one in booklore("plugins", "list", "--json").json}

    assert listed["bookworm"] == {}
    assert listed["booklore"] == {"session": 1}
    assert listed["sessions"] == {"session": 1}


def test_plugin_is_switched_off_and_on_again(booklore: Booklore) -> None:
    off = booklore("plugins", "disable", "sessions", "--json")
    shown = booklore("config", "get", "sessions.enabled").out
    on = booklore("plugins", "enable", "sessions", "--json")

    assert (off.code, off.json["enabled"]) == (0, False)
    assert shown == "false\n"
    assert (on.code, on.json["enabled"]) == (0, True)


def test_target_that_is_off_is_owed_nothing(
    booklore: Booklore, install: Install, reader: SampleReader, spool: Spool
) -> None:
    reader.read(sample_book())
    booklore("ingest", spool())

    booklore("plugins", "disable", "booklore")

    assert booklore("status", "--json").json["pending"] == {}


@pytest.mark.parametrize("command", ["enable", "disable", "info"])
def test_unknown_plugin_is_refused(booklore: Booklore, command: str) -> None:
    ran = booklore("plugins", command, "nobody", "--json")

    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "booklore: there is no plugin 'nobody'; `booklore plugins list` shows them\n"


def test_info_tells_settings_hooks_and_targets(booklore: Booklore, install: Install) -> None:
    install("bookworm", BOOKWORM)

    found = booklore("plugins", "info", "bookworm", "--json").json

    assert found["help"] == "Eats sessions."
    assert found["targets"] == ["bookworm"]
    assert set(found["hooks"]) == {"register_settings", "register_targets"}
    assert {one["name"]: one["value"] for one in found["settings"]} == {
        "bookworm.appetite": 3,
        "bookworm.enabled": True,
        "bookworm.since": "",
        "bookworm.repeat_after": 600,
    }
    assert "Eats sessions." in booklore("plugins", "info", "bookworm").out


def test_plugin_that_cannot_be_loaded_is_named_and_can_be_switched_off(booklore: Booklore, install: Install) -> None:
    install("broken", BROKEN)

    listed = {one["name"]: one for one in booklore("plugins", "list", "--json").json}
    checked = booklore("plugins", "doctor", "--json")
    off = booklore("plugins", "disable", "broken", "--json")

    assert "no such printer" in listed["broken"]["error"]
    assert (listed["sessions"]["error"], off.code) == (None, 0)
    (wrong,) = [check for check in checked.json if not check["ok"]]
    assert (checked.code, wrong["check"]) == (1, "plugin broken")
    assert "no such printer" in wrong["detail"]
    assert "broken-plugin" in wrong["advice"]


def test_doctor_tells_of_events_that_wait_for_a_plugin(
    booklore: Booklore, install: Install, reader: SampleReader, spool: Spool
) -> None:
    install("stumbling", STUMBLING)
    reader.read(sample_book())
    taken = booklore("ingest", spool(), "--json")

    ran = booklore("plugins", "doctor", "--json")

    assert (taken.code, taken.json["accepted"]) == (0, 2)
    assert ran.code == 1
    wrong = next(check for check in ran.json if check["check"] == "plugin stumbling")
    assert wrong["detail"].startswith("1 event")
    assert "stumbled over a book" in wrong["detail"]


def test_doctor_tells_of_a_target_whose_deliveries_fail(
    booklore: Booklore, install: Install, reader: SampleReader, spool: Spool
) -> None:
    install("bookworm", BOOKWORM.replace("return None", 'raise KeyError("teeth")'))
    reader.read(sample_book())
    booklore("ingest", spool())
    booklore("sync", "--target", "bookworm")

    ran = booklore("plugins", "doctor", "--json")

    wrong = next(check for check in ran.json if check["check"] == "plugin bookworm")
    assert (ran.code, wrong["ok"]) == (1, False)
    assert wrong["detail"].startswith("1 delivery to it failed, such as: deliver failed: KeyError: 'teeth' (")
    assert wrong["detail"].endswith("bookworm_module.py, line 10)")


def test_doctor_tells_of_kinds_that_nobody_declares(
    booklore: Booklore, install: Install, reader: SampleReader, spool: Spool
) -> None:
    install("diary", UNDECLARED)
    reader.read(sample_book())
    booklore("ingest", spool())

    ran = booklore("plugins", "doctor", "--json")

    note = next(check for check in ran.json if check["check"] == "plugin diary")
    assert (ran.code, note["ok"]) == (0, True)
    assert note["detail"].endswith("nobody declares its kinds opened")
    assert "register_kinds" in note["advice"]


def test_switch_that_config_toml_holds_is_refused(booklore: Booklore, home: Path) -> None:
    home.mkdir()
    (home / "config.toml").write_text("[sessions]\nenabled = false\n")

    ran = booklore("plugins", "enable", "sessions")

    assert (ran.code, ran.out) == (1, "sessions is off\n")
    assert ran.err == "booklore: sessions.enabled is set by the configuration file and stays as it is\n"


@pytest.mark.parametrize("variable", ["BOOKLORE_NO_PLUGINS", "BOOKLORE_DATABASE__WAL"])
def test_switch_of_the_environment_that_is_none_is_refused(
    booklore: Booklore, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "banana")

    ran = booklore("plugins", "list")

    assert (ran.code, ran.out) == (1, "")
    assert ran.err == f"booklore: {variable}: expected true or false, got 'banana'\n"


def test_no_third_party_plugin_is_loaded_when_asked_not_to(
    booklore: Booklore, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("bookworm", BOOKWORM)
    monkeypatch.setenv("BOOKLORE_NO_PLUGINS", "1")

    assert "bookworm" not in {one["name"] for one in booklore("plugins", "list", "--json").json}


HANGING = """
import time
time.sleep(3600)
"""


def test_plugin_that_hangs_while_it_is_loaded_is_switched_off_at_once(
    booklore: Booklore, install: Install, home: Path
) -> None:
    install("hanging", HANGING)

    command = [sys.executable, "-m", "booklore_core", "plugins", "disable", "hanging", "--json"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=25, check=True)

    assert (json.loads(ran.stdout)["name"], json.loads(ran.stdout)["enabled"]) == ("hanging", False)
    listed = {one["name"]: one for one in booklore("plugins", "list", "--json").json}
    assert (listed["hanging"]["enabled"], listed["hanging"]["source"]) == (False, "hanging-plugin")
    assert listed["sessions"]["enabled"]


def test_plugin_that_is_off_is_still_described(booklore: Booklore, install: Install) -> None:
    install("bookworm", BOOKWORM)
    booklore("plugins", "list")

    booklore("plugins", "disable", "bookworm")

    found = booklore("plugins", "info", "bookworm", "--json").json
    assert (found["source"], found["version"], found["hooks"]) == ("bookworm-plugin", "1.2", [])
    assert next(one for one in booklore("doctor", "--json").json if one["check"] == "plugin bookworm")["ok"]


def test_plugin_that_was_uninstalled_can_be_let_go(
    booklore: Booklore, install: Install, reader: SampleReader, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("bookworm", BOOKWORM)
    booklore("plugins", "disable", "booklore")
    reader.read(sample_book())
    booklore("ingest", spool())
    monkeypatch.setenv("BOOKLORE_NO_PLUGINS", "1")  # as if it was not there

    waiting = booklore("sync", "--json")
    listed = next(one for one in booklore("plugins", "list", "--json").json if one["name"] == "bookworm")
    missing = next(one for one in booklore("doctor", "--json").json if one["check"] == "plugin bookworm")
    off = booklore("plugins", "disable", "bookworm", "--json")

    assert (waiting.code, listed["waiting"]) == (3, {"session": 1})
    assert "`booklore plugins disable bookworm` ends that" in listed["error"]
    assert missing["ok"] is False
    assert (off.code, off.json["enabled"]) == (0, False)
    assert booklore("sync").code == 0
    assert "bookworm" not in booklore("plugins", "list").out
