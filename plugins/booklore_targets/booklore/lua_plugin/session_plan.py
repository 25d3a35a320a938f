"""Which sessions follow from those of the Lua plugin, which of them the server has, and which of ours give way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from booklore_core import TOMBSTONE, BookRef, Fact, Item
from booklore_targets.booklore.audit import TOLERANCE
from booklore_targets.booklore.lua_plugin.book_plan import SOURCE, BookPlan, Circumstances, KnownReading, SentItem
from booklore_targets.booklore.lua_plugin.contents import SESSION, BookRows
from booklore_targets.booklore.lua_plugin.loose_values import moment_of, whole_of
from booklore_targets.booklore.lua_plugin.mark_rows import format_of
from booklore_targets.booklore.lua_plugin.session_rows import (
    LAST_PAGE,
    MOMENT,
    TimedRow,
    due_once,
    pieces,
    sent_once,
)
from booklore_targets.booklore.session_body import time_text
from booklore_targets.booklore.sessions import remote_id
from booklore_targets.booklore.spans import Share, Span, Spans, Telling, TimesTold, TimeTold, length_of, without

REST = "rest"
"""The source of what is left of a session that was told live."""

SHORTEST = 5
"""Seconds. KOReader's statistics know of no page that was shown for less."""

CAPPED = "it says that it lasts longer than from its start to its end; what fits counts"


def plan_sessions(plan: BookPlan, rows: BookRows, known: KnownReading, about: Circumstances) -> None:
    """What was sent counts as it is; what waits, as far as its time is nobody's."""
    SessionPlan(plan, rows, known, about).put_together()
    capped = sum(row.is_capped for row in rows.sessions)
    plan.counts["session capped"] += capped
    plan.remark(SESSION, capped, CAPPED, "shortened")


class SessionPlan:
    """What was made here of the same reading as what was sent gives way, unless a target may have it; what is left of
    it counts. So it does to what was tried in vain, which the server may have. own: what is the plugin's. open: when
    the book was open on a device of ours, whose lines tell all that was read then."""

    def __init__(self, plan: BookPlan, rows: BookRows, known: KnownReading, about: Circumstances) -> None:
        self._plan, self._rows, self._about = plan, rows, about
        self._others: list[tuple[Fact, Span]] = []
        self._in_part = known.in_part
        self._sent = {session_key(rows, row.span[0]): row for row in sent_once(rows.sessions)}
        self._own: list[Telling] = list(self._sent.values())
        self._times_sent = Spans(row.told for row in self._sent.values())
        self._sort(known.sessions)
        self._open = known.open

    def _sort(self, held: Iterable[Fact]) -> None:
        """Tells the plugin's own sessions of an earlier time from those of others. What was sent since is told by
        its row, and what was cut of a row beside it is cut anew."""
        for fact in held:
            span = span_of(fact.item)
            if span is None or fact.item.key in self._sent:
                continue
            if fact.item.body.get("source") != SOURCE:
                self._others.append((fact, span))
            elif fact.is_given or not self._times_sent.within(span):
                self._own.append(TimeTold(span, seconds_of(fact.item)))
            else:
                self._take_out(fact)

    def put_together(self) -> None:
        self._plan.counts["session twice"] += sum(map(self._is_sent, self._others))
        for row in self._sent.values():
            item = session_item(self._rows, self._plan.ref, row, row.span, row.duration)
            self._plan.sent.append(sent_session(row, item, self._rows, self._about))
        waiting = due_once(self._rows.sessions)
        self._cut_given()
        given = [(fact, (span, seconds_of(fact.item))) for fact, span in self._others if fact.is_given]
        claiming = self._plan_waiting([row for row in waiting if row.tries], given)
        taking = [*self._sent.values(), *claiming]
        told = [(fact, share) for fact, span in self._others for share in self._left(fact, span, taking)]
        self._plan_waiting([row for row in waiting if not row.tries], told)

    def _is_sent(self, other: tuple[Fact, Span]) -> bool:
        """Whether a session that was made here was given away, and the plugin has sent the same reading."""
        fact, span = other
        return fact.is_given and length_of(self._times_sent.within(span)) > TOLERANCE

    def _cut_given(self) -> None:
        """What was sent in part, beside what the plugin had sent, counts as the rest that it was."""
        for place, (fact, span) in enumerate(self._others):
            if fact.item.key not in self._in_part or fact.item.body.get("is_rest"):
                continue
            rest = without(span, seconds_of(fact.item), self._sent.values(), SHORTEST)
            if rest and rest != [(span, seconds_of(fact.item))]:
                hull, seconds = (rest[0][0][0], rest[-1][0][1]), sum(worth for _, worth in rest)
                item = self._rest(fact.item, hull, seconds)
                item = replace(
                    item, key=fact.item.key, body={**item.body, "is_rest": True}, occurred_at=fact.item.occurred_at
                )
                self._plan.due.append(item)
                self._others[place] = replace(fact, item=item), hull

    def _left(self, fact: Fact, span: Span, claiming: Sequence[TimedRow]) -> list[Share]:
        """What of a session that was made here still counts. Most of what was told live stays so, or goes."""
        overlapping = [row for row in claiming if row.told[0] < span[1] and span[0] < row.told[1]]
        if fact.is_given or not overlapping:
            return [(span, seconds_of(fact.item))]
        self._take_out(fact)
        is_live = bool(fact.item.body.get("stretches"))
        least = MOMENT if is_live else SHORTEST
        shares = without(span, seconds_of(fact.item), overlapping, least)
        left = [(part, seconds) for part, seconds in shares if not (is_live and is_last_page(part, overlapping))]
        self._plan.due += [self._rest(fact.item, part, seconds) for part, seconds in left]
        return left

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

    def _plan_waiting(self, rows: Iterable[TimedRow], others: Sequence[tuple[Fact, Share]]) -> list[TimedRow]:
        """Plans what of rows counts beside others; from here on it is nobody else's. Returns those that count."""
        by_files = Spans(span for fact, (span, _) in others if not fact.item.body.get("stretches"))
        live = Spans(span for fact, (span, _) in others if fact.item.body.get("stretches"))
        known = [*(share for _, share in others), *((span, 0) for span in self._open if live.within(span))]
        told = TimesTold([*(TimeTold(*share) for share in known), *self._own])
        counting = []
        for row in rows:
            parts = pieces(row, by_files, told)
            is_whole = parts == [(row.span, row.duration)]
            for one in [row] if is_whole else [TimeTold(*part) for part in parts]:
                self._own.append(one)
                told.add(one)
            self._take(row, parts, is_whole)
            counting += [row] if parts else []
        return counting

    def _take(self, row: TimedRow, parts: Sequence[Share], is_whole: bool) -> None:
        """Has parts of a row sent, or what was tried looked for: it may be there all the same."""
        items = [session_item(self._rows, self._plan.ref, row, *part) for part in parts]
        if row.tries and is_whole:
            given_to = row.book_id if self._about.is_same_library and row.book_id else None
            at = row.tried_at or row.end
            self._plan.sent.append(SentItem(items[0], None, given_to, is_certain=False, tried_at=at))
        else:
            self._plan.due += items
        self._plan.counts["session accounted for"] += not items


def is_last_page(part: Span, rows: Iterable[TimedRow]) -> bool:
    """Whether what is left of a session is no more than the last page of a row that begins where the row ends."""
    begin, end = part
    return end - begin <= LAST_PAGE and any(row.lacks_last_page and row.span[1] == begin for row in rows)


def span_of(item: Item) -> Span | None:
    """None for a session that does not tell its time."""
    start, end = (moment_of(item.body.get(name)) for name in ("start", "end"))
    return (int(start.timestamp()), int(end.timestamp())) if start and end else None


def seconds_of(item: Item) -> int:
    return whole_of(item.body.get("duration")) or 0


def session_key(rows: BookRows, start: int) -> str:
    return f"lua:{rows.book.md5}:{start}"


def session_item(rows: BookRows, ref: BookRef, row: TimedRow, part: Span, seconds: int) -> Item:
    """The session that a part of a row is, in the shape of live ones. Its end may lack the time of the last page
    (§10 F6). Where in the book the row was cut nobody knows."""
    begin, end = (datetime.fromtimestamp(moment, row.start.tzinfo) for moment in part)
    places = places_of(row, begin == row.start, end == row.end)
    first, last = places["start_page"], places["end_page"]
    body: dict[str, Any] = {
        "start": time_text(begin),
        "end": time_text(end),
        "duration": seconds,
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
