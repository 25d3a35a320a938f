"""How the core's own actions are declared, and where they stand below Tools → BookLore Sync (design §12)."""

from collections.abc import Callable
from typing import Any

from booklore_core.core import Core
from booklore_core.flows import Action, Flow, Request, Result

AUTHENTICATION = ("Authentication",)
SYNC_AND_CACHE = ("Sync & Cache",)
ADVANCED = (*SYNC_AND_CACHE, "Advanced")
IMPORT = ("Import & Matching",)
LONG_PRESS = ("Long press",)
"""Actions of this menu appear when a file is held, not in the main menu."""

Run = Callable[[Core, Request], Flow | Result]


def action(label: str | Callable[[Core], str], about: str, **more: Any) -> Callable[[Run], Action]:
    """Makes an action of a function, under its name. about: the help. more: what else an `Action` says of itself.

    A function that asks nothing returns its result at once.
    """

    def declare(run: Run) -> Action:
        def flow(core: Core, request: Request) -> Flow:
            outcome = run(core, request)
            return outcome if isinstance(outcome, Result) else (yield from outcome)

        return Action(run.__name__, label, flow, about, **more)

    return declare


def counted(label: str, counts: Any) -> str:
    """A label with the counts of what it is about, where there are any."""
    return f"{label} ({counts})" if counts else label
