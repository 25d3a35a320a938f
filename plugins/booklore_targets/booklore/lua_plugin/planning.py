"""Puts together what becomes of a book of the Lua plugin's. Nothing here reads or writes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from booklore_core import BookRef, Item, Proposal
from booklore_targets.booklore.deletions import UNSHELVE
from booklore_targets.booklore.lua_plugin.book_plan import SOURCE, BookPlan, Circumstances, KnownReading, SentItem
from booklore_targets.booklore.lua_plugin.contents import RATING, BookRows
from booklore_targets.booklore.lua_plugin.mark_rows import items_of
from booklore_targets.booklore.lua_plugin.session_plan import plan_sessions
from booklore_targets.booklore.lua_plugin.session_rows import EARLIEST

DELETION = "deletion"
WAS_OFF = (
    "The plugin that you come from had still to send ratings and highlights of books whose tracking is off. Send them?"
)
DELETED = (
    "Books were deleted on the e-reader, and the plugin that you come from had still to tell the server. Take all of "
    "them off the shelf “{}”?"
)


def plan_book(rows: BookRows, ref: BookRef, known: KnownReading, about: Circumstances) -> BookPlan:
    plan = BookPlan(ref)
    plan_sessions(plan, rows, known, about)
    plan_rating(plan, rows, about)
    plan_marks(plan, rows, about)
    plan_deletion(plan, rows, about)
    for kind, doubts in rows.doubts.items():
        for reason, number in doubts.items():
            plan.counts[f"{kind} left out"] += number
            plan.remark(kind, number, reason)
    return plan


def plan_rating(plan: BookPlan, rows: BookRows, about: Circumstances) -> None:
    if rows.rating is None:
        return
    rating = rows.rating.rating
    body = {"rating": rating, "stars": rating / 2, "device": None, "how": SOURCE}
    item = Item(RATING, rows.book.md5, plan.ref, body, rows.rating.at)
    if rows.rating.is_sent and about.is_same_library:
        plan.sent.append(SentItem(item, None, next(iter(rows.book.ids), None)))
    else:
        offer(plan, rows, [item])


def plan_marks(plan: BookPlan, rows: BookRows, about: Circumstances) -> None:
    """Of what is kept of a mark several times what was kept last; before a note was added it was a highlight."""
    latest: dict[str, tuple[Item, Any]] = {}
    for mark in sorted(rows.marks, key=lambda mark: mark.at):
        latest |= {item.key: (item, mark) for item in items_of(mark, rows.book, plan.ref)}
    for item, mark in latest.values():
        if mark.tries and rows.book.is_tracked:
            given_to = mark.book_id if about.is_same_library and mark.book_id else None
            plan.sent.append(SentItem(item, None, given_to, is_certain=False, tried_at=mark.tried_at or mark.at))
        else:
            offer(plan, rows, [item])


def offer(plan: BookPlan, rows: BookRows, items: Sequence[Item]) -> None:
    """What waits is due; of a book that is not tracked the plugin sends nothing of this, and a person is asked."""
    if rows.book.is_tracked:
        plan.due += items
    else:
        plan.asked += [Proposal(item, WAS_OFF) for item in items]


def plan_deletion(plan: BookPlan, rows: BookRows, about: Circumstances) -> None:
    """The plugin takes a book off its shelf, whatever is chosen here, and is not believed in which one it is: it takes
    the number in a file's name for the server's (§10 B1)."""
    if rows.deletion is None:
        return
    if not about.shelf or rows.book.md5 in about.present:
        plan.counts["deletion left out"] += 1
        return
    body = {"file": rows.deletion.file, "device": None, "policy": UNSHELVE, "shelf": about.shelf}
    at = rows.deletion.at if rows.deletion.at and rows.deletion.at >= EARLIEST else about.now
    item = Item(DELETION, rows.book.md5, plan.ref, body, at)
    plan.asked.append(Proposal(item, DELETED.format(about.shelf)))
