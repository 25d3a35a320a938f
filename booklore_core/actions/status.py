"""View Pending Sessions: what is known and what waits."""

from typing import TYPE_CHECKING

from booklore_core.actions.submenus import SYNC_AND_CACHE
from booklore_core.flows import Action, Flow, Request, Result

if TYPE_CHECKING:
    from booklore_core.core import Core


def view_pending(core: "Core", request: Request) -> Flow:
    """Nothing is changed."""
    yield from ()
    status = core.status()
    books, kinds = status.books, [status.kinds[name] for name in status.kinds]
    lines = ["Book cache", f"  Books: {books['total']}, matched {books['matched']}, unmatched {books['unmatched']}"]
    lines += ["Pending uploads", *(f"  {kind.many.capitalize()}: {status.pending.get(kind.name, 0)}" for kind in kinds)]
    lines += ["History", *(f"  {kind.history_name}: {status.synced.get(kind.name, 0)}" for kind in kinds)]
    return Result("\n".join(lines), title="Pending Sessions", data=status.as_json())


VIEW_PENDING = Action(
    "view_pending", "View Pending Sessions", view_pending, "Shows what is known and what waits.", order=2,
    menu=SYNC_AND_CACHE,
)  # fmt: skip
