"""What the plugins bring: kinds, targets and actions, asked for anew whenever a setting or a plugin was changed."""

import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from booklore_core.flows import Action
from booklore_core.kinds import Kind, Kinds
from booklore_core.plugin_manager import DISTRIBUTION, Plugin, PluginManager
from booklore_core.storage.counts import read_kinds
from booklore_core.storage.database import Database
from booklore_core.storage.since import parse_since
from booklore_core.storage.store import Store
from booklore_core.storage.views import declare_views
from booklore_core.targets import Target

if TYPE_CHECKING:
    from booklore_core.pipeline.gateway import Gateway
    from booklore_core.pipeline.outbox import Outbox

log = logging.getLogger(__name__)

Open = Callable[[Target, str], "Gateway"]
"""Makes the door to a plugin's target."""


class Registry:
    """Kinds, targets and actions by name. One that does not fit is refused, and its plugin named; the others stay."""

    def __init__(
        self, database: Database, plugins: PluginManager, outbox: "Outbox", store: Callable[[str], Store], door: Open
    ) -> None:
        self._database, self._plugins, self._outbox = database, plugins, outbox
        self._store, self._door = store, door
        self.kinds = Kinds()
        self.targets: Mapping[str, Gateway] = {}
        self.actions: Mapping[str, tuple[str, Action]] = {}

    def refresh(self, now: datetime) -> None:
        """Asks every working plugin. Targets that are exchanged are closed when the last one who is inside has left."""
        before = self.targets
        self.kinds = self._gather_kinds()
        self.targets = self._gather("register_targets", self._as_gateway)
        self.actions = self._gather("register_actions", as_action)
        for target in self.targets.values():
            self._subscribe(target, now)
        self._outbox.unsubscribe(plugin.name for plugin in self._plugins.plugins.values() if not plugin.enabled)
        for gateway in before.values():
            if self.targets.get(gateway.name) is not gateway:
                with gateway.session():
                    log.debug("target %s is exchanged", gateway.name)

    @property
    def _asked(self) -> list[Plugin]:
        """The working plugins, those that this project ships first: nobody takes a name or a letter away from them."""
        return sorted(self._plugins.working, key=lambda plugin: plugin.source != DISTRIBUTION)

    def _gather(self, hook: str, accept: Callable[[str, Any], tuple[str, Any]]) -> dict[str, Any]:
        """name → what plugins gave for a hook; of one that gives something that does not fit nothing is taken."""
        found: dict[str, Any] = {}

        def ask(plugin: Plugin) -> None:
            given = self._plugins.call(plugin, hook, store=self._store(plugin.name))
            own = without_twins([accept(plugin.name, one) for one in given], found)
            found.update(own)

        for plugin in self._asked:
            self._plugins.guard(plugin, hook, lambda plugin=plugin: ask(plugin))  # type: ignore[misc]
        return found

    def _gather_kinds(self) -> Kinds:
        declared: dict[str, tuple[Plugin, Kind]] = {}

        def ask(plugin: Plugin) -> None:
            taken = {kind.letter: kind.name for _, kind in declared.values()}
            for kind in self._plugins.call(plugin, "register_kinds"):
                if not isinstance(kind, Kind):
                    raise TypeError(f"expected a Kind, got {type(kind).__name__}")
                if kind.name in declared:
                    raise ValueError(f"there is a kind {kind.name!r} already")
                if kind.letter and taken.setdefault(kind.letter, kind.name) != kind.name:
                    raise ValueError(
                        f"the letter {kind.letter} of kind {kind.name!r} is that of {taken[kind.letter]!r}"
                    )
                declared[kind.name] = (plugin, kind)

        for plugin in self._asked:
            self._plugins.guard(plugin, "register_kinds", lambda plugin=plugin: ask(plugin))  # type: ignore[misc]
        self._remember_kinds(declared)
        return read_kinds(self._database)

    def _remember_kinds(self, declared: Mapping[str, tuple[Plugin, Kind]]) -> None:
        """A kind stays known when its plugin is gone: its items are still there to be shown and cleared."""
        known = read_kinds(self._database)
        declarations = [kind for _, kind in declared.values()]
        changed = [kind for kind in declarations if kind.name not in known or row_of(kind) != row_of(known[kind.name])]
        table = self._database.table("kinds")
        for kind in changed:
            table.upsert(row_of(kind), ["name"])
        for kind, fault in declare_views(self._database, declarations):
            self._plugins.blame(declared[kind.name][0], f"register_kinds: {fault}")

    def _as_gateway(self, plugin: str, target: Any) -> tuple[str, "Gateway"]:
        """Raises TypeError for what cannot be a target."""
        if not isinstance(target, Target):
            raise TypeError(f"{target!r} is no target: it needs name, kinds and deliver(item, before)")
        gateway = self._door(target, plugin)
        return gateway.name, gateway

    def _subscribe(self, target: "Gateway", now: datetime) -> None:
        """A target is owed items from the moment it is first there, until a person disables its plugin."""
        plugin = self._plugins.plugins[target.plugin]

        def subscribe() -> None:
            since = parse_since(self._plugins.setting(plugin, "since"), f"{plugin.name}.since")
            self._outbox.subscribe(target.name, target.kinds, since, plugin.name, now)

        self._plugins.guard(plugin, "register_targets", subscribe)


def as_action(plugin: str, action: Any) -> tuple[str, tuple[str, Action]]:
    """Raises TypeError for what cannot be one."""
    if not isinstance(action, Action):
        raise TypeError(f"expected an Action, got {type(action).__name__}")
    return action.name, (plugin, action)


def without_twins(given: Iterable[tuple[str, Any]], found: Mapping[str, Any]) -> dict[str, Any]:
    """Raises ValueError for a name that is taken."""
    own: dict[str, Any] = {}
    for name, one in given:
        if name in found or name in own:
            raise ValueError(f"the name {name!r} is taken already")
        own[name] = one
    return own


def row_of(kind: Kind) -> dict[str, Any]:
    return {
        "name": kind.name,
        "letter": kind.letter,
        "one": kind.one,
        "many": kind.many,
        "rank": kind.rank,
        "label_rank": kind.label_rank,
        "history": kind.history,
    }
