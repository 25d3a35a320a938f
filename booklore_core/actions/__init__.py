"""What a person can ask for, one file each: KOReader's menu, its gestures and the command line show the same."""

from typing import TYPE_CHECKING

from booklore_core.actions.about import ABOUT
from booklore_core.actions.clear import CLEAR_ACTIONS
from booklore_core.actions.connection import TEST_CONNECTION
from booklore_core.actions.doctor import DOCTOR
from booklore_core.actions.login import LOG_IN
from booklore_core.actions.match import MATCH_ACTIONS
from booklore_core.actions.quarantine import QUARANTINE_ACTIONS
from booklore_core.actions.settings import SET_SETTING, SWITCH_ACTIONS
from booklore_core.actions.status import VIEW_PENDING
from booklore_core.actions.sync import SYNC_ACTIONS
from booklore_core.actions.track import TRACK_BOOK
from booklore_core.actions.verify import VERIFY
from booklore_core.flows import Action, Flow, Request
from booklore_core.settings import BadSetting

if TYPE_CHECKING:
    from booklore_core.core import Core

SINGLE_ACTIONS = (VIEW_PENDING, TRACK_BOOK, SET_SETTING, TEST_CONNECTION, LOG_IN, VERIFY, DOCTOR, ABOUT)
OWN = {
    action.name: action
    for action in (*SWITCH_ACTIONS, *SYNC_ACTIONS, *MATCH_ACTIONS, *CLEAR_ACTIONS, *QUARANTINE_ACTIONS, *SINGLE_ACTIONS)
}
"""The core's own actions; plugins add theirs through `register_actions`."""


def all_actions(core: "Core") -> dict[str, Action]:
    """Every action by name: the core's own, then the plugins'. A plugin's that has a name of the core's is refused."""
    return OWN | {name: action for name, (plugin, action) in core.plugin_actions.items() if is_free(core, plugin, name)}


def is_free(core: "Core", plugin: str, name: str) -> bool:
    """Whether a plugin may call its action so; if not, it is told."""
    fault, owner = f"register_actions: the name {name!r} is the core's own", core.plugins.plugins[plugin]
    if name in OWN and fault not in owner.errors:
        core.plugins.blame(owner, fault)
    return name not in OWN


def owner_of(core: "Core", name: str) -> str:
    """The plugin whose action it is, `core` for our own."""
    return "core" if name in OWN else core.plugin_actions[name][0]


def find_action(core: "Core", name: str) -> Action:
    """Raises BadSetting for an action that there is not."""
    action = all_actions(core).get(name)
    if action is None:
        raise BadSetting(f"there is no action {name!r}")
    return action


def start(core: "Core", name: str, request: Request) -> Flow:
    """The flow of an action; the facts that follow from it are taken in under the name of the plugin whose action it
    is. Raises BadSetting for a name that there is not."""
    result = yield from find_action(core, name).run(core, request)
    core.put(result.items, owner_of(core, name))
    return result
