"""Finds plugins and calls them one at a time, so that a broken one costs nobody else anything."""

import importlib.metadata
import logging
import os
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache, partial
from typing import Any, TypeVar

import pluggy

from booklore_core import hookspecs
from booklore_core.guard.culprit import check_fit, package_of_module, told
from booklore_core.guard.deadline import TookTooLong, Watch
from booklore_core.guard.trace import traced
from booklore_core.hookspecs import PROJECT
from booklore_core.settings import ENABLED, Setting, Settings
from booklore_core.storage.since import OF_TARGETS, READ_SINCE, REPEAT_AFTER, parse_since, since_of
from booklore_core.storage.tables import Table

DISTRIBUTION = "booklore-sync"
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
LOAD_SECONDS = 30.0
"""How long a plugin may take to be imported, and each time that it is asked what it brings."""

log = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass
class Plugin:
    """One plugin: where it comes from, whether it works, and what went wrong, if anything.

    package: the top-level module of its code. module: None unless loaded; is_target, label (its switch's, maybe empty),
    help are then as they last were. place: how many came before it. hanging: a call that did not come back in time."""

    name: str
    source: str
    version: str
    package: str = ""
    entry_point: importlib.metadata.EntryPoint | None = None
    module: Any = None
    hooks: frozenset[str] = frozenset()
    enabled: bool = False
    is_target: bool = False
    label: str = ""
    help: str = ""
    place: int = 0
    errors: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)  # what a person should know although it works
    hanging: Watch[Any] | None = None

    @property
    def error(self) -> str | None:
        return self.errors[-1] if self.errors else None

    @property
    def is_feature(self) -> bool:
        """Whether it turns events into facts."""
        return any(hook.startswith("on_") for hook in self.hooks)


class PluginManager:
    """The plugins behind the entry points of the group `booklore`, each isolated from the others. memory: what each
    was when it was last loaded; of a disabled one nothing else is known."""

    def __init__(self, settings: Settings, memory: Table, environ: Mapping[str, str] = os.environ) -> None:
        self._settings, self._memory, self._environ = settings, memory, environ
        self._pluggy = pluggy.PluginManager(PROJECT)
        self._pluggy.add_hookspecs(hookspecs)
        self._loading, self._callers = threading.Lock(), dict[tuple[str, str], pluggy.HookCaller]()
        self.plugins: dict[str, Plugin] = {}

    def load(self, entry_points: Iterable[importlib.metadata.EntryPoint] | None = None) -> None:
        """Loads every plugin that is enabled; one that fails is named and skipped. Of two with the same name what this
        project ships is used, else the first. BOOKLORE_NO_PLUGINS=1 leaves out all that it does not ship."""
        found = importlib.metadata.entry_points(group=PROJECT) if entry_points is None else entry_points
        only_ours = ENABLED.check(self._environ.get("BOOKLORE_NO_PLUGINS") or False, "BOOKLORE_NO_PLUGINS")
        for entry_point in sorted(found, key=lambda one: (one.name, origin(one.dist)[0] != DISTRIBUTION)):
            if origin(entry_point.dist)[0] == DISTRIBUTION or not only_ours:
                self._see(entry_point)

    def load_enabled(self) -> None:
        """Loads the plugins that were switched on since, and marks those that were switched off."""
        with self._loading:
            for plugin in self.plugins.values():
                self._follow_switch(plugin)

    def _see(self, entry_point: importlib.metadata.EntryPoint) -> None:
        name, (source, version) = entry_point.name, origin(entry_point.dist)
        if name in self.plugins:
            return self._leave_out(self.plugins[name], source, version)
        known = self._memory.find_one(name=name) or {"name": name, "place": self._memory.count()}
        package = re.split("[.:]", entry_point.value)[0]
        plugin = self.plugins[name] = Plugin(**known, source=source, version=version, package=package)
        if fault := name_fault(name, self._settings):
            return self.blame(plugin, f"could not be loaded: {fault}")
        plugin.entry_point = entry_point
        self._settings.declare_switch(name, plugin.label)
        return self._follow_switch(plugin)

    def _leave_out(self, used: Plugin, source: str, version: str) -> None:
        if source != used.source:  # the one that works is not to blame
            which = f"the one of {used.source} {used.version} is used, the one of {source} {version} is left out"
            used.notes.append(f"two plugins are named {used.name}: {which}; uninstall {source}")
            log.warning(used.notes[-1])

    def _follow_switch(self, plugin: Plugin) -> None:
        was_enabled, plugin.enabled = plugin.enabled, self._settings.enabled(plugin.name)
        if plugin.entry_point is None or plugin.module is not None or was_enabled or not plugin.enabled:
            return
        plugin.errors = []
        try:
            self.register(plugin.name, in_time(plugin, plugin.entry_point.load))
        except Exception as error:  # noqa: BLE001 a plugin may fail in any way; the others go on
            self.blame(plugin, f"could not be loaded: {told(error, plugin.package)}", error)
        else:
            row = {name: getattr(plugin, name) for name in ("name", "is_target", "label", "help", "place")}
            if not self._memory.find_one(**row):
                self._memory.upsert(row, ["name"])

    def register(self, name: str, module: Any) -> None:
        """Adds a plugin by its module or object. Raises when it does not fit this version's hooks or settings; then
        nothing of it is left."""
        check_fit(module)
        plugin = self.plugins.get(name) or Plugin(name, "registered", "", package_of_module(module))
        try:
            self._pluggy.register(module, name)
            self._callers = {}
            self._pluggy.check_pending()
            plugin.hooks = frozenset(caller.name for caller in self._pluggy.get_hookcallers(module) or ())
            self._settings.declare(name, self._declarations(plugin))
        except BaseException:
            if self._pluggy.has_plugin(name):
                self._pluggy.unregister(name=name)
            raise
        self.plugins[name], plugin.module = plugin, module
        plugin.is_target, plugin.enabled = "register_targets" in plugin.hooks, self._settings.enabled(name)
        plugin.label = self._settings.declaration(f"{name}.enabled").label
        plugin.help = (module.__doc__ or "").strip().partition("\n")[0]

    def _declarations(self, plugin: Plugin) -> list[Setting]:
        """A plugin's settings, and those that every plugin has."""
        declared = in_time(plugin, partial(self.call, plugin, "register_settings"))
        for setting in declared:
            if not isinstance(setting, Setting):
                raise TypeError(f"register_settings: expected a Setting, got {type(setting).__name__}")
        declared = [replace(one, fits=parse_since) if one.name == "since" else one for one in declared]
        own = {setting.name for setting in declared} - {REPEAT_AFTER.name}
        common = OF_TARGETS if "register_targets" in plugin.hooks else (READ_SINCE,) if plugin.is_feature else ()
        return [*(setting for setting in (ENABLED, *common) if setting.name not in own), *declared]

    @property
    def working(self) -> list[Plugin]:
        """The plugins that are loaded and enabled, by name."""
        return [plugin for _, plugin in sorted(self.plugins.items()) if plugin.module is not None and plugin.enabled]

    @property
    def features(self) -> list[Plugin]:
        return [plugin for plugin in self.working if plugin.is_feature]

    def is_enabled(self, name: str) -> bool:
        """Whether a plugin shall work, also one that is not installed."""
        return self._settings.enabled(name)

    def with_hook(self, hook: str) -> list[Plugin]:
        return [plugin for plugin in self.working if hook in plugin.hooks]

    def since(self, plugin: Plugin) -> datetime | None:
        """Where the past begins that a plugin is given; None: from now on. Raises BadSetting."""
        return since_of(self._settings, plugin.name)

    def call(self, plugin: Plugin, hook: str, **arguments: Any) -> list[Any]:
        """All that one plugin gives for a hook; it is passed its own settings. Whatever it raises comes through."""
        return [thing for things in self._answers(plugin, hook, arguments) for thing in things]

    def first(self, hook: str, **arguments: Any) -> tuple[Plugin, Iterable[Any]] | None:
        """Who answers a *firstresult* hook first, and the answer, which may raise yet. Raises ValueError."""
        work = [(one, partial(self._answers, one, hook, arguments)) for one in self.with_hook(hook)]
        asked = ((one, self.guard(one, hook, ask, (ValueError,))) for one, ask in work)
        return next(((plugin, answers[0]) for plugin, answers in asked if answers), None)

    @traced
    def _answers(self, plugin: Plugin, hook: str, arguments: Mapping[str, Any]) -> list[Iterable[Any]]:
        """One plugin's answers but None; where there may be several, each fetched whole: generators fail here."""
        callers, key = self._callers, (plugin.name, hook)  # a registering elsewhere lets this dict go
        if (caller := callers.get(key)) is None:
            others = self._pluggy.get_plugins() - {self._pluggy.get_plugin(plugin.name)}
            caller = callers[key] = self._pluggy.subset_hook_caller(hook, others)
        assert caller.spec is not None
        known = {**arguments, "settings": self._settings.section(plugin.name)}
        given = caller(**{name: known[name] for name in caller.spec.argnames if name in known})
        if caller.spec.opts.get("firstresult"):
            return [] if given is None else [given]
        return [list(things) for things in given]

    def guard(
        self, plugin: Plugin, what: str, work: Callable[[], T], passes: tuple[type[Exception], ...] = ()
    ) -> T | None:
        """Runs a plugin's code. Returns None when it raised; the plugin is named. what: the hook, for people. passes:
        errors that are no fault of the plugin and are raised."""
        try:
            return work()
        except BaseException as error:
            if isinstance(error, (KeyboardInterrupt, *passes)):
                raise
            where = told(error, plugin.package, getattr(plugin.module, what, None))
            self.blame(plugin, f"{what} failed: {where}", error)
            return None

    def guard_in_time(self, plugin: Plugin, what: str, work: Callable[[], T], limit: float | None = None) -> T | None:
        """The same for what everybody waits for: one that takes longer, in seconds, is named and left alone."""
        return self.guard(plugin, what, partial(in_time, plugin, work, limit))

    def blame(self, plugin: Plugin, text: str, error: BaseException | None = None) -> None:
        """Names a plugin as the culprit. error: its traceback is in the log at level info."""
        if text != plugin.error:
            plugin.errors = [*plugin.errors[-9:], text]
            log.warning("plugin %s %s", plugin.name, text)
        if error is not None:
            log.info("plugin %s", plugin.name, exc_info=error)


def in_time(plugin: Plugin, work: Callable[[], T], limit: float | None = None) -> T:
    """What work returns or raises. Raises TookTooLong, and begins nothing new of a plugin while that is still on."""
    if plugin.hanging is not None and plugin.hanging.is_alive:
        raise plugin.hanging.late()
    watch = Watch(lambda _: work(), f"plugin {plugin.name}")
    try:
        return watch.wait(limit or LOAD_SECONDS, tick=limit or LOAD_SECONDS)
    except TookTooLong:
        plugin.hanging = watch
        raise


@cache
def origin(distribution: importlib.metadata.Distribution | None) -> tuple[str, str]:
    """Name and version of what brings a plugin. Each time they are asked for, all that it says of itself is read."""
    return (distribution.name, distribution.version) if distribution else ("?", "?")


def name_fault(name: str, settings: Settings) -> str | None:
    """Why a plugin cannot have a name, None when it can."""
    if not NAME.fullmatch(name):
        return f"{name!r} is no name for a plugin: expected letters, digits, - and _"
    return f"the settings of {name!r} are the core's own" if f"{name}.enabled" in settings else None
