"""Finds plugins and calls them one at a time, so that a broken one costs nobody else anything."""

import importlib.metadata
import logging
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pluggy

from booklore_core import hookspecs
from booklore_core.hookspecs import API_VERSION, PROJECT
from booklore_core.settings import ENABLED, BadSetting, Setting, Settings

DISTRIBUTION = "booklore-sync"

log = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass
class Plugin:
    """One plugin: where it comes from, whether it works, and what went wrong, if anything."""

    name: str
    source: str
    version: str
    module: Any = None
    enabled: bool = True
    errors: list[str] = field(default_factory=list)

    @property
    def error(self) -> str | None:
        return self.errors[-1] if self.errors else None

    @property
    def help(self) -> str:
        return (getattr(self.module, "__doc__", None) or "").strip().partition("\n")[0]


class PluginManager:
    """The plugins behind the entry points of the group `booklore`, each isolated from the others."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._pluggy = pluggy.PluginManager(PROJECT)
        self._pluggy.add_hookspecs(hookspecs)
        self.plugins: dict[str, Plugin] = {}

    def load(self, entry_points: Iterable[importlib.metadata.EntryPoint] | None = None) -> None:
        """Loads every plugin that is enabled. One that fails is named, skipped and kept in `plugins` with its error."""
        found = importlib.metadata.entry_points(group=PROJECT) if entry_points is None else entry_points
        for entry_point in sorted(found, key=lambda entry: entry.name):
            if entry_point.name not in self.plugins and not self._is_barred(entry_point):
                self._load_one(entry_point)

    @staticmethod
    def _is_barred(entry_point: importlib.metadata.EntryPoint) -> bool:
        """BOOKLORE_NO_PLUGINS=1 starts with what this project ships and nothing else."""
        ours = importlib.metadata.distribution(DISTRIBUTION).entry_points
        return os.environ.get("BOOKLORE_NO_PLUGINS") == "1" and entry_point not in ours

    def _load_one(self, entry_point: importlib.metadata.EntryPoint) -> None:
        distribution = entry_point.dist
        source, version = (distribution.name, distribution.version) if distribution else ("?", "?")
        plugin = self.plugins[entry_point.name] = Plugin(entry_point.name, source, version)
        try:
            self.register(entry_point.name, entry_point.load(), plugin)
        except (Exception, SystemExit) as error:  # noqa: BLE001 a plugin may fail in any way; the others go on
            self._blame(plugin, f"could not be loaded: {type(error).__name__}: {error}")
            self._pluggy.unregister(name=plugin.name)

    def register(self, name: str, module: Any, plugin: Plugin | None = None) -> None:
        """Adds a plugin by its module or object. Raises when it does not fit this version's hooks or settings."""
        plugin = plugin or self.plugins.setdefault(name, Plugin(name, "registered", ""))
        wanted = getattr(module, "API_VERSION", API_VERSION)
        if wanted != API_VERSION:
            raise BadSetting(f"made for plugin API {wanted}, this is {API_VERSION}")
        plugin.module = module
        self._pluggy.register(module, name)
        self._pluggy.check_pending()
        self._settings.declare(name, self._declarations(name))
        plugin.enabled = self._settings.enabled(name)

    def _declarations(self, name: str) -> list[Setting]:
        answers = self._hook(name, "register_settings")()
        declared = [setting for answer in answers for setting in answer]
        return declared if any(setting.name == "enabled" for setting in declared) else [ENABLED, *declared]

    def _hook(self, name: str, hook: str) -> Any:
        others = [plugin for other, plugin in self._pluggy.list_name_plugin() if other != name and plugin is not None]
        return self._pluggy.subset_hook_caller(hook, others)

    @property
    def working(self) -> list[Plugin]:
        """The plugins that are loaded and enabled, by name."""
        return [plugin for _, plugin in sorted(self.plugins.items()) if plugin.module is not None and plugin.enabled]

    def with_hook(self, hook: str) -> list[Plugin]:
        """The working plugins that implement a hook."""
        return [plugin for plugin in self.working if self._hook(plugin.name, hook).get_hookimpls()]

    def call(self, plugin: Plugin, hook: str, **arguments: Any) -> list[Any]:
        """All that one plugin gives for a hook; it is passed its own settings. Whatever it raises comes through."""
        answers = self._hook(plugin.name, hook)(settings=self._settings.section(plugin.name), **arguments)
        return [thing for answer in answers if answer is not None for thing in answer]

    def guard(self, plugin: Plugin, what: str, work: Callable[[], T]) -> T | None:
        """Runs a plugin's code. Returns None when it raised; the plugin is named."""
        try:
            return work()
        except (Exception, SystemExit) as error:  # noqa: BLE001 a plugin may fail in any way; the others go on
            self._blame(plugin, f"{what} failed: {type(error).__name__}: {error}")
            return None

    def _blame(self, plugin: Plugin, text: str) -> None:
        plugin.errors = [*plugin.errors[-9:], text]
        log.warning("plugin %s %s", plugin.name, text)
        log.debug("plugin %s", plugin.name, exc_info=True)
