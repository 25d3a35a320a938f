"""What a file of past reading told before the lines of a device did: each second of it counts once.

Of what is told twice the lines tell more. So an imported session gives way where lines tell all of its time, unless a
target may have it. Any other stays as it is, and the pages that were shown in its time are left out of the stretches.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import chain, takewhile
from typing import Any, NamedTuple

from booklore_core import TOMBSTONE, Fact, Facts, Item, Reading, stand_in
from booklore_features.joining import LONGEST_PAUSE, MOMENT
from booklore_features.stretches import Place, Stretch, is_opening, reading, shown, time_read, turned

LONGEST = timedelta(days=1)
"""No imported session lasts longer."""

BEGIN_THE_LAST_PAGE = ("lua",)
"""Sources whose sessions end with the second in which their last page begins, while they count it (lua-plugin-behaviour
§10 F6); one that has as many seconds as it counts ends with that page."""

TimeSpan = tuple[float, float]
"""Unix seconds, the second one not included; it may be infinite."""


class Page(NamedTuple):
    """A page that was shown: told of by a line of the stretch, as its number-th of so many; start, end: unix seconds.
    seconds: of reading, within them. turns: how often it was turned, more than once where a line tells no more of its
    pages than their number."""

    line: int
    number: int
    of: int
    start: float
    end: float
    seconds: int
    turns: int


class Imported:
    """The imported sessions of the time around stretches, by book: those that stay, and those that may give way."""

    def __init__(self, stretches: Sequence[Stretch], facts: Facts) -> None:
        self._stay: dict[str, list[TimeSpan]] = defaultdict(list)
        self._others: dict[str, list[tuple[Item, TimeSpan]]] = defaultdict(list)
        by_book: dict[str, list[Stretch]] = defaultdict(list)
        for stretch in stretches:
            by_book[md5_of(stretch)].append(stretch)
        for md5, some in by_book.items():
            for fact, span in imports_of(some, facts):
                if fact.is_given:
                    self._stay[md5].append(span)
                else:
                    self._others[md5].append((fact.item, span))

    def cut(self, stretches: Iterable[Stretch], idle_cap: int) -> Iterator[Stretch | None]:
        """The stretches without the time of the sessions that stay, None in its place."""
        for stretch in stretches:
            yield from pieces(stretch, self._stay[md5_of(stretch)], idle_cap)

    def is_settled(self, made: Iterable[Item]) -> bool:
        """Whether the sessions that were made tell all that the others do. Those that tell more stay from here on."""
        spans: dict[str, list[TimeSpan]] = defaultdict(list)
        for item in made:
            spans[item.book.partial_md5] += filter(None, [span_of(item.body)])
        more = [(md5, one) for md5, others in self._others.items() for one in others if not is_told(*one, spans[md5])]
        for md5, one in more:
            self._others[md5].remove(one)
            self._stay[md5].append(one[1])
        return not more

    def gone(self) -> Iterator[Item]:
        """Takes out the sessions that give way."""
        for item, _ in chain.from_iterable(self._others.values()):
            yield Item(item.kind, item.key, item.book, TOMBSTONE, item.occurred_at)


def md5_of(stretch: Stretch) -> str:
    return str(stretch.first.book.partial_md5)


def imports_of(stretches: Sequence[Stretch], facts: Facts) -> Iterator[tuple[Fact, TimeSpan]]:
    """The imported sessions that have time in common with stretches of one book, also where the file knew no digest."""
    book = stretches[-1].last.book.ref
    names = [stand_in(book.title, authors) for authors in (book.authors, ())] if book.title else []
    start, end = min(one.start for one in stretches), max(one.end for one in stretches)
    spans = [(one.start.timestamp(), one.end.timestamp()) for one in stretches]
    for fact in facts.imports("session", [book.partial_md5, *names], start - LONGEST, end):
        span = span_of(fact.item.body)
        if span and any(within(spans, span)):
            yield fact, span


def span_of(session: Mapping[str, Any]) -> TimeSpan | None:
    """None for one that was taken out, or that another feature made in a way of its own."""
    try:
        start, end = (datetime.fromisoformat(session[name]).timestamp() for name in ("start", "end"))
        if session.get("source") in BEGIN_THE_LAST_PAGE:
            end = max(end + (end - start > session["duration"]), start + session["duration"])
    except (KeyError, TypeError, ValueError):
        return None
    return start, end


def within(spans: Iterable[TimeSpan], span: TimeSpan) -> Iterator[TimeSpan]:
    """What of spans lies in one."""
    for low, high in spans:
        if max(low, span[0]) < min(high, span[1]):
            yield max(low, span[0]), min(high, span[1])


def is_told(item: Item, span: TimeSpan, spans: Sequence[TimeSpan]) -> bool:
    """Whether spans hold all that an imported session counts: what is in none of them is no longer than a moment at its
    ends, and in between than a pause, and the pauses within the session may be there."""
    (begin, end), pauses = span, list[float]()
    place = begin
    for low, high in sorted(within(spans, span)):
        pauses.append(max(0, low - place))
        place = max(place, high)
    at_ends = (pauses[0] if pauses else end - begin, end - place)
    idle = max(0, end - begin - item.body["duration"])
    is_near = max(at_ends) <= MOMENT and max(pauses[1:], default=0) <= LONGEST_PAUSE
    return is_near and sum(pauses) + at_ends[1] <= idle + MOMENT


def pieces(stretch: Stretch, taken: Sequence[TimeSpan], idle_cap: int) -> Iterator[Stretch | None]:
    """What is left of a stretch without time that counts already, None in place of that.

    A page does not count when it begins in such time or has its middle there; of another what lies before it does.
    """
    pages = list(pages_of(stretch, idle_cap)) if taken else []
    left = [free_part(page, taken) for page in pages]
    if left == pages:
        yield stretch
        return
    run: list[Page] = []
    for page, whole in (*zip(left, pages, strict=True), (None, None)):
        if page:
            run.append(page)
        if run and (page is None or page is not whole):
            yield piece(stretch, run, run[0] is left[0], run[-1] is pages[-1])
            run = []
        if page is not whole:
            yield None


def rest(stretch: Stretch, place: Place, taken: Sequence[TimeSpan], idle_cap: int) -> Stretch | None:
    """What is left of a stretch after a place among its lines, and after the time taken; None where that is nothing."""
    pages = [page for page in pages_of(stretch, idle_cap) if (stretch.lines[page.line].order, page.number) >= place]
    left = list(takewhile(lambda page: free_part(page, taken) == page, reversed(pages)))[::-1]
    return replace(piece(stretch, left, False, True), is_rest=True) if left else None


def free_part(page: Page, taken: Iterable[TimeSpan]) -> Page | None:
    middle, end = (page.start + page.end) / 2, page.end
    for low, high in taken:
        if low <= page.start < high or low <= middle < high:
            return None
        if page.start < low:
            end = min(end, low)
    return page if end == page.end else page._replace(end=end, seconds=min(page.seconds, int(end - page.start)))


def piece(stretch: Stretch, run: Sequence[Page], is_first: bool, is_last: bool) -> Stretch:
    """The part of a stretch that some of its pages are. is_first, is_last: whether it begins and ends with it."""
    first, last, lines = run[0], run[-1], stretch.lines
    low, high = 0 if is_first else first.line, len(lines) if is_last else last.line + 1
    after = last.number + 1
    return replace(
        stretch,
        lines=tuple(lines[low:high]),
        start=stretch.start if is_first else datetime.fromtimestamp(first.start, UTC),
        end=stretch.end if is_last else datetime.fromtimestamp(last.end, UTC),
        seconds=sum(page.seconds for page in run),
        turns=sum(page.turns for page in run),
        begin=stretch.begin if is_first else place_at(lines, first.line, first.number, first.of),
        finish=stretch.finish if is_last else place_at(lines, last.line, after, last.of),
        skip=stretch.skip if is_first else first.number,
        keep=stretch.keep if is_last else (after if after < last.of else None),
        room=(0, 0),
    )


def place_at(lines: Sequence[Any], index: int, passed: int, pages: int) -> Reading:
    """Where the reader was when so many of a line's pages had passed: the nearest line tells."""
    return reading(lines[index - 1 if index and 2 * passed <= pages else index])


def pages_of(stretch: Stretch, idle_cap: int) -> Iterator[Page]:
    """The pages that were shown in a stretch; between lines that tell nothing of them one for all."""
    turns = reading(stretch.first).turns
    for index, line in enumerate(stretch.lines):
        before = stretch.lines[index - 1] if index else None
        more = turned(before, line, turns) if before else 0
        dwell = shown(line, more)
        if before and dwell is None:
            seconds, start = time_read(before, line, more, idle_cap), before.at.timestamp()
            yield Page(index, 0, 1, start, start + seconds, seconds, more)
        elif dwell and not (before is None and is_opening(line)):
            skip = 0 if index else stretch.skip
            keep = stretch.keep if index == len(stretch.lines) - 1 else None
            yield from list(told_pages(index, line, dwell, more if before else len(dwell), idle_cap))[skip:keep]
        turns += more


def told_pages(index: int, line: Any, dwell: Sequence[int], turns: int, idle_cap: int) -> Iterator[Page]:
    """The pages that a line tells of: the last one was left when it was written."""
    start = line.at.timestamp() - sum(dwell)
    for number, seconds in enumerate(dwell):
        worth = min(seconds, idle_cap)
        yield Page(index, number, len(dwell), start, start + worth, worth, int(number < turns))
        start += seconds
