"""Clearing queues, histories and the book cache, on a person's word only."""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from booklore_core.actions.own import ADVANCED, SYNC_AND_CACHE, action, counted
from booklore_core.core import Core
from booklore_core.flows import Confirm, Flow, Pick, Question, Request, Result
from booklore_core.kinds import Kind
from booklore_core.settings import BadSetting
from booklore_core.storage.counts import has_delivered, read_asked, total_of

Kinds = Generator[Question, Any, list[str] | None]


@action(
    lambda core: counted("Clear Pending...", core.kinds.short_counts(core.pending())),
    "Discards what waits. There is no undo.", order=4, menu=SYNC_AND_CACHE, enabled=lambda core: bool(core.pending()),
)  # fmt: skip
def clear_pending(core: Core, request: Request) -> Flow:
    """Clear Pending…: discards what waits, by kind. There is no undo; a later import does not bring it back.

    args: kinds, without which a person picks.
    """
    text = "Clear pending items? There is no undo."
    kinds = yield from which(core, core.pending(), request, text, lambda kind: kind.many.capitalize())
    result = clear(core, kinds, lambda kind: core.outbox.clear(kind, core.clock()), "cleared")
    asked = core.kinds.in_words(total_of(read_asked(core.database)))
    told = f"{result.message}; not what you are asked about, {asked}: `booklore answer` or Answer Questions… ends that"
    return replace(result, message=told) if asked else result


@action(
    "Clear...", "Forgets the record of what was synced.", order=2, menu=ADVANCED,
    enabled=lambda core: has_delivered(core.database),
)  # fmt: skip
def clear_synced(core: Core, request: Request) -> Flow:
    """Advanced → Clear…: forgets the record of what was synced. What is on the server stays and is not sent again.

    args: kinds, without which a person picks.
    """
    text = "Clear the history of synced items?"
    kinds = yield from which(core, core.status().synced, request, text, lambda kind: kind.history_name)
    return clear(core, kinds, core.ledger.forget, "cleared from the history")


def which(core: Core, counts: Mapping[str, int], request: Request, text: str, name: Callable[[Kind], str]) -> Kinds:
    """The kinds to clear: those asked for, or those a person picks among the ones that hold something; None
    when they cancel. Raises BadSetting for a kind that there is not.
    """
    known = list(dict.fromkeys([*core.kinds, *counts]))
    asked = request.args.get("kinds")
    if asked is not None:
        strange = next((kind for kind in asked if kind not in known), None)
        if strange is not None:
            raise BadSetting(f"kind: expected one of {', '.join(known)}, got {strange!r}")
        return list(asked)
    found = core.kinds.counted(counts)
    if not found:
        return []
    options = [f"{name(kind)} ({count})" for kind, count in found]
    chosen = tuple(range(len(found))) if request.device else ()  # at a terminal Return alone must not clear anything
    picked = yield Pick(text, options, chosen, ok="Clear Selected")
    return None if picked is None else [found[index][0].name for index in picked]


def clear(core: Core, kinds: Sequence[str] | None, clear_one: Callable[[str], int], what: str) -> Result:
    """Clears the kinds and says how many items that were. None: the person has thought better of it."""
    cleared = {kind: clear_one(kind) for kind in kinds or ()}
    counts = core.kinds.in_words(cleared)
    return Result(f"{counts} {what}" if counts else "Nothing was cleared", ok=kinds is not None, data=cleared)


@action(
    "Clear Cache", "Forgets matches and file paths; nothing that waits is lost.", order=5, menu=SYNC_AND_CACHE,
    enabled=lambda core: core.count_books()["total"] > 0,
)  # fmt: skip
def clear_cache(core: Core, request: Request) -> Flow:
    """Clear Cache: forgets matches and file paths. Identities, queues and what was synced stay. args: none."""
    text = "Forget which books match, also those matched by hand, and where their files lie?"
    asks = request.device is None  # the manual: on the e-reader no dialog is shown
    if asks and not (yield Confirm(text, ok="Clear Cache")):
        return Result("Nothing was cleared", ok=False, data={"matches": 0, "files": 0})
    with core.database.writing():
        cleared = {"matches": core.books.forget_matches(), "files": core.books.forget_files()}
    return Result("Cache cleared", data=cleared)
