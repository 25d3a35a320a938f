"""Plugins: found by their entry points, each isolated, so that a broken one costs nobody else anything."""

import importlib.metadata
import sys

import pytest

from booklore_core import Item, hookimpl
from booklore_core.core import Core
from booklore_core.settings import BadSetting
from booklore_core.storage.places import Places
from booklore_core.testing import FakeTarget, SampleReader, sample_book

FINE = """
'''Counts openings.'''
from booklore_core import Item, hookimpl

@hookimpl
def on_book_open(event):
    yield Item("opened", event.id, event.book.ref, {}, event.at)
"""


class Distributions:
    """Distributions of third parties, as pip would install them."""

    def __init__(self, folder):
        self.folder = folder

    def add(self, source, distribution="opens", name="opens", module="third_party_opens", group="booklore"):
        self.folder.mkdir(exist_ok=True)
        (self.folder / f"{module}.py").write_text(source, encoding="utf-8")
        info = self.folder / f"{distribution}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n", encoding="utf-8")
        (info / "entry_points.txt").write_text(f"[{group}]\n{name} = {module}\n", encoding="utf-8")


@pytest.fixture
def installed(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path / "site")
    yield Distributions(tmp_path / "site")
    for name in [name for name in sys.modules if name.startswith("third_party")]:
        del sys.modules[name]


@pytest.fixture
def start(tmp_path, clock):
    """Starts a core with every plugin that is installed."""
    cores = []

    def start(**environ):
        core = Core(Places.from_environment({"BOOKLORE_HOME": str(tmp_path / "home")}), clock, environ)
        cores.append(core)
        return core

    yield start
    for core in cores:
        core.close()


def opening():
    return [SampleReader().open(sample_book("Dune"))]


def openings(core):
    return [item for item in core.database.rows("SELECT kind FROM items") if item["kind"] == "opened"]


def test_a_third_partys_plugin_works_by_being_installed(installed, start):
    installed.add(FINE)

    core = start()
    core.take(opening(), "test")

    plugin = core.plugins.plugins["opens"]
    assert (plugin.source, plugin.version, plugin.enabled, plugin.error) == ("opens", "1.2", True, None)
    assert plugin.help == "Counts openings."
    assert core.settings["opens.enabled"] is True
    assert len(openings(core)) == 1


def test_what_this_project_ships_is_found(start):
    shipped = importlib.metadata.distribution("booklore-sync").entry_points.select(group="booklore")

    plugins = start().plugins.plugins

    assert shipped.names <= plugins.keys()
    assert {plugins[name].source for name in shipped.names} == {"booklore-sync"}
    assert [plugins[name].error for name in shipped.names] == [None] * len(shipped.names)


@pytest.mark.parametrize("word", ["1", "true"])
def test_one_variable_starts_without_third_parties(installed, start, word):
    installed.add("raise SystemExit(3)")

    plugins = start(BOOKLORE_NO_PLUGINS=word).plugins.plugins

    assert "opens" not in plugins
    assert {plugin.source for plugin in plugins.values()} == {"booklore-sync"}


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


def test_a_plugin_that_does_not_load_can_be_switched_off_and_on(installed, start):
    installed.add("raise SystemExit(3)")
    core = start()

    core.settings.set("opens.enabled", False)

    assert start().plugins.plugins["opens"].enabled is False


def test_a_disabled_plugin_is_not_called_until_it_is_enabled(installed, start):
    installed.add(FINE)
    core = start(BOOKLORE_OPENS__ENABLED="false")

    core.take(opening(), "test")
    assert openings(core) == []
    assert "opens.enabled" in core.settings

    core = start()
    core.take([{**opening()[0], "id": "kobo-7f3a-000009"}], "test")
    assert len(openings(core)) == 1


def test_a_name_that_is_taken_stays_with_what_this_project_ships(installed, start):
    installed.add("API_VERSION = 1", "aaa-impostor", "sessions", "third_party_sessions")

    plugin = start().plugins.plugins["sessions"]

    assert plugin.source == "booklore-sync"
    assert plugin.module.__name__ == "booklore_features.sessions"
    assert "aaa-impostor 1.2 was left out" in plugin.error


@pytest.mark.parametrize("name", ["a.b", "with space", "7up"])
def test_a_name_that_no_setting_could_have_is_refused(installed, start, name):
    installed.add(FINE, name=name)

    assert "is no name for a plugin" in start().plugins.plugins[name].error


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
    core.plugins.register("clumsy", Feature(ValueError("bad")))

    for number in range(20):
        core.take([{**opening()[0], "id": f"kobo-{number}"}], "test")

    assert len(core.plugins.plugins["clumsy"].errors) == 10


def test_what_is_refused_leaves_nothing_behind(core):
    class Old:
        API_VERSION = 0

    with pytest.raises(BadSetting, match="made for plugin API 0, this is 1"):
        core.plugins.register("again", Old())

    core.plugins.register("again", Feature())
    assert "again" in [plugin.name for plugin in core.plugins.working]


def test_a_switch_that_is_neither_on_nor_off_is_told_to_the_person(open_core):
    with pytest.raises(BadSetting, match=r"sessions\.enabled \(env\): expected true or false"):
        open_core(BOOKLORE_SESSIONS__ENABLED="maybe")
