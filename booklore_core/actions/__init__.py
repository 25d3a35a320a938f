"""What a person can ask for, one file each: KOReader's menu, its gestures and the command line show the same."""

from collections.abc import Callable
from typing import TypeVar

from booklore_core.actions import (
    clear,
    database,
    doctor,
    history,
    login,
    match,
    quarantine,
    questions,
    rematch,
    settings,
    status,
    sync,
    track,
    verify,
)
from booklore_core.core import Core
from booklore_core.flows import Action, Flow, Request
from booklore_core.plugin_manager import Plugin
from booklore_core.settings import BadSetting

T = TypeVar("T")

MODULES = (
    clear, database, doctor, history, login, match, quarantine, questions, rematch, settings, status, sync, track,
    verify,
)  # fmt: skip

OWN = {one.name: one for module in MODULES for one in vars(module).values() if isinstance(one, Action)}
"""The core's own actions, whose names `booklore_core.registry` keeps; plugins add theirs through `register_actions`."""

LABEL_SECONDS = 1.0
"""What a plugin's function may take to say a label or a state; until that call is back its actions show their names."""


def all_actions(core: Core) -> dict[str, Action]:
    """Every action by name: the core's own, then the plugins'; a plugin's with a name of the core's was refused."""
    return OWN | {name: action for name, (_, action) in core.plugin_actions.items()}


def owner_of(core: Core, name: str) -> Plugin | None:
    """The plugin whose action it is; None for our own, and for a name that there is not."""
    plugin, _ = core.plugin_actions.get(name, ("", None))
    return core.plugins.plugins.get(plugin)


def told_of(core: Core, action: Action, function: Callable[[Core], T], otherwise: T) -> T:
    """What an action's function says of it: its label, whether it is enabled. One of a plugin that fails or takes too
    long is named, and otherwise is taken."""
    owner = owner_of(core, action.name)
    if owner is None:
        return function(core)
    told = core.plugins.guard_in_time(owner, f"label of {action.name}", lambda: function(core), LABEL_SECONDS)
    return otherwise if told is None else told


def find_action(core: Core, name: str) -> Action:
    """Raises BadSetting for an action that there is not."""
    action = all_actions(core).get(name)
    if action is None:
        raise BadSetting(f"there is no action {name!r}")
    return action


def start(core: Core, name: str, request: Request) -> Flow:
    """The flow of an action; the facts that follow from it are taken in under the name of the plugin whose action it
    is. Raises BadSetting for a name that there is not."""
    owner = owner_of(core, name)
    result = yield from find_action(core, name).run(core, request)
    core.put(result.items, owner.name if owner else "core")
    return result
