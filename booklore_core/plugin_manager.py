"""Finds plugins and calls them one at a time, so that a broken one costs nobody else anything."""

import importlib.metadata
import inspect
import logging
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import pluggy

from booklore_core import hookspecs
from booklore_core.hookspecs import API_VERSION, PROJECT
from booklore_core.settings import ENABLED, TRUE, BadSetting, Setting, Settings

DISTRIBUTION = "booklore-sync"

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")

SINCE = Setting(
    "since",
    str,
    "",
    "What a new target is given of the past: a date such as 2026-01-31, or all",
    label="Send the past since",
)

PAST = Setting("since", str, "all", "What of the journal a new feature is given", label="Look back to")

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

    def __init__(self, settings: Settings, memory: Any = None) -> None:
        self._settings, self._memory = settings, memory
        self._pluggy = pluggy.PluginManager(PROJECT)
        self._pluggy.add_hookspecs(hookspecs)
        self.plugins: dict[str, Plugin] = {}

    def load(self, entry_points: Iterable[importlib.metadata.EntryPoint] | None = None) -> None:
        """Loads every plugin, disabled ones too: their settings are shown. One that fails is named, skipped and kept
        in `plugins` with its error. Of two with the same name what this project ships wins, else the first."""
        found = importlib.metadata.entry_points(group=PROJECT) if entry_points is None else entry_points
        for entry_point in sorted(found, key=lambda entry: (entry.name, not is_ours(entry))):
            if is_ours(entry_point) or not self._no_third_parties:
                self._load_one(entry_point)

    @property
    def _no_third_parties(self) -> bool:
        """BOOKLORE_NO_PLUGINS=1 starts with what this project ships and nothing else."""
        return self._settings.environ.get("BOOKLORE_NO_PLUGINS", "").lower() in TRUE

    def _load_one(self, entry_point: importlib.metadata.EntryPoint) -> None:
        distribution = entry_point.dist
        source, version = (distribution.name, distribution.version) if distribution else ("?", "?")
        known = self.plugins.get(entry_point.name)
        if known is not None:
            if known.source != source:
                self.blame(known, f"is there twice: the one of {source} {version} was left out")
            return
        plugin = self.plugins[entry_point.name] = Plugin(entry_point.name, source, version)
        try:
            self.register(entry_point.name, entry_point.load(), plugin)
        except (Exception, SystemExit) as error:  # noqa: BLE001 a plugin may fail in any way; the others go on
            self.blame(plugin, f"could not be loaded: {type(error).__name__}: {error}")
            self._keep_switch(plugin)

    def _keep_switch(self, plugin: Plugin) -> None:
        """A plugin that declared nothing can still be switched off and on."""
        if f"{plugin.name}.{ENABLED.name}" not in self._settings:
            self._settings.declare(plugin.name, [ENABLED])
        plugin.enabled = self._settings.enabled(plugin.name)

    def register(self, name: str, module: Any, plugin: Plugin | None = None) -> None:
        """Adds a plugin by its module or object. Raises when it does not fit this version's hooks or settings; then
        nothing of it is left."""
        check_fit(name, module)
        try:
            self._pluggy.register(module, name)
            self._pluggy.check_pending()
            self._settings.declare(name, self._declarations(name))
        except BaseException:
            if self._pluggy.has_plugin(name):
                self._pluggy.unregister(name=name)
            raise
        plugin = plugin or self.plugins.setdefault(name, Plugin(name, "registered", ""))
        plugin.module, plugin.enabled = module, self._settings.enabled(name)

    def _declarations(self, name: str) -> list[Setting]:
        declared = [setting for answer in self._hook(name, "register_settings")() for setting in answer]
        for setting in declared:
            if not isinstance(setting, Setting):
                raise TypeError(f"register_settings: expected a Setting, got {type(setting).__name__}")
        past = SINCE if self._hook(name, "register_targets").get_hookimpls() else PAST
        common = [ENABLED, past]
        own = {setting.name for setting in declared}
        return [*(setting for setting in common if setting.name not in own), *declared]

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
        events = [name for name, spec in vars(hookspecs).items() if name.startswith("on_") and callable(spec)]
        return [one for one in self.working if any(self._hook(one.name, hook).get_hookimpls() for hook in events)]

    def setting(self, plugin: Plugin, name: str) -> Any:
        """The value of one of a plugin's settings, "" where it declares none of that name."""
        return self._settings.section(plugin.name).get(name, "")

    def load_enabled(self) -> None:
        for plugin in self.plugins.values():
            plugin.enabled = self._settings.enabled(plugin.name)

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
        answer = caller(settings=self._settings.section(plugin.name), **arguments)
        if caller.spec is not None and caller.spec.opts.get("firstresult"):
            return None if answer is None else list(answer)
        return [thing for things in answer for thing in things]

    def guard(self, plugin: Plugin, what: str, work: Callable[[], T]) -> T | None:
        """Runs a plugin's code. Returns None when it raised; the plugin is named."""
        try:
            return work()
        except (Exception, SystemExit) as error:  # noqa: BLE001 a plugin may fail in any way; the others go on
            self.blame(plugin, f"{what} failed: {type(error).__name__}: {error}")
            return None

    def blame(self, plugin: Plugin, text: str) -> None:
        plugin.errors = [*plugin.errors[-9:], text]
        log.warning("plugin %s %s", plugin.name, text)
        log.debug("plugin %s", plugin.name, exc_info=True)


def is_ours(entry_point: importlib.metadata.EntryPoint) -> bool:
    return entry_point.dist is not None and entry_point.dist.name == DISTRIBUTION


def check_fit(name: str, module: Any) -> None:
    """Raises when a plugin cannot belong to this version, before anything of it is called."""
    if not NAME.fullmatch(name):
        raise BadSetting(f"{name!r} is no name for a plugin: expected letters, digits, - and _")
    wanted = getattr(module, "API_VERSION", API_VERSION)
    if wanted != API_VERSION:
        raise BadSetting(f"made for plugin API {wanted}, this is {API_VERSION}")
    if inspect.isgeneratorfunction(getattr(module, "import_history", None)):
        raise TypeError("import_history must not be a generator: it returns None for a file that is not its own")
