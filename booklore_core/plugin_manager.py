"""Finds plugins and calls them one at a time, so that a broken one costs nobody else anything."""

import importlib.metadata
import logging
import os
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol, TypeVar

import pluggy

from booklore_core import hookspecs
from booklore_core.guard.culprit import check_fit, package_of_module, told
from booklore_core.guard.deadline import within
from booklore_core.hookspecs import PROJECT
from booklore_core.settings import ENABLED, TRUE, Setting, Settings
from booklore_core.storage.since import READ_SINCE, SEND_SINCE

DISTRIBUTION = "booklore-sync"

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
LOAD_SECONDS = 30.0
"""How long a plugin may take to be imported, and again to declare its settings."""

log = logging.getLogger(__name__)
T = TypeVar("T")


class Memory(Protocol):
    """What each plugin was when it was last loaded: is_target, label and help."""

    def read(self, name: str) -> Mapping[str, Any] | None: ...
    def write(self, name: str, facts: Mapping[str, Any]) -> None: ...


@dataclass
class Plugin:
    """One plugin: where it comes from, whether it works, and what went wrong, if anything.

    package: the top-level module of its code. module: None unless it was loaded; is_target, label (its switch's, maybe
    empty) and help are then what they were when it last was. notes: what a person should know although it works.
    """

    name: str
    source: str
    version: str
    package: str = ""
    module: Any = None
    enabled: bool = True
    is_target: bool = False
    label: str = ""
    help: str = ""
    errors: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def error(self) -> str | None:
        return self.errors[-1] if self.errors else None


class PluginManager:
    """The plugins behind the entry points of the group `booklore`, each isolated from the others."""

    def __init__(
        self, settings: Settings, memory: Memory | None = None, environ: Mapping[str, str] | None = None
    ) -> None:
        self._settings, self._memory = settings, memory
        self._environ = os.environ if environ is None else environ
        self._pluggy = pluggy.PluginManager(PROJECT)
        self._pluggy.add_hookspecs(hookspecs)
        self._entry_points: dict[str, importlib.metadata.EntryPoint] = {}
        self._loading = threading.Lock()
        self.plugins: dict[str, Plugin] = {}

    def load(self, entry_points: Iterable[importlib.metadata.EntryPoint] | None = None) -> None:
        """Loads every plugin that is enabled. One that is off is listed and not imported; one that fails is named and
        skipped. Of two with the same name what this project ships is used, else the first. BOOKLORE_NO_PLUGINS=1 leaves
        out all that it does not ship."""
        found = importlib.metadata.entry_points(group=PROJECT) if entry_points is None else entry_points
        only_ours = self._environ.get("BOOKLORE_NO_PLUGINS", "").lower() in TRUE
        for entry_point in sorted(found, key=lambda entry: (entry.name, not is_ours(entry))):
            if is_ours(entry_point) or not only_ours:
                self._see(entry_point)

    def load_enabled(self) -> None:
        """Loads the plugins that were switched on since, and marks those that were switched off."""
        with self._loading:
            for plugin in self.plugins.values():
                was_enabled, plugin.enabled = plugin.enabled, self._settings.enabled(plugin.name)
                if plugin.enabled and not was_enabled and plugin.module is None and plugin.name in self._entry_points:
                    plugin.errors = []
                    self._import(plugin)

    def _see(self, entry_point: importlib.metadata.EntryPoint) -> None:
        name, distribution = entry_point.name, entry_point.dist
        source, version = (distribution.name, distribution.version) if distribution else ("?", "?")
        if name in self.plugins:
            self._leave_out(self.plugins[name], source, version)
            return
        plugin = self.plugins[name] = Plugin(name, source, version, re.split("[.:]", entry_point.value)[0])
        fault = name_fault(name, self._settings)
        if fault:
            self.blame(plugin, f"could not be loaded: {fault}")
            return
        self._entry_points[name] = entry_point
        self._recall(plugin)
        if plugin.enabled:
            self._import(plugin)

    def _leave_out(self, used: Plugin, source: str, version: str) -> None:
        """Of two plugins of a name the one that works is not to blame."""
        if source != used.source:
            used.notes.append(
                f"two plugins are named {used.name}: the one of {used.source} {used.version} is used, the one of"
                f" {source} {version} is left out; uninstall {source}"
            )
            log.warning(used.notes[-1])

    def _import(self, plugin: Plugin) -> None:
        try:
            module = within(LOAD_SECONDS, self._entry_points[plugin.name].load)
            self.register(plugin.name, module, plugin)
        except Exception as error:  # noqa: BLE001 a plugin may fail in any way; the others go on
            self.blame(plugin, f"could not be loaded: {told(error, plugin.package)}", error)
        else:
            self._remember(plugin)

    def register(self, name: str, module: Any, plugin: Plugin | None = None) -> None:
        """Adds a plugin by its module or object. Raises when it does not fit this version's hooks or settings; then
        nothing of it is left."""
        check_fit(module)
        try:
            self._pluggy.register(module, name)
            self._pluggy.check_pending()
            self._settings.declare(name, within(LOAD_SECONDS, partial(self._declarations, name, module)))
        except BaseException:
            if self._pluggy.has_plugin(name):
                self._pluggy.unregister(name=name)
            raise
        plugin = plugin or self.plugins.setdefault(name, Plugin(name, "registered", "", package_of_module(module)))
        plugin.module, plugin.enabled = module, self._settings.enabled(name)
        plugin.is_target = self._is_target(name)
        plugin.label = self._settings.declaration(f"{name}.enabled").label
        plugin.help = (module.__doc__ or "").strip().partition("\n")[0]

    def _declarations(self, name: str, module: Any) -> list[Setting]:
        declared = [setting for answer in self._hook(name, "register_settings")() for setting in answer]
        for setting in declared:
            if not isinstance(setting, Setting):
                raise TypeError(f"register_settings: expected a Setting, got {type(setting).__name__}")
        is_target, own = self._is_target(name), {setting.name for setting in declared}
        since = [SEND_SINCE] if is_target else [READ_SINCE] if self._is_feature(module) else []
        return [*(setting for setting in (ENABLED, *since) if setting.name not in own), *declared]

    def _remember(self, plugin: Plugin) -> None:
        """Notes what a plugin is, for the times when it is off."""
        facts = {"is_target": plugin.is_target, "label": plugin.label, "help": plugin.help}
        known = self._known(plugin)
        if self._memory is not None and any(known.get(key) != value for key, value in facts.items()):
            self._memory.write(plugin.name, facts)

    def _recall(self, plugin: Plugin) -> None:
        """What a plugin was when it was last loaded; its switch can be used without it."""
        known = self._known(plugin)
        plugin.is_target, plugin.help = bool(known.get("is_target")), known.get("help") or ""
        plugin.label = known.get("label") or ""
        self._settings.declare_switch(plugin.name, plugin.label)
        plugin.enabled = self._settings.enabled(plugin.name)

    def _is_target(self, name: str) -> bool:
        return bool(self._hook(name, "register_targets").get_hookimpls())

    def _known(self, plugin: Plugin) -> Mapping[str, Any]:
        return (None if self._memory is None else self._memory.read(plugin.name)) or {}

    def _hook(self, name: str, hook: str) -> pluggy.HookCaller:
        others = [plugin for other, plugin in self._pluggy.list_name_plugin() if other != name and plugin is not None]
        return self._pluggy.subset_hook_caller(hook, others)

    @property
    def working(self) -> list[Plugin]:
        """The plugins that are loaded and enabled, by name."""
        return [plugin for _, plugin in sorted(self.plugins.items()) if plugin.module is not None and plugin.enabled]

    @property
    def features(self) -> list[Plugin]:
        """The working plugins that turn events into facts."""
        return [plugin for plugin in self.working if self._is_feature(plugin.module)]

    def _is_feature(self, module: Any) -> bool:
        return any(caller.name.startswith("on_") for caller in self._pluggy.get_hookcallers(module) or ())

    def setting(self, plugin: Plugin, name: str) -> Any:
        """The value of one of a plugin's own settings, "" where it declares none of that name."""
        return self._settings.section(plugin.name).get(name, "")

    def with_hook(self, hook: str) -> list[Plugin]:
        """The working plugins that implement a hook."""
        return [plugin for plugin in self.working if self._hook(plugin.name, hook).get_hookimpls()]

    def call(self, plugin: Plugin, hook: str, **arguments: Any) -> list[Any]:
        """All that one plugin gives for a hook; it is passed its own settings. Whatever it raises comes through."""
        return self._ask(plugin, hook, arguments) or []

    def first(self, hook: str, **arguments: Any) -> tuple[Plugin, list[Any]] | None:
        """The first plugin that has an answer to a *firstresult* hook, and what it gives. One that raises is named."""
        for plugin in self.with_hook(hook):
            answer = self.guard(plugin, hook, partial(self._ask, plugin, hook, arguments))
            if answer is not None:
                return plugin, answer
        return None

    def _ask(self, plugin: Plugin, hook: str, arguments: dict[str, Any]) -> list[Any] | None:
        """What one plugin gives, all of it fetched: a generator fails here and not later. None: it gave no answer."""
        caller = self._hook(plugin.name, hook)
        assert caller.spec is not None
        known = {**arguments, "settings": self._settings.section(plugin.name)}
        answer = caller(**{name: known[name] for name in caller.spec.argnames if name in known})
        if caller.spec.opts.get("firstresult"):
            return None if answer is None else list(answer)
        return [thing for things in answer for thing in things]

    def guard(self, plugin: Plugin, what: str, work: Callable[[], T]) -> T | None:
        """Runs a plugin's code. Returns None when it raised; the plugin is named. what: the hook, for people."""
        try:
            return work()
        except (Exception, SystemExit) as error:  # noqa: BLE001 a plugin may fail in any way; the others go on
            where = told(error, plugin.package, getattr(plugin.module, what, None))
            self.blame(plugin, f"{what} failed: {where}", error)
            return None

    def blame(self, plugin: Plugin, text: str, error: BaseException | None = None) -> None:
        """Names a plugin as the culprit. error: its traceback is in the log at level debug."""
        plugin.errors = [*plugin.errors[-9:], text]
        log.warning("plugin %s %s", plugin.name, text)
        if error is not None:
            log.debug("plugin %s", plugin.name, exc_info=error)


def is_ours(entry_point: importlib.metadata.EntryPoint) -> bool:
    return entry_point.dist is not None and entry_point.dist.name == DISTRIBUTION


def name_fault(name: str, settings: Settings) -> str | None:
    """Why a plugin cannot have a name, None when it can."""
    if not NAME.fullmatch(name):
        return f"{name!r} is no name for a plugin: expected letters, digits, - and _"
    return f"the settings of {name!r} are the core's own" if f"{name}.enabled" in settings else None
