"""Clearing queues and histories, on a person's word only."""

from collections.abc import Generator
from typing import Any

from booklore_core.actions.match import ADVANCED, SYNC_AND_CACHE
from booklore_core.core import Core
from booklore_core.flows import Action, Flow, Pick, Question, Request, Result
from booklore_core.settings import BadSetting
from booklore_core.storage.counts import short_counts

Kinds = Generator[Question, Any, list[str]]

QUEUES = {
    "session": "Sessions",
    "annotation": "Annotations",
    "rating": "Ratings",
    "bookmark": "Bookmarks",
    "progress": "Progress",
    "deletion": "Deletions",
}
HISTORIES = {
    "session": "Historical sessions",
    "annotation": "Synced annotations",
    "bookmark": "Synced bookmarks",
    "rating": "Rating sync history",
    "progress": "Synced progress",
}


def clear_pending(core: Core, request: Request) -> Flow:
    """Clear Pending…: discards what waits, by kind. There is no undo; a later import does not bring it back."""
    kinds = yield from which(core.pending(), QUEUES, request, "Clear pending items? There is no undo.")
    cleared = {kind: core.outbox.discard(kind, core.clock()) for kind in kinds}
    return Result(told(cleared, "cleared"), data=cleared)


def clear_synced(core: Core, request: Request) -> Flow:
    """Advanced → Clear…: forgets the record of what was synced. What is on the server stays and is not sent again."""
    kinds = yield from which(core.status().synced, HISTORIES, request, "Clear the history of synced items?")
    cleared = {kind: core.ledger.forget(kind) for kind in kinds}
    return Result(told(cleared, "cleared from the history"), data=cleared)


def which(counts: dict[str, int], names: dict[str, str], request: Request, text: str) -> Kinds:
    """The kinds to clear: those asked for, or those a person picks among the ones that hold something."""
    asked = request.args.get("kinds")
    if asked is not None:
        return check_kinds(asked, names)
    kinds = [kind for kind in {**names, **counts} if counts.get(kind)]
    if not kinds:
        return []
    options = [f"{names.get(kind, kind)} ({counts[kind]})" for kind in kinds]
    picked = yield Pick(text, options, chosen=tuple(range(len(kinds))), ok="Clear Selected")
    return [kinds[index] for index in picked or ()]


def check_kinds(asked: Any, names: dict[str, str]) -> list[str]:
    """Raises BadSetting for a kind that there is not."""
    for kind in asked:
        if kind not in names:
            raise BadSetting(f"kind: expected one of {', '.join(names)}, got {kind!r}")
    return list(asked)


def told(cleared: dict[str, int], what: str) -> str:
    counts = short_counts(cleared)
    return f"{counts} {what}" if counts else "Nothing was cleared"


def clear_label(core: Core) -> str:
    counts = short_counts(core.pending())
    return f"Clear Pending... ({counts})" if counts else "Clear Pending..."


CLEAR_ACTIONS = (
    Action(
        "clear_pending", clear_label, clear_pending, "Discards what waits. There is no undo.", order=4,
        menu=SYNC_AND_CACHE, enabled=lambda core: bool(core.pending()),
    ),
    Action(
        "clear_synced", "Clear...", clear_synced, "Forgets the record of what was synced.", order=2, menu=ADVANCED,
        enabled=lambda core: bool(core.status().synced),
    ),
)  # fmt: skip
