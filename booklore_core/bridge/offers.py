"""What can be done with a file that an e-reader has found beside its own."""

from collections.abc import Collection

from booklore_core.actions import all_actions, told_of
from booklore_core.bridge.effects import Effects
from booklore_core.core import Core
from booklore_core.flows import Action, AskReader, SendFile

WAY = ("Tools", "BookLore Sync")
"""Where KOReader shows the menu."""


def offers(core: Core, found: Collection[str]) -> Effects:
    """A question for each action that is for one of these files; to say yes is to have it sent and the action run."""
    actions = [action for action in all_actions(core).values() if action.offered_for and action.offered_for in found]
    return [offer(core, action).as_json() for action in actions if is_enabled(core, action)]


def is_enabled(core: Core, action: Action) -> bool:
    return action.enabled is None or bool(told_of(core, action, action.enabled, True))


def offer(core: Core, action: Action) -> AskReader:
    label = str(told_of(core, action, action.text, action.name))
    lines = [f"{action.offered_for} was found on this e-reader.", f"{label}?", action.help]
    if action.menu is not None:
        lines.append(f"Later it is in {' → '.join((*WAY, *action.menu))}.")
    send = SendFile(action.offered_for, action.name, action.args)
    return AskReader("\n".join(filter(None, lines)), ok="Yes", cancel="Not now", on_ok=(send,))
