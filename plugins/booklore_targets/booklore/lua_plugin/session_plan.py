"""Which sessions follow from those of the Lua plugin, which of them the server has, and which of ours give way."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from booklore_core import TOMBSTONE, BookRef, Fact, Item
from booklore_targets.booklore.lua_plugin.book_plan import SOURCE, BookPlan, Circumstances, SentItem
from booklore_targets.booklore.lua_plugin.contents import SESSION, BookRows
from booklore_targets.booklore.lua_plugin.loose_values import moment_of
from booklore_targets.booklore.lua_plugin.mark_rows import format_of
from booklore_targets.booklore.lua_plugin.session_rows import Span, Spans, TimedRow, due_once, pieces, sent_once
from booklore_targets.booklore.session_body import time_text
from booklore_targets.booklore.sessions import remote_id

CAPPED = "it says that it lasts longer than from its start to its end; what fits counts"


def plan_sessions(plan: BookPlan, rows: BookRows, held: Iterable[Fact], about: Circumstances) -> None:
    """What was sent counts as it is, and what was made here of the same reading gives way unless a target may have it;
    so it does to what was tried in vain, which the server may have. What waits counts as far as its time is nobody's:
    neither another's nor that of what was sent. held: the sessions that there are already of the book."""
    sent = {session_key(rows, row.span[0]): row for row in sent_once(rows.sessions)}
    plan.sent += [sent_session(row, session_item(rows, plan.ref, row, row.span), rows, about) for row in sent.values()]
    waiting = {session_key(rows, row.span[0]): row for row in due_once(rows.sessions)}
    claimed = Spans(row.span for row in (*sent.values(), *waiting.values()) if row.is_synced or row.tries)
    kept: dict[str, tuple[Fact, Span]] = {}
    for key, (fact, span) in with_spans(held).items():
        is_own = key in sent or (key in waiting and waiting[key].tries > 0)
        if is_own or not gives_way(fact, span, claimed):
            kept[key] = fact, span
        else:
            plan.gone.append(replace(fact.item, body=TOMBSTONE))
    own, told = Spans(row.span for row in sent.values()), Spans()
    for fact, span in kept.values():
        (own if fact.item.body.get("source") == SOURCE else told).add(span)
    for key, row in waiting.items():
        plan_waiting(plan, rows, row, [] if key in kept else pieces(row, told, own), own, about)
    capped = sum(row.is_capped for row in rows.sessions)
    plan.counts["session capped"] += capped
    plan.remark(SESSION, capped, CAPPED, "shortened")


def with_spans(held: Iterable[Fact]) -> dict[str, tuple[Fact, Span]]:
    """By key, those that tell their time."""
    found = {}
    for fact in held:
        start, end = (moment_of(fact.item.body.get(name)) for name in ("start", "end"))
        if start and end:
            found[fact.item.key] = fact, (int(start.timestamp()), int(end.timestamp()))
    return found


def gives_way(fact: Fact, span: Span, sent: Spans) -> bool:
    """Whether a session that was made here is of reading that the server has from the plugin. What was made of a file
    can be made anew without it; of what was told live most must be there."""
    common = sum(end - begin for begin, end in sent.within(span))
    least = (span[1] - span[0]) / 2 if fact.item.body.get("stretches") else 0
    return not fact.is_given and common > least


def plan_waiting(
    plan: BookPlan, rows: BookRows, row: TimedRow, parts: list[Span], own: Spans, about: Circumstances
) -> None:
    """parts: what of it counts, from here on nobody else's. One that was tried in vain may be there all the same."""
    for part in parts:
        own.add(part)
    items = [session_item(rows, plan.ref, row, part) for part in parts]
    if row.tries and len(items) == 1:
        given_to = row.book_id if about.is_same_library and row.book_id else None
        plan.sent.append(SentItem(items[0], None, given_to, is_certain=False, tried_at=row.tried_at or row.end))
    else:
        plan.due += items
    plan.counts["session accounted for"] += not items


def session_key(rows: BookRows, start: int) -> str:
    return f"lua:{rows.book.md5}:{start}"


def session_item(rows: BookRows, ref: BookRef, row: TimedRow, part: Span) -> Item:
    """The session that a part of a row is, in the shape of live ones. Its end may lack the time of the last page
    (§10 F6). Where in the book the row was cut nobody knows."""
    begin, end = (datetime.fromtimestamp(moment, row.start.tzinfo) for moment in part)
    places = places_of(row, begin == row.start, end == row.end)
    first, last = places["start_page"], places["end_page"]
    share = (part[1] - part[0]) / ((row.span[1] - row.span[0]) or 1)
    body: dict[str, Any] = {
        "start": time_text(begin),
        "end": time_text(end),
        "duration": round(row.duration * share) if part != row.span else row.duration,
        **places,
        "turns": None if first is None or last is None else abs(last - first),
        "device": None,
        "format": format_of(rows.book.file),
        "stretches": [],
        "source": SOURCE,
    }
    return Item(SESSION, session_key(rows, part[0]), ref, body, begin)


def places_of(row: TimedRow, *are_whole: bool) -> dict[str, Any]:
    """Where in the book a session began and ended, as far as it did there."""
    found: dict[str, Any] = {}
    for side, percent, place, is_whole in zip(("start", "end"), row.percents, row.places, are_whole, strict=True):
        page = page_of(place) if is_whole else None
        found[f"{side}_percent"] = percent if is_whole else None
        found[f"{side}_position"] = place if is_whole and page is None and place else None
        found[f"{side}_page"] = page
    return found


def page_of(place: str) -> int | None:
    """The number of a page that reads the same as it was sent."""
    return int(place) if place.isascii() and place.isdecimal() and len(place) < 9 and str(int(place)) == place else None


def sent_session(row: TimedRow, item: Item, rows: BookRows, about: Circumstances) -> SentItem:
    if not about.is_same_library:
        return SentItem(item, is_certain=False, tried_at=row.end)
    book_id = row.book_id or next(iter(rows.book.ids), None)
    own_id = remote_id(book_id, {"startTime": item.body["start"]}) if book_id else None
    return SentItem(item, own_id, book_id)
