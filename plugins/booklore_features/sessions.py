"""Reading sessions: from opening or waking up to closing or going to sleep.

A stretch begins with an opening (`book_open`, or `resume` with a book) and ends with the first `book_close`; one whose
device died ends with its last line, once the device tells of another opening. It is cut where nobody read for long.
Short stretches are joined with their neighbours of the same book when the pause between them is short.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from booklore_core import (
    TOMBSTONE,
    BookClose,
    BookOpen,
    Event,
    Facts,
    Item,
    Journal,
    Kind,
    PageTurns,
    Remark,
    Resume,
    Section,
    Setting,
    hookimpl,
)
from booklore_features.clocks import Times, fault_of, times_of
from booklore_features.imported import Imported, TimeSpan, rest, span_of
from booklore_features.joining import DURATION, PAGES, Neighbourhood, Rules, is_run, join, neighbourhood
from booklore_features.session_tables import VIEWS
from booklore_features.stretches import ALL, Span, Stretch, keys_in

LONGEST = 24 * 3600
"""Seconds that a setting may ask for."""

REACHES = (4, 16, 64, 256, 1024)
"""How many openings back and on are read, more only while stretches may still be joined across the end of what was."""

SHORT = "no more passed by the device's clock before the next one"

EARLIER = 24
"""How many openings further back a session may have begun that reaches into the stretches at hand."""


@hookimpl
def register_kinds() -> Iterable[Kind]:
    past = "Historical sessions"
    yield Kind("session", "S", "session", "sessions", 50, VIEWS, past, label_rank=10, seconds="duration")


@hookimpl
def register_settings() -> Iterable[Setting]:
    yield Setting("enabled", bool, True, "Whether reading sessions are recorded", label="Reading sessions")
    yield Setting(
        "mode", str, DURATION, "What makes a session count", choices=(DURATION, PAGES), label="Detection mode"
    )
    yield Setting(
        "min_duration", int, 30, "Shortest session", label="Minimum duration", low=0, high=LONGEST, unit="seconds"
    )
    yield Setting(
        "min_pages",
        int,
        5,
        "Fewest page turns of a session",
        label="Minimum pages read",
        low=1,
        high=10_000,
        unit="pages",
    )
    yield Setting(
        "idle_cap",
        int,
        600,
        "Most reading time that one page counts",
        label="Longest time on a page",
        low=1,
        high=LONGEST,
        unit="seconds",
    )
    yield Setting(
        "decimals",
        int,
        2,
        "Decimal places of the progress that is sent",
        label="Progress decimal places",
        low=0,
        high=5,
    )


@hookimpl
def on_book_open(event: BookOpen, journal: Journal, facts: Facts, settings: Section) -> Iterator[Item | Remark] | None:
    return None if journal.goes_on(event) else sessions(event, journal, facts, settings)


@hookimpl
def on_resume(event: Resume, journal: Journal, facts: Facts, settings: Section) -> Iterator[Item | Remark] | None:
    return sessions(event, journal, facts, settings) if event.book and not journal.goes_on(event) else None


@hookimpl
def on_page_turns(
    event: PageTurns, journal: Journal, facts: Facts, settings: Section
) -> Iterator[Item | Remark] | None:
    is_alone = journal.is_last(event) and journal.begun_with(event) == event.order  # it ends nothing
    return None if is_alone or journal.goes_on(event) else sessions(event, journal, facts, settings)


@hookimpl
def on_book_close(
    event: BookClose, journal: Journal, facts: Facts, settings: Section
) -> Iterator[Item | Remark] | None:
    told_later = event.reason == "sidecar" or journal.goes_on(event)
    return None if told_later else sessions(event, journal, facts, settings)


def sessions(event: Event, journal: Journal, facts: Facts, settings: Section) -> Iterator[Item | Remark]:
    """The sessions that the device's lines around event make: the same ones in whatever order the lines arrived.

    Servers cannot take a session back. So one that a target may have stays as it is, with the stretches that went into
    it; the others are made anew, and those that are none any more are taken out again. What a file of past reading told
    of the same time counts once, see `imported`.
    """
    rules = Rules.of(settings)
    near = find_neighbourhood(event, journal, rules)
    if near is None:
        return
    earlier, imported = Earlier(event, journal, facts, near), Imported(near.stretches, facts)
    while True:
        free = earlier.free(imported.cut(near.stretches, rules.idle_cap), rules.idle_cap)
        told = [(joined, *session(joined, journal, rules)) for joined in join(free, rules)]
        if imported.is_settled(item for _, item, _ in told if item):
            break
    made = {item.key: item for _, item, _ in told if item}
    yield from (remark for _, _, remark in told if remark)
    yield from earlier.gone(near.stretches, made, [one.span for joined, item, _ in told if item for one in joined])
    yield from imported.gone()
    yield from made.values()


def find_neighbourhood(event: Event, journal: Journal, rules: Rules) -> Neighbourhood | None:
    near, since = None, journal.begun_with(event)
    for reach in REACHES:
        near, is_whole = neighbourhood(event, since, journal.around(event, reach, since), reach, rules)
        if is_whole:
            break
    return near


class Earlier:
    """The sessions that were made before of some stretches and of those just before them."""

    def __init__(self, event: Event, journal: Journal, facts: Facts, near: Neighbourhood) -> None:
        before = journal.openings(near.stretches[0].first, EARLIER)
        keys = [f"{event.device}:{first}" for first in before] + [key for line in near.before for key in keys_in(line)]
        known = [fact for fact in facts.known("session", dict.fromkeys(keys)) if fact.item.body.get("stretches")]
        ids = {line for fact in known for first, last, *_ in fact.item.body["stretches"] for line in (first, last)}
        places = journal.places(event.device, ids) if ids else {}
        self._kept: dict[Span, TimeSpan | None] = {}
        self._open: list[tuple[Item, list[Span]]] = []
        for fact in known:
            spans = spans_of(fact.item, places)
            begin, end = spans[0][0], spans[-1][1]
            if fact.is_given or begin < near.since or end > near.until:
                self._kept[begin, end] = span_of(fact.item.body)
            else:
                self._open.append((fact.item, spans))

    def free(self, stretches: Iterable[Stretch | None], idle_cap: int) -> Iterator[Stretch | None]:
        """What no session that stays has any part of, None in place of the others. What lines that came late tell of a
        stretch after such a session's end is a stretch of its own."""
        for stretch in stretches:
            kept = [one for one in self._kept if stretch and meet([stretch.span], [one])]
            if stretch is None or not kept:
                yield stretch
                continue
            yield None
            times = [time for one in kept if (time := self._kept[one])]
            yield rest(stretch, max(end for _, end in kept), times, idle_cap)

    def gone(self, stretches: Sequence[Stretch], made: Mapping[str, Item], taken: Sequence[Span]) -> Iterator[Item]:
        """Takes out the sessions that these lines cannot make any more, and those that became part of another one.

        One that only the settings would not make any more stays. taken: what the sessions that were made consist of.
        """
        for item, spans in self._open:
            stays = is_run(spans, stretches, item.body["duration"]) and not meet(spans, taken)
            if item.key not in made and not stays:
                yield Item("session", item.key, item.book, TOMBSTONE, item.occurred_at)


def spans_of(item: Item, places: Mapping[str, str]) -> list[Span]:
    """Which parts of its device's lines a session consists of. places: a line's id → its order."""
    spans = []
    for first, last, *cuts in item.body["stretches"]:
        skip, keep = cuts or (0, None)
        spans.append(((places[first], skip), (places[last], ALL if keep is None else keep)))
    return spans


def meet(spans: Sequence[Span], others: Sequence[Span]) -> bool:
    """Whether any of the one have a part of the lines in common with any of the others."""
    return any(begin < last and first < end for begin, end in spans for first, last in others)


def session(joined: Sequence[Stretch], journal: Journal, rules: Rules) -> tuple[Item | None, Remark | None]:
    """The session that stretches make, or a remark why it is not sent; both where less is sent than was read.

    It occurred when it began by the lines: what is known of its times may still change.
    """
    key, book, received = joined[0].key, joined[-1].last.book.ref, journal.received(joined[-1].last)
    times, name = times_of(joined, received), book.title or "a book"
    fault = fault_of(joined, times, received)
    if times.seconds < min(times.read, rules.least):
        fault = fault or f"its {times.read} s of reading do not fit in what passed by the device's clock"
    if fault:
        return None, Remark(key, book, f"a session of {name} is not sent: {fault}")
    item = Item("session", key, book, body_of(joined, times), joined[0].first.at)
    if times.seconds == times.read:
        return item, None
    return item, Remark(key, book, f"a session of {name} has {times.seconds} s of the {times.read} s read: {SHORT}")


def body_of(joined: Sequence[Stretch], times: Times) -> dict[str, Any]:
    """Times are UTC, percents fractions 0–1, duration seconds of reading."""
    begin, end, file = joined[0].begin, joined[-1].finish, joined[-1].last.book.file
    return {
        "start": f"{times.start:%Y-%m-%dT%H:%M:%SZ}",
        "end": f"{times.end:%Y-%m-%dT%H:%M:%SZ}",
        "duration": times.seconds,
        "start_percent": begin.percent,
        "end_percent": end.percent,
        "start_position": begin.position,
        "end_position": end.position,
        "start_page": begin.page,
        "end_page": end.page,
        "turns": sum(stretch.turns for stretch in joined),
        "device": joined[0].first.device,
        "format": PurePosixPath(file or "").suffix.lstrip(".").lower() or None,
        "stretches": [stretch.ends for stretch in joined],
    }
