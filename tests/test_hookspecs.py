"""Every hook has an example that compiles and a test that calls it through a plugin."""

import ast
import inspect
import textwrap
from pathlib import Path

import pluggy
import pytest

from booklore_core import Action, Item, Result, Setting, Toast, hookimpl, hookspecs
from booklore_core.testing import FakeTarget, SampleReader, sample_book

HOOKS = {name: value for name, value in vars(hookspecs).items() if hasattr(value, "booklore_spec")}

DUNE = sample_book("Dune")


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
    def on_book_open(self, event, journal, settings):
        return seen(event)

    @hookimpl
    def on_page_turns(self, event, journal, settings):
        return seen(event)

    @hookimpl
    def on_book_close(self, event, journal, settings):
        return seen(event)

    @hookimpl
    def on_resume(self, event, journal, settings):
        return seen(event)

    @hookimpl
    def on_rating(self, event, journal, settings):
        return seen(event)

    @hookimpl
    def on_delete(self, event, journal, settings):
        return seen(event)

    @hookimpl
    def on_network_connected(self, event, journal, settings):
        return [Item("seen", "network", journal.around(event)[0].book.ref, {"event": event.name}, event.at)]


def register(core, plugin, name="witness"):
    core.plugins.register(name, plugin)
    core.refresh()
    return core.plugins.plugins[name]


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_has_an_example_that_compiles(hook):
    text, _, example = inspect.getdoc(HOOKS[hook]).partition("::\n")

    ast.parse(textwrap.dedent(example))
    assert text.strip()
    assert f"@hookimpl\ndef {hook}(" in textwrap.dedent(example)


def test_every_hook_is_called_through_a_plugin_by_a_test():
    tested = {name for file in Path(__file__).parent.rglob("test_*.py") for name in implementations(file)}

    assert not HOOKS.keys() - tested


def test_every_event_reaches_its_hook(open_core):
    core = open_core(FakeTarget(kinds={"seen"}), plugins=())
    register(core, Witness())
    reader = SampleReader(stars=4)
    reader.open(DUNE)
    reader.turn(3)
    reader.checkpoint()
    reader.suspend()
    reader.resume()
    reader.network()
    reader.delete(DUNE)

    taken = core.take(reader.lines, "test")
    core.sync()

    kinds = [item.key.split()[0] for item in core.targets["bookworm"].received]
    assert taken.news == 7
    assert sorted(kinds) == ["BookClose", "BookOpen", "Delete", "PageTurns", "Rating", "Resume", "network"]


def test_settings_targets_and_actions_are_registered(open_core):
    class Shop:
        @hookimpl
        def register_settings(self):
            yield Setting("window", str, "shelf", "Where books stand")

        @hookimpl
        def register_targets(self, settings, store):
            store.set("stands", settings["window"])
            yield FakeTarget("shop", kinds={"seen"})

        @hookimpl
        def register_actions(self, settings, store):
            yield Action("stand", "Where?", lambda core, request: Result(store.get("stands")))

    core = open_core(plugins=())
    register(core, Shop(), "shop")

    assert core.settings["shop.window"] == "shelf"
    assert core.targets["shop"].name == "shop"
    assert core.actions["stand"].run(core, None).message == "shelf"


def test_a_reply_may_ask_a_target(open_core):
    class Greeter:
        @hookimpl
        def reply(self, event, remote, settings):
            yield Toast(f"{event.name} and {remote('bookworm').name}, {settings.name}")

    core = open_core(FakeTarget(), plugins=())
    plugin = register(core, Greeter(), "greeter")
    event = core.take([SampleReader().open(DUNE)], "test").events[0]

    effects = core.plugins.call(plugin, "reply", event=event, remote=core.targets.get)

    assert effects == [Toast("book_open and bookworm, greeter")]


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

    assert core.plugins.first("import_history", path=Path("a.csv")) == (csv, ["csv"])
    assert core.plugins.first("import_history", path=Path("a.db")) == (everything, ["a.db"])
    everything.enabled = False
    assert core.plugins.first("import_history", path=Path("a.db")) is None


def test_a_plugin_that_fails_at_a_file_is_named_and_the_next_is_asked(open_core):
    class Clumsy:
        @hookimpl
        def import_history(self, path):
            return (1 / 0 for _ in "a")

    core = open_core(plugins=())
    clumsy, everything = register(core, Clumsy(), "clumsy"), register(core, Everything(), "everything")

    assert core.plugins.first("import_history", path=Path("a.db")) == (everything, ["a.db"])
    assert "ZeroDivisionError" in clumsy.error


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
