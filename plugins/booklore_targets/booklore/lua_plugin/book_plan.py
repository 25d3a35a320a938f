"""What becomes of one book of the Lua plugin's: the facts that follow, which of them the server has, what gives way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from booklore_core import TOMBSTONE, BookRef, Fact, Facts, Item, Proposal, Remark
from booklore_targets.booklore.deletions import UNSHELVE
from booklore_targets.booklore.lua_plugin.contents import RATING, SESSION, BookRows
from booklore_targets.booklore.lua_plugin.loose_values import counted, one_line
from booklore_targets.booklore.lua_plugin.mark_rows import format_of, items_of
from booklore_targets.booklore.lua_plugin.session_rows import (
    EARLIEST,
    Span,
    Spans,
    TimedRow,
    due_once,
    pieces,
    sent_once,
)
from booklore_targets.booklore.session_body import read_time, time_text
from booklore_targets.booklore.sessions import remote_id

SOURCE, DELETION = "lua", "deletion"
CAPPED = "it says that it lasts longer than from its start to its end; what fits counts"
WAS_OFF = (
    "The plugin that you come from had still to send ratings and highlights of books whose tracking is off. Send them?"
)
DELETED = (
    "Books were deleted on the e-reader, and the plugin that you come from had still to tell the server. Take all of "
    "them off the shelf “{}”?"
)


@dataclass(frozen=True)
class SentItem:
    """An item that the plugin has sent, for certain or perhaps. given_to: the server's number of the book, None where
    that is not known. tried_at: when it was sent perhaps."""

    item: Item
    remote_id: str | None = None
    given_to: str | None = None
    is_certain: bool = True
    tried_at: datetime | None = None


@dataclass
class BookPlan:
    """due: facts that no target has. sent: those that the server has, perhaps. gone: facts that were made here of the
    same reading and that nobody has been told of. counts: by what."""

    ref: BookRef
    due: list[Item] = field(default_factory=list)
    sent: list[SentItem] = field(default_factory=list)
    gone: list[Item] = field(default_factory=list)
    asked: list[Proposal] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def items(self) -> list[Item]:
        """All that is put into the outbox, what gives way first."""
        return [*self.gone, *(one.item for one in self.sent), *self.due]


@dataclass(frozen=True)
class Circumstances:
    """What is the same for all books. is_same_library: whether the server here is the plugin's; else what was sent is
    looked for there. rates_by_stars: whether the plugin's ratings are KOReader's stars. shelf: that a deleted book is
    taken off, "" where the server is told of no deletion. present: the books that lie on a device by now."""

    now: datetime
    is_same_library: bool
    rates_by_stars: bool
    shelf: str
    present: frozenset[str] = frozenset()


def plan_book(rows: BookRows, ref: BookRef, facts: Facts, about: Circumstances) -> BookPlan:
    """Reads facts and changes nothing."""
    plan = BookPlan(ref)
    plan_sessions(plan, rows, facts, about)
    plan_rating(plan, rows, about)
    plan_marks(plan, rows, about)
    plan_deletion(plan, rows, about)
    for kind, doubts in rows.doubts.items():
        for reason, number in doubts.items():
            plan.counts[f"{kind} left out"] += number
            plan.remarks.append(remark(plan, kind, number, reason))
    return plan


def remark(plan: BookPlan, kind: str, number: int, reason: str, how: str = "not taken over") -> Remark:
    """Why rows of the plugin are not taken as they are."""
    name = f"“{one_line(plan.ref.title)}”" if plan.ref.title else "a book"
    what = f"{counted(number, kind)} of {name} that the Lua plugin kept {'is' if number == 1 else 'are'} {how}"
    text = f"{what}: {reason}" if number == 1 else f"{what}; of each of them: {reason}"
    return Remark(f"lua {kind} {reason} {plan.ref.partial_md5}", plan.ref, text)


def plan_sessions(plan: BookPlan, rows: BookRows, facts: Facts, about: Circumstances) -> None:
    """What was sent counts as it is, and what was made here of the same reading gives way unless a target may have it.
    What waits counts as far as its time is nobody's: neither another's nor that of what was sent."""
    sent = {session_key(rows, row.span[0]): row for row in sent_once(rows.sessions)}
    known = known_sessions(facts, plan.ref)
    spans = Spans(row.span for row in sent.values())
    gone = {fact.item.key for fact in known if fact.item.key not in sent and gives_way(fact, spans)}
    plan.gone += [replace(fact.item, body=TOMBSTONE) for fact in known if fact.item.key in gone]
    plan.sent += [sent_session(row, session_item(rows, plan.ref, row, row.span), rows, about) for row in sent.values()]
    rest = [fact.item for fact in known if fact.item.key not in gone]
    told = Spans(span_of(item) for item in rest if item.body.get("source") != SOURCE)
    for item in rest:
        if item.body.get("source") == SOURCE:
            spans.add(span_of(item))
    held = {item.key for item in rest}
    for row in due_once(rows.sessions):
        parts = [] if session_key(rows, row.span[0]) in held else pieces(row, told, spans)
        for part in parts:
            spans.add(part)
        items = [session_item(rows, plan.ref, row, part) for part in parts]
        plan.counts["session accounted for"] += not items
        is_tried = row.tries > 0 and len(items) == 1
        plan.sent += [perhaps_sent(row, item, about) for item in items if is_tried]
        plan.due += [item for item in items if not is_tried]
    capped = sum(row.is_capped for row in rows.sessions)
    if capped:
        plan.counts["session capped"] += capped
        plan.remarks.append(remark(plan, SESSION, capped, CAPPED, "shortened"))


def known_sessions(facts: Facts, ref: BookRef) -> list[Fact]:
    found = facts.known(SESSION, [item.key for item in facts.of(SESSION, ref)])
    return [fact for fact in found if not fact.item.is_tombstone]


def gives_way(fact: Fact, sent: Spans) -> bool:
    """Whether a session that was made here is of reading that the server has from the plugin. What was made of a file
    can be made anew without it; of what was told live most must be there."""
    span = span_of(fact.item)
    common = sum(end - begin for begin, end in sent.within(span))
    least = (span[1] - span[0]) / 2 if fact.item.body.get("stretches") else 0
    return not fact.is_given and common > least


def span_of(item: Item) -> Span:
    start, end = (int(read_time(item.body, name).timestamp()) for name in ("start", "end"))
    return start, end


def session_key(rows: BookRows, start: int) -> str:
    return f"lua:{rows.book.md5}:{start}"


def session_item(rows: BookRows, ref: BookRef, row: TimedRow, part: Span) -> Item:
    """The session that a part of a row is: the shape of live ones. Its end may lack the time of the last page (§10 F6).

    Where the part begins or ends elsewhere than the row, nobody knows where in the book that was.
    """
    begin, end = (datetime.fromtimestamp(moment, row.start.tzinfo) for moment in part)
    is_first, is_last = begin == row.start, end == row.end
    share = (part[1] - part[0]) / ((row.span[1] - row.span[0]) or 1)
    pages = [page_of(place) for place in row.places]
    body: dict[str, Any] = {
        "start": time_text(begin),
        "end": time_text(end),
        "duration": row.duration if part == row.span else round(row.duration * share),
        "start_percent": row.percents[0] if is_first else None,
        "end_percent": row.percents[1] if is_last else None,
        "start_position": row.places[0] or None if is_first and pages[0] is None else None,
        "end_position": row.places[1] or None if is_last and pages[1] is None else None,
        "start_page": pages[0] if is_first else None,
        "end_page": pages[1] if is_last else None,
        "turns": abs(pages[1] - pages[0]) if is_first and is_last and pages[0] and pages[1] else None,
        "device": None,
        "format": format_of(rows.book.file),
        "stretches": [],
        "source": SOURCE,
    }
    return Item(SESSION, session_key(rows, part[0]), ref, body, begin)


def page_of(place: str) -> int | None:
    """The number of a page that reads the same as it was sent."""
    return int(place) if place.isascii() and place.isdecimal() and len(place) < 9 and str(int(place)) == place else None


def sent_session(row: TimedRow, item: Item, rows: BookRows, about: Circumstances) -> SentItem:
    book_id = row.book_id or next(iter(rows.book.ids), None)
    if not about.is_same_library:
        return SentItem(item, is_certain=False, tried_at=row.end)
    own_id = remote_id(book_id, {"startTime": item.body["start"]}) if book_id else None
    return SentItem(item, own_id, book_id)


def perhaps_sent(row: TimedRow, item: Item, about: Circumstances) -> SentItem:
    given_to = row.book_id if about.is_same_library and row.book_id else None
    return SentItem(item, None, given_to, is_certain=False, tried_at=row.tried_at or row.end)


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
