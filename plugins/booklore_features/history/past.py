"""What KOReader's statistics hold that is new: sessions of the past as the facts that live ones are, and remarks."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import groupby, islice
from operator import itemgetter
from pathlib import PurePosixPath
from typing import Any

from booklore_core import BookRef, Facts, Item, Journal, Remark, stand_in
from booklore_features.history.accounted import SESSION, accounted
from booklore_features.history.books import StatisticsBook, past_books
from booklore_features.history.cutting import Cutting, Limits, PastSession
from booklore_features.history.statistics_file import Statistics
from booklore_features.history.statistics_tables import Tables

SOURCE = "statistics"
NOBODY = BookRef(stand_in(""))
MOST_PAGES = 10_000_000
EARLIEST = datetime(2010, 1, 1, tzinfo=UTC)
"""KOReader was not there before."""

TOMORROW = timedelta(days=1)
"""Live sessions may end as much later than the core's clock."""

TOLD_EVERY = 10_000
"""Rows between two words of progress."""

Progress = Callable[[int, int], None]


class BookHistory:
    """A book that has pages in the statistics, and what makes sessions of them."""

    def __init__(self, ref: BookRef, cutting: Cutting) -> None:
        self.ref, self.cutting = ref, cutting
        self._key = f"{SOURCE}:{ref.partial_md5}:"
        self._format = PurePosixPath(ref.file or "").suffix.lstrip(".").lower() or None

    def items(self, sessions: Iterable[PastSession]) -> Iterator[Item]:
        for session in sessions:
            start, end = int(session.start), int(session.end)
            if seconds := min(int(session.seconds), end - start):
                begun = datetime.fromtimestamp(start, UTC)
                body = body_of(session, begun, datetime.fromtimestamp(end, UTC), seconds, self._format)
                yield Item(SESSION, f"{self._key}{start}", self.ref, body, begun)


class Past:
    """The reading that a file of statistics knows of."""

    def __init__(self, statistics: Statistics, tables: Tables, journal: Journal, facts: Facts, limits: Limits) -> None:
        self._statistics, self._tables = statistics, tables
        self._journal, self._facts, self._limits = journal, facts, limits
        latest = facts.now + TOMORROW
        self._times = {"earliest": int(EARLIEST.timestamp()), "latest": int(latest.timestamp())}

    def news(self, progress: Progress) -> Iterator[Item | Remark]:
        """Sessions in the order in which they ended. Raises ValueError where the file turns out to be damaged."""
        with closing(self._statistics), self._statistics.readable():
            books = self._books()
            yield from self._of_wrong_clocks(books)
            yield from self._sessions(books, progress)

    def _books(self) -> dict[Any, BookHistory]:
        """By the ids of the statistics; the books of one digest are one."""
        known = self._facts.books()
        md5s = {book.partial_md5 for book in known}
        rows = [StatisticsBook.of(*row) for row in self._statistics.rows(self._tables.books)]
        found: dict[Any, BookHistory] = {}
        made: dict[str, BookHistory] = {}
        for row_id, book in past_books(rows, known).items():
            if book.ref.partial_md5 not in made:
                spans = accounted(sorted(book.namesakes & md5s), self._journal, self._facts)
                made[book.ref.partial_md5] = BookHistory(book.ref, Cutting(spans, self._limits))
            found[row_id] = made[book.ref.partial_md5]
        return found

    def _of_wrong_clocks(self, books: dict[Any, BookHistory]) -> Iterator[Remark]:
        counts: dict[BookRef, int] = defaultdict(int)
        for row_id, count in self._statistics.rows(self._tables.wrong, **self._times):
            if row_id in books:
                counts[books[row_id].ref] += count
        for book, count in counts.items():
            pages = "1 page that was shown" if count == 1 else f"{count} pages that were shown"
            yield remark(book, f"{pages} before {EARLIEST.year} or in the future, by a clock that was wrong", count)

    def _sessions(self, books: dict[Any, BookHistory], progress: Progress) -> Iterator[Item | Remark]:
        [(total,)] = self._statistics.rows(self._tables.count)
        rows, strays = self._statistics.rows(self._tables.rows, **self._times), 0
        for done in range(0, total + 1, TOLD_EVERY):
            progress(done, total)
            for row_id, pages in groupby(islice(rows, TOLD_EVERY), key=itemgetter(0)):
                if book := books.get(row_id):
                    yield from book.items(book.cutting.take(pages))
                else:
                    strays += sum(1 for _ in pages)
        for book in {id(book): book for book in books.values()}.values():
            yield from book.items(book.cutting.rest())
        if strays:
            count = "1 page" if strays == 1 else f"{strays} pages"
            yield remark(NOBODY, f"{count} of a book without title and digest, or of none", strays)
        progress(total, total)


def remark(book: BookRef, what: str, count: int) -> Remark:
    """That something is left out, told again when there is more of it."""
    name = f" of {book.title}" if book.title else ""
    return Remark(f"{SOURCE}:{book.partial_md5}:{count}", book, f"the history{name} is taken without {what}")


def body_of(
    session: PastSession, start: datetime, end: datetime, seconds: int, file_format: str | None
) -> dict[str, Any]:
    """The shape of a live session's. Times are UTC, percents fractions 0–1, duration seconds of reading.

    Each end's percentage is that of the layout at the time. No device: statistics do not say which one it was.
    """
    first_page, last_page = page_number(session.first_page), page_number(session.last_page)
    return {
        "device": None,
        "duration": seconds,
        "end": f"{end.isoformat()[:19]}Z",
        "end_page": last_page,
        "end_percent": percent(last_page, page_number(session.last_total)),
        "end_position": None,
        "format": file_format,
        "source": SOURCE,
        "start": f"{start.isoformat()[:19]}Z",
        "start_page": first_page,
        "start_percent": percent(first_page, page_number(session.first_total)),
        "start_position": None,
        "turns": session.pages - 1,
    }


def page_number(value: Any) -> int | None:
    """None for what cannot be one."""
    return int(value) if isinstance(value, int | float) and 0 <= value <= MOST_PAGES else None


def percent(page: int | None, pages: int | None) -> float | None:
    """None where the statistics do not say it."""
    return min(1.0, page / pages) if page is not None and pages else None
