"""A broken plugin beside a good one: it is named, costs the other nothing, and can be switched off."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from cli_world import Booklore, Install, Spool

from booklore_core import actions, plugin_manager
from booklore_core.core import Core
from booklore_core.pipeline import derive, gateway
from booklore_core.storage.places import Places
from booklore_core.testing import SampleReader, sample_book

GOOD = '''
"""Takes sessions."""
from booklore_core import hookimpl

class Bookworm:
    name, kinds = "bookworm", frozenset({"session"})

    def deliver(self, item, before):
        return None

@hookimpl
def register_targets():
    return [Bookworm()]
'''

IMPORTS = """
import sys
from booklore_core import Action, Item, Kind, Setting, hookimpl

def hang():
    sys.may_go_on.wait(20)
"""

TARGET = """
class Rogue:
    name, kinds = "rogue", frozenset(["session"])

    def deliver(self, item, before):
        {deliver}

    def close(self):
        {close}

@hookimpl
def register_targets():
    yield Rogue()
"""
HOOK = """
@hookimpl
def on_book_close(event):
    {does}
"""

NEEDED = """
@hookimpl
def register_settings():
    yield Setting("url", str, "", "Where it is", needed=True)
"""

AT_ITS_START: dict[str, tuple[str, str | None, str]] = {
    "import fails": ("raise RuntimeError('no such printer')", "no such printer (", "line 7)"),
    "import hangs": ("hang()", "took longer than 0.7 s", ""),
    "a newer API": ("API_VERSION = 99", "made for plugin API 99, this is 1", ""),
    "an unknown hook": ("@hookimpl\ndef on_bok_open(event):\n    pass", "on_bok_open", ""),
    "settings hang": ("@hookimpl\ndef register_settings():\n    hang()", "took longer than 0.7 s (", "line 6)"),
    "targets hang": ("@hookimpl\ndef register_targets():\n    hang()", "took longer than 0.7 s (", "line 6)"),
    "targets are nonsense": ("@hookimpl\ndef register_targets():\n    return [7]", "7 is no target", "line 7)"),
    "the name of our target": (
        TARGET.format(deliver="pass", close="pass").replace('"rogue"', '"booklore"'),
        "the name 'booklore' is taken already",
        "",
    ),
    "the name of our action": (
        "@hookimpl\ndef register_actions():\n    yield Action('sync_pending', 'Mine', print)",
        "the name 'sync_pending' is the core's own",
        "",
    ),
    "the letter of our kind": (
        "@hookimpl\ndef register_kinds():\n    yield Kind('mine', 'S', 'thing', 'things')",
        "the letter S of kind 'mine' is that of 'session'",
        "",
    ),
}
WHEN_IT_WORKS: dict[str, tuple[str, str | None, str]] = {
    "a hook fails": (HOOK.format(does="raise RuntimeError('stumbled')"), "stumbled (", "line 10)"),
    "a hook hangs": (HOOK.format(does="hang()"), "took longer than 0.7 s (", "line 6) at the device's line"),
    "a hook gives nonsense": (HOOK.format(does="return 7"), "TypeError", "line 8)"),
    "deliver fails": (TARGET.format(deliver="return dict()['teeth']", close="pass"), "KeyError: 'teeth' (", "line 12)"),
    "deliver hangs": (TARGET.format(deliver="hang()", close="pass"), None, ""),
    "close fails": (TARGET.format(deliver="pass", close="raise RuntimeError('stuck')"), None, ""),
    "close hangs": (TARGET.format(deliver="pass", close="hang()"), None, ""),
}


FINE: dict[str, tuple[str, str | None, str]] = {
    "it is off": (TARGET.format(deliver="pass", close="pass"), "off", "1.2 from rogue-plugin"),
    "it is not configured": (NEEDED, "works", "it does nothing until rogue.url is set"),
    "it works": (TARGET.format(deliver="pass", close="pass"), "works", "1.2 from rogue-plugin"),
}
FAULTS = AT_ITS_START | WHEN_IT_WORKS


@pytest.fixture(autouse=True)
def short_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "CLOSE_LIMIT", 0.1)
    monkeypatch.setattr(actions, "LABEL_SECONDS", 0.1)


@pytest.fixture
def fault(
    request: pytest.FixtureRequest, booklore: Booklore, monkeypatch: pytest.MonkeyPatch
) -> tuple[str, str | None, str]:
    """Source, what is said of it, and where. What hangs has little time, anything else as much as it takes."""
    if "hang" in str(request.param):
        booklore("plugins", "list")  # what is imported once takes no time any more
        for module, limit in ((plugin_manager, "LOAD_SECONDS"), (derive, "HOOK_LIMIT"), (gateway, "CALL_LIMIT")):
            monkeypatch.setattr(module, limit, 0.7)
    return (FAULTS | FINE)[str(request.param)]


@pytest.fixture
def beside(
    booklore: Booklore, install: Install, reader: SampleReader, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """The good plugin, and a book that was read. What hangs does so until the test is over."""
    may_go_on = threading.Event()
    monkeypatch.setattr(sys, "may_go_on", may_go_on, raising=False)
    install("bookworm", GOOD)
    for one in entry_points(group="booklore"):  # most of ours are in nobody's way here
        if one.name not in ("sessions", "booklore", "bookworm"):
            monkeypatch.setenv(f"BOOKLORE_{one.name.upper()}__ENABLED", "false")
    reader.read(sample_book())
    spool()
    yield
    may_go_on.set()
    for thread in threading.enumerate():
        if "rogue" in thread.name:
            thread.join(10)


def errors(booklore: Booklore) -> dict[str, str | None]:
    """By name, as the list tells them."""
    return {one["name"]: one["error"] for one in booklore("plugins", "list", "--json").json}


@pytest.mark.parametrize("fault", FAULTS, indirect=True)
def test_it_costs_the_other_nothing_and_is_named_and_can_be_switched_off(
    booklore: Booklore, install: Install, beside: None, tmp_path: Path, fault: tuple[str, str | None, str]
) -> None:
    source, said, where = fault
    install("rogue", IMPORTS + source)

    taken = booklore("ingest", tmp_path / "booklorebridge.spool", "--json")
    sent = booklore("sync", "--json")
    listed = errors(booklore)
    off = booklore("plugins", "disable", "rogue", "--keep", "--json")

    assert taken.json["accepted"] == 2
    assert sent.json["targets"]["bookworm"]["delivered"] == {"session": 1}
    assert {name: error for name, error in listed.items() if error and name != "rogue"} == {}
    assert (listed["rogue"] is None) is (said is None)
    assert (said or "") in (listed["rogue"] or "")
    assert where in (listed["rogue"] or "")
    if "took longer" in (said or ""):
        assert "rogue_module.py, line 6)" in taken.err
    assert (off.code, off.json["enabled"], off.json["error"]) == (0, False, None)


@pytest.mark.parametrize("fault", [*FAULTS, "it is off", "it is not configured", "it works"], indirect=True)
def test_list_description_and_doctor_say_the_same_of_it(
    booklore: Booklore, install: Install, beside: None, tmp_path: Path, fault: tuple[str, str | None, str]
) -> None:
    source, said, where = fault
    install("rogue", IMPORTS + source)
    if said == "off":
        booklore("plugins", "disable", "rogue")
    booklore("ingest", tmp_path / "booklorebridge.spool")
    booklore("sync", "--target", "rogue")

    [listed] = [one for one in booklore("plugins", "list", "--json").json if one["name"] == "rogue"]
    described = booklore("plugins", "info", "rogue", "--json").json
    checks = [booklore(*command, "--json").json for command in (("doctor",), ("plugins", "doctor"))]
    [checked], [also] = ([one for one in found if one["check"] == "plugin rogue"] for found in checks)

    assert {name: described[name] for name in listed} == listed
    assert also == checked
    assert checked["ok"] is (listed["error"] is None)
    told = listed["error"] or "; ".join([checked["detail"].partition(";")[0], *listed["notes"]])
    assert checked["detail"] == told
    assert (said or "") in told
    assert where in told


@pytest.mark.parametrize("does", ["1 / 0", "hang()"])
def test_a_label_that_fails_or_hangs_gives_way_to_the_name(
    booklore: Booklore, install: Install, beside: None, home: Path, does: str
) -> None:
    install(
        "rogue",
        f"{IMPORTS}\ndef label(core):\n    {does}\n\n@hookimpl\ndef register_actions():\n"
        "    yield Action('mine', label, print)\n",
    )

    core = Core(Places.from_environment({"BOOKLORE_HOME": str(home)}))
    label = actions.told_of(core, core.plugin_actions["mine"][1], core.plugin_actions["mine"][1].label, "mine")  # type: ignore[arg-type]
    error = core.plugins.plugins["rogue"].error
    core.close()

    assert label == "mine"
    assert str(error).startswith("label of mine failed: ")
    assert str(error).endswith(f"rogue_module.py, line {6 if does == 'hang()' else 9})")


@pytest.mark.parametrize(("option", "is_there"), [("-v", True), ("--no", False)])
def test_the_traceback_is_told_to_whoever_asks(
    booklore: Booklore, install: Install, beside: None, tmp_path: Path, option: str, is_there: bool
) -> None:
    install("rogue", IMPORTS + TARGET.format(deliver="return dict()['teeth']", close="pass"))
    booklore("ingest", tmp_path / "booklorebridge.spool")

    ran = booklore(*[option] * is_there, "sync")

    assert "target rogue: deliver failed: KeyError: 'teeth' (" in ran.err
    assert ("Traceback (most recent call last)" in ran.err) is is_there
    assert ('rogue_module.py", line 12, in deliver' in ran.err) is is_there


@pytest.mark.parametrize("fault", ["a hook hangs"], indirect=True)
def test_the_stack_of_what_hangs_is_told_to_whoever_asks(
    booklore: Booklore, install: Install, beside: None, tmp_path: Path, fault: tuple[str, str | None, str]
) -> None:
    install("rogue", IMPORTS + fault[0])

    ran = booklore("-v", "ingest", tmp_path / "booklorebridge.spool")

    assert 'rogue_module.py", line 10, in on_book_close' in ran.err
    assert 'rogue_module.py", line 6, in hang' in ran.err


def test_the_calls_of_hooks_are_traced_where_that_is_asked_for(
    booklore: Booklore, install: Install, beside: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("rogue", IMPORTS + HOOK.format(does="raise RuntimeError('stumbled')"))
    monkeypatch.setenv("BOOKLORE_TRACE_HOOKS", "1")

    ran = booklore("ingest", tmp_path / "booklorebridge.spool")

    lines = ran.err.splitlines()
    assert "hook: bookworm.register_targets() → Bookworm bookworm" in lines
    assert "hook: rogue.on_book_close(book_close kobo-7f3a-000002) → failed" in lines
    assert "hook: sessions.on_book_close(book_close kobo-7f3a-000002) → Item session" in lines


def test_no_third_party_plugin_is_imported_where_that_is_asked_for(
    booklore: Booklore, install: Install, beside: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("rogue", f"open({str(tmp_path / 'imported')!r}, 'w')")
    monkeypatch.setenv("BOOKLORE_NO_PLUGINS", "1")

    listed = {one["name"] for one in booklore("plugins", "list", "--json").json}

    assert not {"rogue", "bookworm"} & listed
    assert not (tmp_path / "imported").exists()
