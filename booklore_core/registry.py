"""What the plugins offer: targets and actions, gathered anew whenever a setting or a plugin was changed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from booklore_core.flows import Action
from booklore_core.pipeline.outbox import Outbox
from booklore_core.plugin_manager import Plugin, PluginManager
from booklore_core.settings import Settings
from booklore_core.storage.since import parse_since
from booklore_core.storage.store import Store
from booklore_core.targets import Target


@dataclass
class Offers:
    """targets, actions: by name. target_owners, action_owners: the plugins that they are of."""

    targets: dict[str, Target] = field(default_factory=dict)
    actions: dict[str, Action] = field(default_factory=dict)
    target_owners: dict[str, str] = field(default_factory=dict)
    action_owners: dict[str, str] = field(default_factory=dict)

    def add_target(self, target: Any, plugin: str) -> None:
        """Raises TypeError and ValueError for what cannot be one."""
        if not isinstance(target, Target):
            raise TypeError(f"{target!r} is no target: it needs name, kinds and deliver(item, before)")
        if target.name in self.targets:
            raise ValueError(f"there is a target {target.name!r} already")
        self.targets[target.name] = target
        self.target_owners[target.name] = plugin

    def add_action(self, action: Any, plugin: str) -> None:
        """Raises TypeError and ValueError for what cannot be one."""
        if not isinstance(action, Action):
            raise TypeError(f"expected an Action, got {type(action).__name__}")
        if action.name in self.actions:
            raise ValueError(f"there is an action {action.name!r} already")
        self.actions[action.name] = action
        self.action_owners[action.name] = plugin


def gather(
    plugins: PluginManager, settings: Settings, store: Callable[[str], Store], outbox: Outbox, now: datetime
) -> Offers:
    """Asks every working plugin; a target is owed items from the moment it is first offered."""
    offers = Offers()

    def targets(plugin: Plugin) -> None:
        since = parse_since(settings.section(plugin.name).get("since", ""), f"{plugin.name}.since")
        for target in plugins.call(plugin, "register_targets", store=store(plugin.name)):
            offers.add_target(target, plugin.name)
            outbox.subscribe(target.name, target.kinds, since, now)

    def actions(plugin: Plugin) -> None:
        for action in plugins.call(plugin, "register_actions", store=store(plugin.name)):
            offers.add_action(action, plugin.name)

    for plugin in plugins.working:
        plugins.guard(plugin, "register_targets", lambda plugin=plugin: targets(plugin))  # type: ignore[misc]
        plugins.guard(plugin, "register_actions", lambda plugin=plugin: actions(plugin))  # type: ignore[misc]
    for gone in outbox.subscribers() - offers.targets.keys():
        outbox.unsubscribe(gone)
    return offers
