"""Every hook has an example that is a whole plugin, and a test that calls it through one."""

import ast
import builtins
import inspect
import itertools
import json
import textwrap
from pathlib import Path

import pluggy
import pytest

import booklore_core
from booklore_core import Action, GoTo, HandOver, Item, Request, Result, Setting, Toast, hookimpl, hookspecs
from booklore_core.actions import start as start_action
from booklore_core.testing import FakeTarget, SampleReader, answer_all, sample_book

HOOKS = {name: value for name, value in vars(hookspecs).items() if hasattr(value, "booklore_spec")}

DUNE = sample_book("Dune")

IMPORTS = {"csv": "import csv", "datetime": "from datetime import datetime"}
"""What examples take from the standard library."""


def example_of(hook):
    """The code in a hook's docstring, with the imports that it needs. Fails for a name that comes from nowhere."""
    source = textwrap.dedent(inspect.getdoc(HOOKS[hook]).partition("::\n")[2])
    nodes = list(ast.walk(ast.parse(source)))
    bound = {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    bound |= {node.arg for node in nodes if isinstance(node, ast.arg)} | set(vars(builtins))
    bound |= {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    used = {node.id for node in nodes if isinstance(node, ast.Name)} - bound
    public = sorted(used & set(booklore_core.__all__))
    others = [IMPORTS[name] for name in sorted(used - set(public))]
    return "\n".join([*others, f"from booklore_core import {', '.join(public)}", source])


def a_day():
    """Lines on which every hook is called."""
    reader = SampleReader(stars=4)
    reader.open(DUNE)
    reader.turn(3)
    reader.checkpoint()
    reader.suspend()
    reader.resume()
    reader.network()
    reader.turn(10)
    reader.close()["reading"]["status"] = "complete"
    reader.delete(DUNE)
    return reader.lines


def facts_of(core):
    return booklore_core.Facts(core.database, core.clock())


def made(core, plugin="example"):
    """kind → body of what a feature made."""
    rows = core.database.rows("SELECT kind, body FROM items WHERE plugin = :plugin", plugin=plugin)
    return {row["kind"]: json.loads(row["body"]) for row in rows}


FACTS = {
    "on_book_open": ("opened", {"pages": 600}),
    "on_page_turns": ("place", {"percent": 4 / 600}),
    "on_book_close": ("finished", {"device": "kobo-7f3a"}),
    "on_resume": ("woken", {}),
    "on_network_connected": ("online", {}),
    "on_rating": ("praise", {"stars": 4}),
    "on_delete": ("gone", {"file": "/mnt/onboard/dune.epub"}),
}
"""What follows from a day by each example."""


def shows_kinds(core, tmp_path):
    assert core.kinds.short_counts({"quote": 2}) == "2Q"
    assert core.database.rows("SELECT id, book_title, quote FROM pending_quotes") == []


def shows_settings(core, tmp_path):
    assert core.settings["example.minutes"] == 30
    assert core.settings.declaration("example.url").forgets == ("token",)


def shows_targets(core, tmp_path):
    core.take(SampleReader().read(DUNE), "test")

    report = core.sync("diary")

    assert report.total("delivered") == {"session": 1}
    assert [core.store("example").get(key) for key in core.store("example").keys()] == ["400 s of Dune"]  # noqa: SIM118


def shows_actions(core, tmp_path):
    assert answer_all(start_action(core, "greet", Request()), ["Ann"]).message == "Hello Ann"


class Bookmark(FakeTarget):
    """A target that knows where its reader is."""

    def remote_progress(self, book):
        return booklore_core.RemotePosition(0.5, "/body/p[9]")


class Shelf:
    @hookimpl
    def register_targets(self):
        return [Bookmark()]


def shows_replies(core, tmp_path):
    register(core, Shelf(), "shelf")
    event = core.take([SampleReader().open(DUNE)], "test").events[0]
    asked = {"event": event, "journal": core.journal, "facts": facts_of(core), "targets": core.targets}

    effects = core.plugins.call(core.plugins.plugins["example"], "reply", **asked)

    assert effects == [GoTo(DUNE["partial_md5"], "/body/p[9]", 0.5)]


def shows_the_past(core, tmp_path):
    file = tmp_path / "days.csv"
    file.write_text(f"2026-01-31,{DUNE['partial_md5']},45\n", encoding="utf-8")

    plugin, items = read_past(core, file)
    core.put(items, plugin.name)

    assert made(core) == {"past_day": {"minutes": 45, "source": "diary"}}


def shows_hand_overs(core, tmp_path):
    assert core.plugins.call(core.plugins.plugins["example"], "hand_over") == [HandOver(pages=5, seconds=25)]


SHOWN = {
    "register_kinds": shows_kinds,
    "register_settings": shows_settings,
    "register_targets": shows_targets,
    "register_actions": shows_actions,
    "hand_over": shows_hand_overs,
    "reply": shows_replies,
    "import_history": shows_the_past,
}
"""What can be seen of each of the other examples."""


def read_past(core, path):
    about = {"path": path, "journal": core.journal, "facts": facts_of(core), "progress": lambda done, total: None}
    return core.plugins.first("import_history", **about)


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_has_an_example_that_is_a_whole_plugin(hook, installed, start, tmp_path):
    installed.add(example_of(hook), "example", "example", "third_party_example")

    core = start()

    assert core.plugins.plugins["example"].error is None
    if hook in SHOWN:
        SHOWN[hook](core, tmp_path)
    else:
        core.take(a_day(), "test")
        assert made(core) == dict([FACTS[hook]])
    assert core.plugins.plugins["example"].error is None


def test_the_example_of_an_action_asks_a_question(installed, start):
    installed.add(example_of("register_actions"), "example", "example", "third_party_example")

    assert next(start_action(start(), "greet", Request())).kind == "ask"


def implementations(file):
    """The names of the hooks that plugins in a test file implement."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef):
            decorators = [getattr(one, "func", one) for one in node.decorator_list]
            if any(isinstance(one, ast.Name) and one.id == "hookimpl" for one in decorators):
                yield node.name


def seen(event, kind="seen"):
    """A fact that says that a hook was called."""
    return [Item(kind, f"{type(event).__name__} {event.id}", event.book.ref, {}, event.at)]


class Witness:
    """Has every event hook, with every argument."""

    @hookimpl
    def on_book_open(self, event, journal, facts, settings):
        return seen(event)

    @hookimpl
    def on_page_turns(self, event, journal, facts, settings):
        return seen(event)

    @hookimpl
    def on_book_close(self, event, journal, facts, settings):
        return seen(event)

    @hookimpl
    def on_resume(self, event, journal, facts, settings):
        return seen(event)

    @hookimpl
    def on_rating(self, event, journal, facts, settings):
        return seen(event)

    @hookimpl
    def on_delete(self, event, journal, facts, settings):
        return seen(event)

    @hookimpl
    def on_network_connected(self, event, journal, facts, settings):
        return [Item("seen", "network", journal.around(event, 1)[0].book.ref, {"event": event.name}, event.at)]


def register(core, plugin, name="witness"):
    core.plugins.register(name, plugin)
    core.refresh()
    return core.plugins.plugins[name]


def test_every_hook_is_called_through_a_plugin_by_a_test():
    tested = {name for file in Path(__file__).parent.rglob("test_*.py") for name in implementations(file)}

    assert not HOOKS.keys() - tested


def test_every_event_reaches_its_hook(open_core):
    target = FakeTarget(kinds={"seen"})
    core = open_core(target, plugins=())
    register(core, Witness())
    core.take(a_day(), "test")
    core.sync()

    kinds = {item.key.split()[0] for item in target.received}
    assert kinds == {"BookClose", "BookOpen", "Delete", "PageTurns", "Rating", "Resume", "network"}


def test_kinds_settings_targets_and_actions_are_registered(open_core):
    class Shop:
        @hookimpl
        def register_kinds(self):
            yield booklore_core.Kind("purchase", "X", "purchase", "purchases")

        @hookimpl
        def register_settings(self):
            yield Setting("window", str, "shelf", "Where books stand")

        @hookimpl
        def register_targets(self, settings, store):
            store.set("stands", settings["window"])
            yield FakeTarget("shop", kinds={"seen"})

        @hookimpl
        def register_actions(self, settings, store):
            def stand(core, request):
                yield from ()
                return Result(store.get("stands"))

            yield Action("stand", "Where?", stand)

    core = open_core(plugins=())
    register(core, Shop(), "shop")

    assert core.kinds.in_words({"purchase": 2}) == "2 purchases"
    assert core.settings["shop.window"] == "shelf"
    assert core.targets["shop"].name == "shop"
    assert answer_all(start_action(core, "stand", Request()), []).message == "shelf"


def test_a_reply_may_ask_a_target_and_give_facts(open_core):
    class Greeter:
        @hookimpl
        def reply(self, event, journal, facts, targets, settings):
            yield Toast(f"{event.name} and {targets['bookworm'].name}, {settings.name}")
            yield from seen(event)

    core = open_core(FakeTarget(), plugins=())
    plugin = register(core, Greeter(), "greeter")
    event = core.take([SampleReader().open(DUNE)], "test").events[0]
    asked = {"event": event, "journal": core.journal, "facts": facts_of(core), "targets": core.targets}

    assert core.plugins.call(plugin, "reply", **asked) == [Toast("book_open and bookworm, greeter"), *seen(event)]


class Csv:
    """Knows one kind of file."""

    @hookimpl
    def import_history(self, path, settings):
        return [settings.name] if path.suffix == ".csv" else None


class Everything:
    @hookimpl
    def import_history(self, path):
        return [path.name]


def test_a_file_of_the_past_is_given_to_the_first_plugin_that_knows_it(open_core):
    core = open_core(plugins=())
    csv, everything = register(core, Csv(), "csv"), register(core, Everything(), "everything")

    assert read_past(core, Path("a.csv")) == (csv, ["csv"])
    assert read_past(core, Path("a.db")) == (everything, ["a.db"])
    everything.enabled = False
    assert read_past(core, Path("a.db")) is None


def test_a_plugin_that_fails_at_a_file_is_named_and_the_next_is_asked(open_core):
    class Clumsy:
        @hookimpl
        def import_history(self, path):
            return 1 / 0

    core = open_core(plugins=())
    clumsy, everything = register(core, Clumsy(), "clumsy"), register(core, Everything(), "everything")

    assert read_past(core, Path("a.db")) == (everything, ["a.db"])
    assert "ZeroDivisionError" in clumsy.error


def test_what_is_wrong_with_a_file_of_the_past_is_told_and_blames_nobody(open_core):
    class Strict:
        @hookimpl
        def import_history(self, path):
            raise ValueError(f"{path} is damaged")

    strict = register(core := open_core(plugins=()), Strict(), "strict")

    with pytest.raises(ValueError, match=r"a\.db is damaged"):
        read_past(core, Path("a.db"))
    assert strict.error is None


def test_a_long_past_is_handed_on_piece_by_piece(open_core):
    class Endless:
        @hookimpl
        def import_history(self, path, progress):
            return itertools.count(1)

    core = open_core(plugins=())
    endless = register(core, Endless(), "endless")

    plugin, numbers = read_past(core, Path("a.db"))
    assert (plugin, next(numbers)) == (endless, 1)


def test_reading_the_past_is_no_generator_because_that_is_never_none(open_core):
    class Lazy:
        @hookimpl
        def import_history(self, path):
            yield path

    with pytest.raises(TypeError, match="import_history must not be a generator"):
        open_core(plugins=()).plugins.register("lazy", Lazy())


def test_arguments_may_be_left_out(open_core):
    class Terse:
        @hookimpl
        def on_book_open(self):
            return None

        @hookimpl
        def on_book_close(self, event):
            return seen(event)

    core = open_core(FakeTarget(kinds={"seen"}), plugins=())
    register(core, Terse())

    assert core.take(SampleReader().read(DUNE), "test").news == 1


def test_a_hook_that_there_is_not_is_refused_by_name(open_core):
    class Typo:
        @hookimpl
        def on_bok_close(self, event):
            return []

    core = open_core(plugins=())

    with pytest.raises(pluggy.PluginValidationError, match="on_bok_close"):
        core.plugins.register("typo", Typo())
    register(core, Witness())  # what was refused is in nobody's way


def test_an_argument_that_there_is_not_is_refused_by_name(open_core):
    class Typo:
        @hookimpl
        def on_book_close(self, evnt):
            return []

    with pytest.raises(pluggy.PluginValidationError, match="evnt"):
        open_core(plugins=()).plugins.register("typo", Typo())
