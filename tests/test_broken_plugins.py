"""Broken plugins: each is named with file and line, and costs nobody else anything."""

import logging
import re
import threading

import pytest
from installed_plugins import FINE, opening, openings

from booklore_core import Action, Item, Kind, Setting, hookimpl, plugin_manager
from booklore_core.actions import find_action
from booklore_core.settings import BadSetting
from booklore_core.testing import FakePlugin, FakeTarget


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import nothing_of_that_name", "ModuleNotFoundError"),
        ("raise SystemExit(3)", "SystemExit"),
        ("def broken(", "SyntaxError"),
        ("API_VERSION = 99", "made for plugin API 99, this is 1"),
        ("from booklore_core import hookimpl\n@hookimpl\ndef on_bok_open(event): pass", "on_bok_open"),
        ("from booklore_core import hookimpl\n@hookimpl\ndef register_settings(): return 1 / 0", "ZeroDivisionError"),
        ("from booklore_core import hookimpl\n@hookimpl\ndef register_settings(): return ['a']", "expected a Setting"),
        (
            "from booklore_core import Setting, hookimpl\n@hookimpl\ndef register_settings():\n"
            "    return [Setting('a', int, 1, 'A'), Setting('a', int, 1, 'A')]",
            "opens.a: declared twice",
        ),
    ],
)
def test_a_plugin_that_does_not_load_is_named_and_skipped(installed, start, source, reason, caplog):
    installed.add(source)
    installed.add(FINE, "other", "other", "third_party_other")

    core = start()
    core.take(opening(), "test")

    assert "could not be loaded" in core.plugins.plugins["opens"].error
    assert reason in core.plugins.plugins["opens"].error
    assert "opens" in caplog.text
    assert "opens" not in [plugin.name for plugin in core.plugins.working]
    assert len(openings(core)) == 1


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("import threading\nthreading.Event().wait(20)", 2),
        (
            "import threading\nfrom booklore_core import hookimpl\n"
            "@hookimpl\ndef register_settings(): threading.Event().wait(20)",
            4,
        ),
    ],
)
def test_a_plugin_that_hangs_while_it_loads_is_named_and_the_others_go_on(installed, start, source, line, monkeypatch):
    monkeypatch.setattr(plugin_manager, "LOAD_SECONDS", 0.2)
    installed.add(source, module=f"third_party_hanging_{line}")  # nobody else may wait for its import
    installed.add(FINE, "other", "other", "third_party_other")

    core = start()
    core.take(opening(), "test")

    error = core.plugins.plugins["opens"].error
    assert error.startswith("could not be loaded: took longer than 0.2 s (")
    assert error.endswith(f"third_party_hanging_{line}.py, line {line})")
    assert len(openings(core)) == 1


def test_a_plugin_cannot_end_the_program_while_it_loads(installed, start):
    installed.add("raise KeyboardInterrupt")

    error = start().plugins.plugins["opens"].error
    assert "tried to end the program (KeyboardInterrupt" in error
    assert error.endswith("third_party_opens.py, line 1)")


def test_an_action_whose_name_is_none_is_refused_with_the_plugins_name(installed, start):
    installed.add(
        "from booklore_core import Action, hookimpl\n@hookimpl\ndef register_actions():\n"
        "    yield Action('fine', 'Fine', print)\n    yield Action('Bad Name!', 'Bad', print)"
    )

    core = start()

    assert "action 'Bad Name!': name: expected a lower-case name" in core.plugins.plugins["opens"].error
    assert "third_party_opens.py, line 5)" in core.plugins.plugins["opens"].error
    for name in ("fine", "Bad Name!"):
        with pytest.raises(BadSetting, match="no action"):
            find_action(core, name)


class Feature:
    """Derives a fact, or fails, when a book is opened."""

    def __init__(self, fails_with=None, gives=None):
        self.fails_with, self.gives = fails_with, gives

    @hookimpl
    def on_book_open(self, event):
        yield Item("opened", "before", event.book.ref, {}, event.at)
        if self.fails_with:
            raise self.fails_with
        yield from self.gives or []


@pytest.fixture
def core(open_core):
    return open_core(FakeTarget(kinds={"opened"}), plugins=())


@pytest.mark.parametrize("hook", ["register_kinds", "register_targets", "register_actions"])
def test_a_plugin_that_hangs_when_asked_what_it_brings_is_skipped(core, hook, monkeypatch):
    class Hanging:
        """Comes back when nobody waits any more."""

    setattr(Hanging, hook, hookimpl(lambda self: threading.Event().wait(20)))
    core.plugins.register("hanging", Hanging())
    brings = [FakeTarget("shop")], [Action("buy", "Buy", print)], [Kind("opened", "O", "opening", "openings")]
    core.plugins.register("other", FakePlugin(*brings))
    monkeypatch.setattr(plugin_manager, "LOAD_SECONDS", 1.0)

    core.refresh()

    [error] = core.plugins.plugins["hanging"].errors
    assert re.fullmatch(rf"{hook} failed: took longer than 1 s \(.*test_broken_plugins\.py, line \d+\)", error)
    assert core.kinds.short_counts({"opened": 1}) == "1O"
    assert ("shop" in core.targets, "buy" in core.plugin_actions) == (True, True)


def test_a_plugin_that_hangs_is_asked_again_when_it_has_come_back(core, monkeypatch):
    class Slow:
        asked, may_go_on = 0, threading.Event()

        @hookimpl
        def register_targets(self):
            self.asked += 1
            self.may_go_on.wait(20)
            yield FakeTarget("slow")

    slow = Slow()
    core.plugins.register("slow", slow)
    plugin = core.plugins.plugins["slow"]
    monkeypatch.setattr(plugin_manager, "LOAD_SECONDS", 0.2)
    core.refresh()
    core.refresh()
    assert (slow.asked, "slow" in core.targets) == (1, False)
    assert re.search(r"an earlier call has not come back yet \(.*test_broken_plugins\.py, line \d+\)$", plugin.error)

    slow.may_go_on.set()
    plugin.hanging.wait(10)
    monkeypatch.undo()
    core.refresh()

    assert (slow.asked, "slow" in core.targets) == (2, True)


@pytest.mark.parametrize("error", [ValueError("bad"), SystemExit(3), RecursionError(), MemoryError()])
def test_a_hook_that_raises_costs_nobody_else_anything(core, error):
    core.plugins.register("clumsy", Feature(error))
    core.plugins.register("fine", Feature())

    taken = core.take(opening(), "test")

    assert taken.acknowledged == ["kobo-7f3a-000001"]
    assert [row["plugin"] for row in core.database.rows("SELECT plugin FROM items")] == ["fine"]
    assert f"on_book_open failed: {type(error).__name__}" in core.plugins.plugins["clumsy"].error
    assert core.plugins.plugins["fine"].error is None


def test_an_event_waits_for_the_plugin_that_failed_at_it(core):
    feature = Feature(ValueError("bad"))
    core.plugins.register("clumsy", feature)
    core.take(opening(), "test")
    assert openings(core) == []

    feature.fails_with = None
    core.take([], "test")

    assert len(openings(core)) == 1


@pytest.mark.parametrize("nonsense", ["text", 7, [7], [None], {"a": 1}])
def test_a_hook_that_gives_nonsense_is_named(core, nonsense):
    class Nonsense:
        @hookimpl
        def on_book_open(self):
            return nonsense

    core.plugins.register("nonsense", Nonsense())

    assert core.take(opening(), "test").acknowledged
    assert "TypeError" in core.plugins.plugins["nonsense"].error


def test_only_the_last_errors_are_kept(core):
    feature = Feature()
    core.plugins.register("clumsy", feature)

    for number in range(20):
        feature.fails_with = ValueError(f"bad {number}")
        core.take([{**opening()[0], "id": f"kobo-{number}"}], "test")

    assert len(core.plugins.plugins["clumsy"].errors) == 10


def test_what_is_refused_leaves_nothing_behind(core):
    class Old:
        API_VERSION = 0

    with pytest.raises(BadSetting, match="made for plugin API 0, this is 1"):
        core.plugins.register("again", Old())

    core.plugins.register("again", Feature())
    assert "again" in [plugin.name for plugin in core.plugins.working]


def test_a_switch_that_is_neither_on_nor_off_stops_nothing(open_core):
    core = open_core(BOOKLORE_SESSIONS__ENABLED="maybe")

    assert core.plugins.plugins["sessions"].enabled
    assert [fault.name for fault in core.settings.faults()] == ["sessions.enabled"]


FAILS_INSIDE = """
import json
from booklore_core import hookimpl

@hookimpl
def on_book_open(event):
    return read("{")

def read(text):
    return json.loads(text)
"""

GIVES_NONSENSE = """
from booklore_core import hookimpl

@hookimpl
def on_book_open(event):
    return 7
"""


@pytest.mark.parametrize(
    ("source", "line"), [(FAILS_INSIDE, 10), (GIVES_NONSENSE, 4), ("import json\n\njson.loads('{')", 3)]
)
def test_an_error_names_the_file_and_line_of_the_plugins_own_code(installed, start, source, line):
    installed.add(source)

    core = start()
    core.take(opening(), "test")

    assert core.plugins.plugins["opens"].error.endswith(f"third_party_opens.py, line {line})")


def test_the_log_has_the_traceback_for_whoever_asks(installed, start, caplog):
    installed.add(FAILS_INSIDE)
    caplog.set_level(logging.DEBUG)

    start().take(opening(), "test")

    assert 'third_party_opens.py", line 7, in on_book_open' in caplog.text


def test_a_hook_is_passed_what_it_declares_and_nothing_else(core):
    class Declares:
        @hookimpl
        def register_settings(self):
            yield Setting("size", int, 1, "How large")

    core.plugins.register("declares", Declares())

    (setting,) = core.plugins.call(core.plugins.plugins["declares"], "register_settings", event=None, store=None)

    assert setting.name == "size"


def test_a_switch_of_a_plugins_own_is_true_or_false(installed, start):
    installed.add(
        "from booklore_core import Setting, hookimpl\n@hookimpl\ndef register_settings():\n"
        "    yield Setting('enabled', str, 'no', 'Whether it works')"
    )

    core = start()

    plugin = core.plugins.plugins["opens"]
    assert "setting 'enabled': type: expected bool (" in plugin.error
    assert "third_party_opens.py, line 4)" in plugin.error
    assert (plugin.enabled, core.settings["opens.enabled"]) == (True, True)


MADE = {
    "an event's book": "Item('note', 'k', event.book, {}, event.at)",
    "no book": "Item('note', 'k', None, {}, event.at)",
    "a list for a body": "Item('note', 'k', event.book.ref, [1], event.at)",
    "a text for a body": "Item('note', 'k', event.book.ref, 'x', event.at)",
    "a remark on nothing": "Remark('k', None, 'x')",
    "a question about a text": "Proposal('x', '?')",
}


@pytest.mark.parametrize("made", MADE.values(), ids=MADE)
def test_what_a_feature_makes_wrongly_is_its_own_fault(installed, start, made):
    installed.add(
        "from booklore_core import Item, Proposal, Remark, hookimpl\n"
        f"@hookimpl\ndef on_book_open(event):\n    yield {made}\n"
    )
    installed.add(FINE, "other", "other", "third_party_other")

    core = start()
    core.take(opening(), "test")
    core.sync()

    assert re.search(r"expected \w+, got \w+ \(.*third_party_opens\.py, line 4\)", core.plugins.plugins["opens"].error)
    assert core.database.value("SELECT COUNT(*) FROM items WHERE plugin = 'other'") == 1


@pytest.mark.parametrize("forged", ["text='no json'", "key=None", "book=None", "body='x'"])
def test_what_cannot_be_kept_holds_up_its_feature_only(installed, start, forged):
    name, value = forged.split("=")
    installed.add(
        "from booklore_core import Item, hookimpl\n@hookimpl\ndef on_book_open(event):\n"
        "    item = Item('note', 'k', event.book.ref, {}, event.at)\n"
        f"    object.__setattr__(item, {name!r}, {value})\n    yield item\n"
    )
    installed.add(FINE, "other", "other", "third_party_other")

    core = start()
    core.take(opening(), "test")
    core.sync()

    assert core.database.value("SELECT COUNT(*) FROM items WHERE plugin = 'other'") == 1


def test_a_newcomer_takes_no_name_from_who_was_there(installed, start):
    kind = "from booklore_core import Kind, hookimpl\n@hookimpl\ndef register_kinds():\n"
    kind += "    yield Kind({!r}, 'Q', 'a', 'b')\n"
    installed.add(kind.format("quote"), "zebra", "zebra", "third_party_zebra")
    start()
    installed.add(kind.format("quip"), "aardvark", "aardvark", "third_party_aardvark")

    core = start()

    assert core.kinds["quote"].letter == "Q" and core.plugins.plugins["zebra"].error is None
    assert "the letter Q" in core.plugins.plugins["aardvark"].error
