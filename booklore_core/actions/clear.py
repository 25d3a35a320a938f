"""Clearing queues, histories and the book cache, on a person's word only."""

from collections.abc import Callable, Generator, Mapping
from typing import TYPE_CHECKING, Any

from booklore_core.actions.submenus import ADVANCED, SYNC_AND_CACHE
from booklore_core.flows import Action, Confirm, Flow, Pick, Question, Request, Result
from booklore_core.kinds import Kind
from booklore_core.settings import BadSetting
from booklore_core.storage.counts import has_delivered

if TYPE_CHECKING:
    from booklore_core.core import Core

Kinds = Generator[Question, Any, list[str]]


def clear_pending(core: "Core", request: Request) -> Flow:
    """Clear Pending…: discards what waits, by kind. There is no undo; a later import does not bring it back."""
    text = "Clear pending items? There is no undo."
    kinds = yield from which(core, core.pending(), request, text, lambda kind: kind.many.capitalize())
    cleared = {kind: core.outbox.clear(kind, core.clock()) for kind in kinds}
    return Result(told(core, cleared, "cleared"), data=cleared)


def clear_synced(core: "Core", request: Request) -> Flow:
    """Advanced → Clear…: forgets the record of what was synced. What is on the server stays and is not sent again."""
    text = "Clear the history of synced items?"
    kinds = yield from which(core, core.status().synced, request, text, lambda kind: kind.history_name)
    cleared = {kind: core.ledger.forget(kind) for kind in kinds}
    return Result(told(core, cleared, "cleared from the history"), data=cleared)


def which(core: "Core", counts: Mapping[str, int], request: Request, text: str, name: Callable[[Kind], str]) -> Kinds:
    """The kinds to clear: those asked for, or those a person picks among the ones that hold something."""
    asked = request.args.get("kinds")
    if asked is not None:
        return check_kinds(core, counts, asked)
    found = core.kinds.counted(counts)
    if not found:
        return []
    options = [f"{name(kind)} ({count})" for kind, count in found]
    picked = yield Pick(text, options, chosen=tuple(range(len(found))), ok="Clear Selected")
    return [found[index][0].name for index in picked or ()]


def check_kinds(core: "Core", counts: Mapping[str, int], asked: Any) -> list[str]:
    """Raises BadSetting for a kind that there is not."""
    known = list(dict.fromkeys([*core.kinds, *counts]))
    for kind in asked:
        if kind not in known:
            raise BadSetting(f"kind: expected one of {', '.join(known)}, got {kind!r}")
    return list(asked)


def told(core: "Core", cleared: Mapping[str, int], what: str) -> str:
    counts = core.kinds.in_words(cleared)
    return f"{counts} {what}" if counts else "Nothing was cleared"


def clear_label(core: "Core") -> str:
    counts = core.kinds.short_counts(core.pending())
    return f"Clear Pending... ({counts})" if counts else "Clear Pending..."


def clear_cache(core: "Core", request: Request) -> Flow:
    """Clear Cache: forgets matches and file paths. Identities, queues and what was synced stay."""
    text = "Forget which books match, also those matched by hand, and where their files lie?"
    asks = request.device is None  # the manual: on the e-reader no dialog is shown
    if asks and not (yield Confirm(text, ok="Clear Cache")):
        return Result("Nothing was cleared", ok=False, data={"matches": 0, "files": 0})
    with core.database.writing():
        cleared = {"matches": core.books.forget_matches(), "files": core.books.forget_files()}
    return Result("Cache cleared", data=cleared)


def has_books(core: "Core") -> bool:
    return core.count_books()["total"] > 0


CLEAR_ACTIONS = (
    Action(
        "clear_pending", clear_label, clear_pending, "Discards what waits. There is no undo.", order=4,
        menu=SYNC_AND_CACHE, enabled=lambda core: bool(core.pending()),
    ),
    Action(
        "clear_cache", "Clear Cache", clear_cache, "Forgets matches and file paths; nothing that waits is lost.",
        order=5, menu=SYNC_AND_CACHE, enabled=has_books,
    ),
    Action(
        "clear_synced", "Clear...", clear_synced, "Forgets the record of what was synced.", order=2, menu=ADVANCED,
        enabled=lambda core: has_delivered(core.database),
    ),
)  # fmt: skip
