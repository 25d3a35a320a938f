"""Plugins: found by their entry points, listed whether they are on or off, imported only when they are on."""

import importlib.metadata
import subprocess
import sys

import pytest
from installed_plugins import FINE, opening, openings

from booklore_core import plugin_manager


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


def test_a_plugin_that_does_not_load_can_be_switched_off_and_on(installed, start):
    installed.add("raise SystemExit(3)")
    core = start()

    core.settings.set("opens.enabled", False)
    plugin = start().plugins.plugins["opens"]

    assert (plugin.enabled, plugin.error) == (False, None)


def test_a_plugin_that_is_off_is_not_even_imported(installed, start, tmp_path):
    installed.add(f"open({str(tmp_path / 'imported')!r}, 'w').close()")

    plugin = start(BOOKLORE_OPENS__ENABLED="false").plugins.plugins["opens"]

    assert not (tmp_path / "imported").exists()
    assert (plugin.module, plugin.enabled, plugin.error) == (None, False, None)
    assert (plugin.source, plugin.version) == ("opens", "1.2")


def test_what_this_project_ships_is_not_imported_either_when_it_is_off(tmp_path):
    program = f"""
import sys
from booklore_core.core import Core
from booklore_core.storage.places import Places
core = Core(Places.from_environment({{"BOOKLORE_HOME": {str(tmp_path)!r}}}))
print(core.plugins.plugins["sessions"].enabled, "booklore_features.sessions" in sys.modules)
"""
    environ = {"BOOKLORE_SESSIONS__ENABLED": "false"}

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environ)

    assert done.stdout.split() == ["False", "False"]


def test_a_plugin_that_is_switched_on_works_at_once(installed, start):
    installed.add(FINE)
    start().settings.set("opens.enabled", False)
    core = start()
    core.take(opening(), "test")
    assert openings(core) == []
    assert "opens.enabled" in core.settings

    core.settings.set("opens.enabled", True)
    core.refresh()
    core.take([{**opening()[0], "id": "kobo-7f3a-000009"}], "test")

    assert core.plugins.plugins["opens"] in core.plugins.working
    assert openings(core)


def test_a_plugin_that_is_switched_off_is_called_no_more(installed, start):
    installed.add(FINE)
    core = start()

    core.settings.set("opens.enabled", False)
    core.refresh()
    core.take(opening(), "test")

    assert core.plugins.plugins["opens"].enabled is False
    assert openings(core) == []


def test_a_plugin_that_was_mended_loads_when_it_is_switched_off_and_on(installed, start):
    installed.add("raise ValueError('not yet')")
    core = start()
    core.settings.set("opens.enabled", False)
    core.refresh()
    installed.rewrite(FINE)

    core.settings.set("opens.enabled", True)
    core.refresh()

    assert core.plugins.plugins["opens"].error is None
    assert core.plugins.plugins["opens"] in core.plugins.working


SHOP = """
'Sells books.'
from booklore_core import Setting, hookimpl
from booklore_core.testing import FakeTarget

@hookimpl
def register_settings():
    yield Setting("enabled", bool, True, "Whether the shop is open", label="Book shop")

@hookimpl
def register_targets():
    yield FakeTarget("shop")
"""


def test_what_a_plugin_was_is_known_while_it_is_off(installed, start):
    installed.add(SHOP, name="shop")
    core = start()
    settings, memory = core.settings, core.database.table("plugins")
    shop = importlib.metadata.entry_points(group="booklore", name="shop")

    before = plugin_manager.PluginManager(open_settings(settings), memory)
    before.load(shop)
    after = plugin_manager.PluginManager(open_settings(settings, enabled=False), memory)
    after.load(shop)

    plugin = after.plugins["shop"]
    assert plugin.module is None
    assert (plugin.is_target, plugin.label, plugin.help) == (True, "Book shop", "Sells books.")
    assert (before.plugins["shop"].is_target, before.plugins["shop"].label) == (True, "Book shop")


def open_settings(settings, enabled=True):
    """Settings as a new process would have them."""
    settings.set("shop.enabled", enabled)
    return plugin_manager.Settings(settings._stored, settings._secret)


def test_a_new_feature_reads_the_past_and_a_new_target_is_sent_nothing_of_it(installed, start):
    installed.add(FINE)
    installed.add(SHOP, "shop", "shop", "third_party_shop")

    settings = start().settings

    assert settings["opens.since"] == "all"
    assert settings["shop.since"] == ""


def test_of_two_plugins_of_a_name_the_one_that_is_left_out_is_told_to_go(installed, start):
    installed.add("API_VERSION = 1", "aaa-impostor", "sessions", "third_party_sessions")

    plugin = start().plugins.plugins["sessions"]

    assert plugin.source == "booklore-sync"
    assert plugin.module.__name__ == "booklore_features.sessions"
    assert plugin.error is None
    assert plugin.notes == [
        f"two plugins are named sessions: the one of booklore-sync {plugin.version} is used, the one of"
        " aaa-impostor 1.2 is left out; uninstall aaa-impostor"
    ]


def test_a_plugin_cannot_take_the_place_of_the_cores_own_settings(installed, start):
    installed.add(FINE, name="sync")

    core = start()

    assert "the core's own" in core.plugins.plugins["sync"].error
    assert core.settings["sync.mode"] == "automatic"


@pytest.mark.parametrize("name", ["a.b", "with space", "7up"])
def test_a_name_that_no_setting_could_have_is_refused(installed, start, name):
    installed.add(FINE, name=name)

    assert "is no name for a plugin" in start().plugins.plugins[name].error
