"""Reading sessions: from opening or waking up to closing or going to sleep.

A stretch begins with an opening (`book_open`, or `resume` with a book) and ends with the first `book_close`; one whose
device died ends with its last line, once the device tells of another opening. Stretches that are too short by
themselves are joined with the next one of the same book when the pause between them is short.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from pathlib import PurePosixPath

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
from booklore_features.session_tables import VIEWS
from booklore_features.stretches import (
    DURATION,
    LONGEST,
    PAGES,
    Neighbourhood,
    Rules,
    Stretch,
    is_run,
    join,
    neighbourhood,
    reading,
)

TOMORROW = timedelta(days=1)

REACHES = (4, 16, 64, 256, 1024)
"""How many openings back and on are read, more only while stretches may still be joined across the end of what was."""

EARLIER = 24
"""How many openings further back a session may have begun that reaches into the stretches at hand."""


@hookimpl
def register_kinds() -> Iterable[Kind]:
    yield Kind("session", "S", "session", "sessions", 50, VIEWS, history="Historical sessions", label_rank=10)


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
def on_book_open(event: BookOpen, journal: Journal, facts: Facts, settings: Section) -> Iterator[Item | Remark]:
    return sessions(event, journal, facts, settings)


@hookimpl
def on_resume(event: Resume, journal: Journal, facts: Facts, settings: Section) -> Iterator[Item | Remark] | None:
    return sessions(event, journal, facts, settings) if event.book else None


@hookimpl
def on_page_turns(
    event: PageTurns, journal: Journal, facts: Facts, settings: Section
) -> Iterator[Item | Remark] | None:
    return None if journal.is_last(event) else sessions(event, journal, facts, settings)


@hookimpl
def on_book_close(event: BookClose, journal: Journal, facts: Facts, settings: Section) -> Iterator[Item | Remark]:
    return sessions(event, journal, facts, settings)


def sessions(event: Event, journal: Journal, facts: Facts, settings: Section) -> Iterator[Item | Remark]:
    """The sessions that the device's lines around event make: the same ones in whatever order the lines arrived.

    Servers cannot take a session back. So one that a target may have stays as it is, with the stretches that went into
    it; the others are made anew, and those that are none any more are taken out again.
    """
    rules = Rules.of(settings)
    near = find_neighbourhood(event, journal, rules)
    if near is None:
        return
    earlier = Earlier(event, journal, facts, near)
    made = {}
    for joined in join(earlier.free(near.stretches), rules):
        item, fault = session(joined, rules), clock_fault(joined, journal)
        if fault:
            yield Remark(item.key, item.book, f"a session of {item.book.title or 'a book'} is not sent: {fault}")
        else:
            made[item.key] = item
    yield from earlier.gone(near.stretches, made)
    yield from made.values()


def find_neighbourhood(event: Event, journal: Journal, rules: Rules) -> Neighbourhood | None:
    near = None
    for reach in REACHES:
        near, is_whole = neighbourhood(event, journal.around(event, reach), reach, rules)
        if is_whole:
            break
    return near


class Earlier:
    """The sessions that were made before of some stretches and of those just before them."""

    def __init__(self, event: Event, journal: Journal, facts: Facts, near: Neighbourhood) -> None:
        ids = [*journal.openings(near.stretches[0].first, EARLIER), *(stretch.first.id for stretch in near.stretches)]
        known = facts.known("session", [f"{event.device}:{first}" for first in ids])
        spans = [(fact, span_of(fact.item)) for fact in known if fact.item.body.get("stretches")]
        places = journal.places(event.device, {end for _, span in spans for end in span}) if spans else {}
        self._kept: list[tuple[str, str]] = []
        self._open: list[Item] = []
        for fact, (first, last) in spans:
            begin, end = places[first], places[last]
            if fact.is_given or begin < near.since or end >= near.until:
                self._kept.append((begin, end))
            else:
                self._open.append(fact.item)

    def free(self, stretches: Iterable[Stretch]) -> Iterator[Stretch | None]:
        """The stretches that no session has which stays; None in place of the others."""
        for stretch in stretches:
            begin, end = stretch.first.order, stretch.last.order
            yield None if any(low <= end and begin <= high for low, high in self._kept) else stretch

    def gone(self, stretches: Sequence[Stretch], made: dict[str, Item]) -> Iterator[Item]:
        """Takes out the sessions that these lines cannot make any more, and those that became part of another one.

        One that only the settings would not make any more stays.
        """
        taken = {ends for item in made.values() for ends in ends_of(item)}
        for item in self._open:
            ends = ends_of(item)
            if item.key not in made and not (is_run(ends, stretches) and taken.isdisjoint(ends)):
                yield Item("session", item.key, item.book, TOMBSTONE, item.occurred_at)


def ends_of(item: Item) -> list[tuple[str, str]]:
    """The ids of the first and the last line of each stretch of a session."""
    return [(first, last) for first, last in item.body["stretches"]]


def span_of(item: Item) -> tuple[str, str]:
    """The ids of the first and the last line of a session."""
    ends = ends_of(item)
    return ends[0][0], ends[-1][1]


def clock_fault(joined: Sequence[Stretch], journal: Journal) -> str:
    last = joined[-1].last
    if last.at > journal.received(last) + TOMORROW:
        return f"it ends in the future, at {last.at:%Y-%m-%d %H:%M}"
    return next((stretch.clock_fault for stretch in joined if stretch.clock_fault), "")


def session(joined: Sequence[Stretch], rules: Rules) -> Item:
    """Times are UTC, percents fractions 0–1, duration seconds of reading.

    It occurred when it began: its end may still become known to be another one.
    """
    first, last = joined[0].first, joined[-1].last
    begin, end, book = reading(first), reading(last), last.book.ref
    body = {
        "start": f"{first.at:%Y-%m-%dT%H:%M:%SZ}",
        "end": f"{last.at:%Y-%m-%dT%H:%M:%SZ}",
        "duration": rules.seconds(joined),
        "start_percent": begin.percent,
        "end_percent": end.percent,
        "start_position": begin.position,
        "end_position": end.position,
        "start_page": begin.page,
        "end_page": end.page,
        "turns": sum(stretch.turns for stretch in joined),
        "device": first.device,
        "format": PurePosixPath(book.file or "").suffix.lstrip(".").lower() or None,
        "stretches": [stretch.ends for stretch in joined],
    }
    return Item("session", f"{first.device}:{first.id}", book, body, first.at)
