"""The BookOrbit target and the fake server of it, as an end of the simulated weeks, and what must hold there.

A BookOrbit joins the sessions of a device that lie less than half an hour apart, keeps each highlight with its note,
and the last place that it is told; so what is expected is put together as it does that. Source: bookorbit contract 5–9.
"""

from __future__ import annotations

import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from books import BOOKS, DIGESTS, PAGES
from checker import (
    Push,
    Row,
    Spots,
    compare,
    excess,
    mismarked,
    misplaced,
    misread,
    overlaps,
)
from elsewhere import read_on
from facts import Facts, Session
from household import Clock
from notebook import IN_BOOK
from orbit_world import SECRET, OrbitOnClock
from remote import LATENESS
from tally import count
from verdicts import misrated, misreviewed

from booklore_core.core import Core
from booklore_core.testing import BookOrbitServer, small_epub
from booklore_core.testing.orbit.orbit_state import OrbitBook
from booklore_targets.bookorbit.orbit_devices import hex_of

GAP = 1800
Stretch = tuple[str, str, int, int, int]
"""Device, title, first and last second since 1970, seconds of reading."""

ASKED = "/api/v1/koreader"
PLACES = f"{ASKED}/syncs/progress"
STATS = f"POST {ASKED}/plugin/page-stats"
WHERE = (
    *("* /", STATS, f"PUT {PLACES}", f"GET {PLACES}", f"POST {ASKED}/plugin/annotations", f"PUT {ASKED}/plugin"),
    *(f"POST {ASKED}/plugin/bookmarks", f"POST {ASKED}/plugin/book-states", f"GET {ASKED}/plugin/catalog"),
)
TROUBLES = (
    *("close_before", "close_after", "half_body", "status:500", "commit_then_500", "status:502_html", "status:429"),
    *("commit_then_502_html", "html_200", "commit_then_html_200", "status:401_empty", "status:400", "status:503"),
    *(f"late:{seconds}" for seconds in LATENESS),
)
WORDS = {"read": "READ", "abandoned": "ABANDONED", "reading": "READING", "rereading": "READING"}
UNSETTLED = """SELECT d.state, d.reason, i.kind FROM deliveries d JOIN items i ON i.id = d.item_id
    WHERE d.target = 'bookorbit' AND d.state NOT IN ('delivered', 'discarded')
    AND NOT (d.state = 'superseded' AND i.kind IN ('progress', 'status', 'rating', 'review', 'deletion'))"""

FOUND = """SELECT i.kind, i.book_md5 FROM deliveries d JOIN items i ON i.id = d.item_id WHERE d.target = 'bookorbit'
    AND d.state = 'superseded' AND i.kind IN ('rating', 'review') AND i.body LIKE '%"how":"found"%'"""


class NamedPlugin(OrbitOnClock):
    name = "bookorbit"


class AtBookOrbit:
    """server: with the books that are read. environ: what the household has to set."""

    name = "bookorbit"

    def __init__(self, server: BookOrbitServer, clock: Clock) -> None:
        self.server, self._clock = server, clock
        account = {"URL": server.url, "USERNAME": server.koreader_username, "PASSWORD": SECRET, "SINCE": "all"}
        self.environ = {f"BOOKLORE_BOOKORBIT__{name}": value for name, value in account.items()}

    def plugin(self, clock: Clock) -> object:
        return NamedPlugin(clock)

    def upset(self, rng: random.Random) -> None:
        match rng.randrange(8):
            case 0:
                self.server.stop()
            case 1:
                self._sync(is_on=False)
            case 2:
                self.server.stop()
                self.server.start()
            case 3:
                self._mend()
            case _:
                where, times = rng.choice(WHERE), rng.choice((1, 1, 2, 5))
                self.server.fail(rng.choice(TROUBLES), where, times, rng.randrange(4))
        count("faults in simulations")

    def slow_down(self, rng: random.Random) -> None:
        self.server.fail(f"late:{rng.choice(LATENESS)}", rng.choice(WHERE), rng.choice((1, 2, 5)))

    def calm(self) -> None:
        self._mend()
        self._clock.forward(3600)

    def pushes(self) -> list[Push]:
        titles = titles_of(self.server)
        return [
            Push(titles[one["bookId"]], round(one["percent"] / 100, 4), device_of(one["device_id"]), one["timestamp"])
            for one in self.server.pushes
        ]

    def read(self, title: str, percent: float) -> None:
        self._mend()
        read_on(self.server, title, percent, path=PLACES, at=self._clock())

    def faults(self, core: Core, facts: Facts, wall: Mapping[str, float]) -> list[str]:
        titles = titles_of(self.server)
        found = compare(joined(self._page_events()), joined(stretches_of(facts.session)), "session")
        found += misplaced(self.pushes(), facts.progress, self._unanswered())
        for kind, marks in (("annotation", facts.annotation), ("bookmark", facts.bookmark)):
            found += mismarked(self._marks(kind), [one._replace(destination=IN_BOOK) for one in marks], kind)
        readings = {titles[number]: kept for number, kept in self.server.readings.items()}
        stars = {book: kept.get("rating") for book, kept in readings.items()}
        judged = misrated({book: given and 2 * given for book, given in stars.items()}, facts.rating)
        judged += misreviewed({book: kept.get("review") for book, kept in readings.items()}, facts.review)
        found += [one for one in judged if not one.startswith(tuple(left_alone(core)))]
        found += misread({book: WORDS.get(kept.get("status") or "") for book, kept in readings.items()}, facts.status)
        found += [f"pending: {core.pending()}"] if core.pending() else []
        found += [f"unsettled: {row}" for row in core.database.rows(UNSETTLED)]
        return found + overlaps(facts.session) + excess(facts.session, wall)

    def _page_events(self) -> Iterator[Stretch]:
        titles = titles_of(self.server)
        for (_, book, device), told in self.server.state.events.items():
            for one in told.values():
                start, seconds = one["startTime"], one["durationSeconds"]
                yield device_of(device), titles[book], start, start + seconds, seconds

    def _marks(self, kind: str) -> Counter[Row]:
        titles = titles_of(self.server)
        if kind == "bookmark":
            rows = self.server.bookmarks
            return Counter(("bookmarks", titles[one["bookId"]], one["title"], "") for one in rows)
        told = ((titles[one["bookId"]], one["text"], one["note"] or "") for one in self.server.annotations)
        return Counter(("notes" if note else "annotations", book, text, note) for book, text, note in told)

    def _unanswered(self) -> Spots:
        """Those whose answer was not as it should be: they may have been carried out, and may yet be."""
        sent = [one for one in self.server.requests if one.method == "PUT" and one.path == PLACES and one.status != 200]
        told = map(json.loads, (one.body for one in sent))
        return Counter((DIGESTS[one["document"]], round(one["percentage"], 4)) for one in told)

    def _mend(self) -> None:
        self.server.recover()
        self._sync(is_on=True)

    def _sync(self, is_on: bool) -> None:
        self.server.state.users[0].sync = is_on


DEVICES = {hex_of(name): name for number in range(3) for name in (f"kobo-{number:02d}",)}


def left_alone(core: Core) -> list[str]:
    """What is said of a book whose stars or review nobody gave, as devices had them at first: a new database finds
    others there, which an earlier one may have brought or somebody else, and they stay."""
    return [f"lost {row['kind']}: {DIGESTS[row['book_md5']]} " for row in core.database.rows(FOUND)]


def device_of(device_id: str) -> str:
    return DEVICES.get(device_id, device_id)


def titles_of(server: BookOrbitServer) -> dict[int, str]:
    return {book.id: book.title for book in server.books.values()}


def stretches_of(sessions: Iterable[Session]) -> Iterator[Stretch]:
    for one in sessions:
        start, end = (int(datetime.fromisoformat(moment).timestamp()) for moment in (one.start, one.end))
        yield one.device, one.book, start, end, one.seconds


def joined(stretches: Iterable[Stretch]) -> Counter[Stretch]:
    """As a BookOrbit derives sessions: of a device and book what lies no more than half an hour apart is one."""
    by_book: dict[tuple[str, str], list[Stretch]] = defaultdict(list)
    for one in stretches:
        by_book[one[:2]].append(one)
    found: Counter[Stretch] = Counter()
    for about, told in by_book.items():
        parts: list[list[Stretch]] = []
        for one in sorted(told):
            if not parts or one[2] - max(end for _, _, _, end, _ in parts[-1]) > GAP:
                parts.append([])
            parts[-1].append(one)
        for part in parts:
            start, end = part[0][2], max(one[3] for one in part)
            found[*about, start, end, min(sum(one[4] for one in part), end - start)] += 1
    return found


def stocked(server: BookOrbitServer) -> BookOrbitServer:
    """With the books that are read, each once."""
    known = {book.title for book in server.books.values()}
    for title in (title for title in PAGES if title not in known):
        content, number = small_epub(title), max(server.books) + 1
        md5, name = BOOKS[title]["partial_md5"], f"{title.lower()}.epub"
        server.books[number] = OrbitBook(number, title, ["A"], name, len(content), md5, content=content)
    return server
