"""What the plugins bring: kinds, targets and actions, asked for anew whenever a setting or a plugin was changed."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from booklore_core.flows import Action
from booklore_core.items import Item
from booklore_core.kinds import Kind, Kinds
from booklore_core.plugin_manager import DISTRIBUTION, NAME, Plugin, PluginManager
from booklore_core.settings import BadSetting
from booklore_core.storage.counts import read_kinds
from booklore_core.storage.database import Database
from booklore_core.storage.store import Store
from booklore_core.storage.views import declare_views
from booklore_core.targets import MatchingTarget, Target

if TYPE_CHECKING:
    from booklore_core.pipeline.gateway import Gateway
    from booklore_core.pipeline.outbox import Outbox

log = logging.getLogger(__name__)

OWN_ACTIONS = {
    "about", "answer_questions", "clear_cache", "clear_pending", "clear_synced", "copy_database", "dismiss_quarantine",
    "doctor", "extract_history", "history_stats", "list_quarantine", "manual_match", "match_history",
    "resync_history", "sync_rematched",
    "log_in", "match_book", "match_unmatched", "place_quarantine", "rematch_all", "retry_quarantine",
    "set_setting", "sync_book", "sync_pending", "test_connection", "toggle_manual_only", "toggle_sync",
    "track_book", "unmatch_book", "verify", "view_pending",
}  # fmt: skip
"""Names that no plugin's action can have: those in `booklore_core.actions`, which stands above and is not asked."""

Open = Callable[[Target, str], "Gateway"]
"""Makes the door to a plugin's target."""

Accept = Callable[[str, Any, Mapping[str, Any]], tuple[str, Any]]
"""Told a plugin's name, what it gives and what is taken already; the name of what it gives, and how that is kept."""


class Registry:
    """Kinds, targets and actions by name. One that does not fit is refused, and its plugin named; the others stay."""

    def __init__(
        self, database: Database, plugins: PluginManager, outbox: "Outbox", store: Callable[[str], Store], door: Open,
        beside: Callable[[Item, str], object],
    ) -> None:  # fmt: skip
        self._database, self._plugins, self._outbox, self._beside = database, plugins, outbox, beside
        self._store, self._door = store, door
        self.kinds = Kinds()
        self.declared: Mapping[str, tuple[str, Kind]] = {}
        self.targets: Mapping[str, Gateway] = {}
        self.actions: Mapping[str, tuple[str, Action]] = {}

    def refresh(self, now: datetime) -> None:
        """Asks every working plugin. Targets that are exchanged are closed when the last one who is inside has left."""
        before = self.targets
        self.declared = self._gather("register_kinds", as_kind)
        self._remember_kinds(self.declared)
        self.kinds = read_kinds(self._database)
        self.targets = self._gather("register_targets", self._as_gateway)
        self.actions = self._gather("register_actions", as_action)
        for target in self.targets.values():
            self._subscribe(target, now)
        owners = filter(None, self._outbox.subscribers().values())
        self._outbox.unsubscribe(name for name in owners if not self._plugins.is_enabled(name))
        for gateway in before.values():
            if self.targets.get(gateway.name) is not gateway:
                with gateway.session():
                    log.debug("target %s is exchanged", gateway.name)

    def may_change(self, kind: str, maker: str, plugin: str) -> bool:
        """Whether a plugin may change what another one made: both are of one package, or it is of that of the kind, or
        of the kind that this is named after. Who is no plugin is the core."""
        declared = sorted(name for name in self.declared if f"{kind}_".startswith(f"{name}_"))
        owners = {maker, *(self.declared[name][0] for name in declared[:1])}
        return plugin not in self._plugins.plugins or self._package(plugin) in map(self._package, owners)

    def _package(self, plugin: str) -> str:
        """What a plugin was installed with; its name where nobody knows."""
        known = self._plugins.plugins.get(plugin)
        return known.source if known and known.entry_point and known.entry_point.dist else plugin

    def _gather(self, hook: str, accept: Accept) -> dict[str, Any]:
        """name → what plugins gave for a hook; of one that gives something that does not fit nothing is taken.

        Those that this project ships come first, then the others as they came: nobody takes a name or a letter away.
        """
        found: dict[str, Any] = {}
        plugins = self._plugins.with_hook(hook)
        for plugin in sorted(plugins, key=lambda plugin: (plugin.source != DISTRIBUTION, plugin.place)):
            found = self._plugins.guard_in_time(plugin, hook, partial(self._ask, plugin, hook, accept, found)) or found
        return found

    def _ask(self, plugin: Plugin, hook: str, accept: Accept, found: Mapping[str, Any]) -> dict[str, Any]:
        """What was found and what one plugin gives besides. Raises ValueError for a name that is taken."""
        found = dict(found)
        given_to = {"store": self._store(plugin.name), "kinds": self.kinds, "beside": self._beside}
        for given in self._plugins.call(plugin, hook, **given_to):
            name, one = accept(plugin.name, given, found)
            if name in found:
                raise ValueError(f"the name {name!r} is taken already")
            found[name] = one
        return found

    def _remember_kinds(self, declared: Mapping[str, tuple[str, Kind]]) -> None:
        """A kind stays known when its plugin is gone: its items are still there to be shown and cleared. Its letter is
        theirs, and given to no other but what this project ships."""
        known, table = read_kinds(self._database), self._database.table("kinds")
        gone = [kind for name, kind in known.items() if name not in declared and kind.letter]
        items = self._database.table("items")
        left = {kind.letter: kind for kind in gone if items.find_one(kind=kind.name)}
        for name, (owner, declaration) in declared.items():
            kind, plugin, holder = declaration, self._plugins.plugins[owner], left.get(declaration.letter)
            if holder and plugin.source == DISTRIBUTION:
                table.upsert(row_of(replace(holder, letter="")), ["name"])
            elif holder:
                fault = f"kind {name!r} has no letter: items of {holder.name!r} are left, and {kind.letter} is theirs"
                kind = replace(kind, letter="")
                self._plugins.blame(plugin, f"register_kinds: {fault}")
            if name not in known or row_of(kind) != row_of(known[name]):
                table.upsert(row_of(kind), ["name"])
        for kind, fault in declare_views(self._database, [kind for _, kind in declared.values()]):
            self._plugins.blame(self._plugins.plugins[declared[kind.name][0]], f"register_kinds: {fault}")

    def _as_gateway(self, plugin: str, target: Any, taken: Mapping[str, Any]) -> tuple[str, "Gateway"]:
        """Raises TypeError, ValueError for what cannot be a target."""
        if not isinstance(target, Target):
            raise TypeError(f"{target!r} is no target: it needs name, kinds and deliver(item, before)")
        name, kinds = target.name, target.kinds
        if not is_name(name):
            raise ValueError(f"{name!r} is no name for a target: expected letters, digits, - and _")
        if not isinstance(kinds, set | frozenset | list | tuple) or not all(map(is_name, kinds)):
            raise ValueError(f"target {name}: kinds: expected a set of names, got {kinds!r}")
        gateway = self._door(target, plugin)
        return gateway.name, gateway

    def _subscribe(self, target: "Gateway", now: datetime) -> None:
        """A target is owed items from the moment it is first there, until a person disables its plugin.

        Raises DatabaseUnusable: what is written down before a target is subscribed would never be sent to it.
        """
        plugin, since = self._plugins.plugins[target.plugin], None
        try:
            since = self._plugins.since(plugin)
        except BadSetting as error:
            self._plugins.blame(plugin, str(error))
        self._outbox.subscribe(target.name, target.kinds, since, target.plugin, now, target.has(MatchingTarget))


def as_action(plugin: str, action: Any, taken: Mapping[str, Any]) -> tuple[str, tuple[str, Action]]:
    """Raises TypeError for what cannot be one, ValueError for a name that is the core's own."""
    if not isinstance(action, Action):
        raise TypeError(f"expected an Action, got {type(action).__name__}")
    if action.name in OWN_ACTIONS:
        raise ValueError(f"the name {action.name!r} is the core's own")
    return action.name, (plugin, action)


def as_kind(plugin: str, kind: Any, taken: Mapping[str, tuple[str, Kind]]) -> tuple[str, tuple[str, Kind]]:
    """Raises TypeError for what cannot be one, ValueError for a letter that is another's."""
    if not isinstance(kind, Kind):
        raise TypeError(f"expected a Kind, got {type(kind).__name__}")
    for _, other in taken.values():
        if kind.letter and kind.letter == other.letter and kind.name != other.name:
            raise ValueError(f"the letter {kind.letter} of kind {kind.name!r} is that of {other.name!r}")
    return kind.name, (plugin, kind)


def is_name(name: Any) -> bool:
    return isinstance(name, str) and NAME.fullmatch(name) is not None


def row_of(kind: Kind) -> dict[str, Any]:
    """All but what the database does not have to know."""
    return {name: value for name, value in vars(kind).items() if name not in ("views", "seconds")}
