"""Which sessions follow from those of the Lua plugin, which of them the server has, and which of ours give way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from booklore_core import TOMBSTONE, BookRef, Fact, Item
from booklore_targets.booklore.lua_plugin.book_plan import SOURCE, BookPlan, Circumstances, SentItem
from booklore_targets.booklore.lua_plugin.contents import SESSION, BookRows
from booklore_targets.booklore.lua_plugin.loose_values import moment_of, whole_of
from booklore_targets.booklore.lua_plugin.mark_rows import format_of
from booklore_targets.booklore.lua_plugin.session_rows import (
    MOMENT,
    TimedRow,
    due_once,
    pieces,
    sent_once,
)
from booklore_targets.booklore.session_body import time_text
from booklore_targets.booklore.sessions import remote_id
from booklore_targets.booklore.spans import Span, Spans, without

REST = "rest"
"""The source of what is left of a session that was told live."""

SHORTEST = 5
"""Seconds. KOReader's statistics know of no page that was shown for less."""

CAPPED = "it says that it lasts longer than from its start to its end; what fits counts"


def plan_sessions(plan: BookPlan, rows: BookRows, held: Iterable[Fact], about: Circumstances) -> None:
    """What was sent counts as it is; what waits, as far as its time is nobody's. held: the sessions that there are
    already of the book."""
    SessionPlan(plan, rows, held, about).put_together()
    capped = sum(row.is_capped for row in rows.sessions)
    plan.counts["session capped"] += capped
    plan.remark(SESSION, capped, CAPPED, "shortened")


class SessionPlan:
    """What was made here of the same reading as what was sent gives way, unless a target may have it; what is left of
    it counts. So it does to what was tried in vain, which the server may have. own: the time that is the plugin's."""

    def __init__(self, plan: BookPlan, rows: BookRows, held: Iterable[Fact], about: Circumstances) -> None:
        self._plan, self._rows, self._about = plan, rows, about
        self._others: list[tuple[Fact, Span]] = []
        self._sent = {session_key(rows, row.span[0]): row for row in sent_once(rows.sessions)}
        self._own = Spans(row.told for row in self._sent.values())
        self._sort(held)

    def _sort(self, held: Iterable[Fact]) -> None:
        """Tells the plugin's own sessions of an earlier time from those of others. What was sent since is told by
        its row, and what was cut of a row beside it is cut anew."""
        sent = Spans(row.told for row in self._sent.values())
        for fact in held:
            span = span_of(fact.item)
            if span is None or fact.item.key in self._sent:
                continue
            if fact.item.body.get("source") != SOURCE:
                self._others.append((fact, span))
            elif fact.is_given or not sent.within(span):
                self._own.add(span)
            else:
                self._take_out(fact)

    def put_together(self) -> None:
        for row in self._sent.values():
            item = session_item(self._rows, self._plan.ref, row, row.span)
            self._plan.sent.append(sent_session(row, item, self._rows, self._about))
        waiting = due_once(self._rows.sessions)
        tried = [row for row in waiting if row.tries]
        certain = Spans(span for fact, span in self._others if fact.is_given)
        claiming = [row for row in tried if self._plan_waiting(row, certain)]
        told = Spans(span for other in self._others for span in self._left(*other, [*self._sent.values(), *claiming]))
        for row in waiting:
            if not row.tries:
                self._plan_waiting(row, told)

    def _left(self, fact: Fact, span: Span, claiming: Sequence[TimedRow]) -> list[Span]:
        """When a session that was made here still counts. Most of what was told live stays as it was told, or goes."""
        overlapping = [row for row in claiming if row.told[0] < span[1] and span[0] < row.told[1]]
        if fact.is_given or not overlapping:
            return [span]
        self._take_out(fact)
        least = MOMENT if fact.item.body.get("stretches") else SHORTEST
        left = without(span, whole_of(fact.item.body.get("duration")) or 0, overlapping, least)
        self._plan.due += [self._rest(fact.item, part, seconds) for part, seconds in left]
        return [part for part, _ in left]

    def _take_out(self, fact: Fact) -> None:
        self._plan.gone.append(replace(fact.item, body=TOMBSTONE))

    def _rest(self, item: Item, part: Span, seconds: int) -> Item:
        """What is left of a session that gives way; where in the book it was cut nobody knows."""
        begin, end = (datetime.fromtimestamp(moment, UTC) for moment in part)
        times = {"start": time_text(begin), "end": time_text(end), "duration": seconds}
        told = {"turns": None, "source": item.body.get("source") or REST}
        for side, is_whole in (
            ("start", item.body["start"] == times["start"]),
            ("end", item.body["end"] == times["end"]),
        ):
            names = () if is_whole else ("percent", "position", "page")
            told |= {f"{side}_{name}": None for name in names}
        body = {name: value for name, value in item.body.items() if name != "stretches"}
        key = f"{told['source']}:{item.book.partial_md5}:{part[0]}"
        return Item(SESSION, key, item.book, {**body, **times, **told}, begin)

    def _plan_waiting(self, row: TimedRow, told: Spans) -> Sequence[Span]:
        """What of a row counts; from here on it is nobody else's. One that was tried may be there all the same."""
        parts = pieces(row, told, self._own)
        for part in parts:
            self._own.add(row.told if part == row.span else part)
        items = [session_item(self._rows, self._plan.ref, row, part) for part in parts]
        if row.tries and parts == [row.span]:
            given_to = row.book_id if self._about.is_same_library and row.book_id else None
            at = row.tried_at or row.end
            self._plan.sent.append(SentItem(items[0], None, given_to, is_certain=False, tried_at=at))
        else:
            self._plan.due += items
        self._plan.counts["session accounted for"] += not items
        return parts


def span_of(item: Item) -> Span | None:
    """None for a session that does not tell its time."""
    start, end = (moment_of(item.body.get(name)) for name in ("start", "end"))
    return (int(start.timestamp()), int(end.timestamp())) if start and end else None


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
