"""What devices do all day, the lines they write about it, and the facts that the server must hold in the end.

A kind joins the proof at four places, and every proof has it then: its feature in `FEATURES`; a field of its name in
`Facts`, filled by the units of `Diary` that make such facts (a Counter where each must be there as often as it was
made, a set where some stand for others); what is wrong with what a server holds of it, in `checker.HELD`; and, so that
the quick remote of this process takes it too, `remote.RemoteTarget`. What only this kind can suffer is a proof of its
own, as test_proof_of_positions.py is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from books import ASIDE, BOOKS, DIGESTS, DROPPED, PAGES, SHORT, percent_of
from facts import Deletion, Facts, Place, Session, Stars, Status, Written
from notebook import IN_BOOK, Notebook

from booklore_core.pipeline.clock import Contact
from booklore_core.testing import MORNING, SampleReader

Line = dict[str, Any]
Change = Callable[[Notebook, str, datetime], None]
IDLE_CAP = 600
"""Seconds that one page counts at most: the default of `sessions.idle_cap`."""

PAUSE = 400
"""Seconds between two things a reader does: more than the pause over which short stretches are joined."""

FEATURES = (
    "sessions",
    "progress",
    "annotations",
    "bookmarks",
    "ratings",
    "reviews",
    "finished",
    "deletions",
    "history",
)
"""The features whose facts the scenario expects."""

REVIEWS = ("A book.", "A book, and a good one.", "Not read again: it keeps what it says, zażółć 📖.")
NO_REVIEW = {"Dune": ""}
"""The reviews of books before anybody wrote one: that there is none is told of the one, of the others nothing is."""

LEAST = 0.0025
"""Percent (a fraction) of a place below which no position is told: a server would take the book as unread."""


@dataclass(frozen=True)
class Unit:
    """Something a reader did that no other unit changes: its lines, and what must come of them."""

    lines: list[Line]
    facts: Facts


def text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


class Diary:
    """One device and its reader. Every method is one unit; `units` keeps them all. up: seconds of its boot clock, None
    for one without. destination: where its notes go, as the household has set it."""

    def __init__(
        self,
        device: str = "kobo-7f3a",
        start: datetime = MORNING,
        up: float | None = None,
        destination: str = IN_BOOK,
    ) -> None:
        self.reader = SampleReader(device, start, up=up)
        self.start, self.wrong = start, timedelta()
        self.units: list[Unit] = []
        self._facts = Facts()
        self._notebook = Notebook(device, destination)
        self._stars: dict[str, int | None] = {}
        self._reviews: dict[str, str] = dict(NO_REVIEW)
        self._statuses: dict[str, str] = {}
        self._begun: tuple[datetime, int] = (start, 0)

    @property
    def lines(self) -> list[Line]:
        return self.reader.lines

    @property
    def now(self) -> datetime:
        """What time it is, whatever the device's clock says."""
        return self.reader.now - self.wrong

    def set_clock(self, by: timedelta) -> None:
        """The device's clock is wrong by so much more from now on."""
        self.reader.now, self.wrong = self.reader.now + by, self.wrong + by

    def contact(self, now: datetime) -> Contact:
        """The device as it hands over at now, having slept until then."""
        up = self.reader.up
        return Contact(self.reader.device, up=None if up is None else up + (now - self.now).total_seconds())

    def read(self, title: str, pages: int = 5, seconds: int = 40) -> Unit:
        return self._unit(lambda: self._read(title, pages, seconds))

    def checkpoint(self, title: str, pages: int = 4, seconds: int = 40) -> Unit:
        """Reads with a checkpoint half-way."""

        def act() -> None:
            self._open(title)
            self.reader.turn(pages, seconds)
            self._check(title)
            self.reader.turn(pages, seconds)
            self._close(title, 2 * pages * min(seconds, IDLE_CAP))

        return self._unit(act)

    def forget(self, title: str, hours: int = 2) -> Unit:
        """Reads, then leaves the book open for hours: the session ends when the page has counted as much as the cap."""

        def act() -> None:
            self._open(title)
            self.reader.turn(3, 40)
            self.reader.wait(IDLE_CAP)
            self._expect(title, 3 * 40 + IDLE_CAP)
            self.reader.wait(hours * 3600 - IDLE_CAP)
            self._stand(title)
            self.reader.close()

        return self._unit(act)

    def wake(self, title: str, asleep: int = 120) -> Unit:
        """Falls asleep over the book and reads on: two sessions, both long enough by themselves."""

        def act() -> None:
            self._open(title)
            self.reader.turn(3, 40)
            self._close(title, 120, "suspend")
            self.reader.sleep(asleep)
            self.reader.resume()
            self._begin()
            self.reader.turn(2, 50)
            self._close(title, 100)

        return self._unit(act)

    def nap(self, title: str) -> Unit:
        """A stretch too short by itself, a nap, and another one: one session."""

        def act() -> None:
            self._open(title)
            self.reader.turn(1, 10)
            self._stand(title)
            self.reader.suspend()
            self.reader.sleep(60)
            self.reader.resume()
            self.reader.turn(2, 40)
            self._close(title, 10 + 80)

        return self._unit(act)

    def run_dry(self, title: str) -> Unit:
        """The battery dies: what the last checkpoint told is the session, once the device is opened again. The book
        opens where it was closed last."""

        def act() -> None:
            self._open(title)
            self.reader.turn(3, 40)
            self._check(title)
            self._expect(title, 120)
            self.reader.turn(1, 20)
            self.reader.die()

        return self._unit(act)

    def leaf(self, title: str) -> Unit:
        """Opens a book, turns no page, closes it: no session."""

        def act() -> None:
            self._open(title)
            self.reader.wait(120)
            self.reader.close()

        return self._unit(act)

    def finish(self) -> Unit:
        """Reads the short book to its end and says so, or looks at its last page again."""

        def act() -> None:
            self._open(SHORT)
            left = PAGES[SHORT] - self.reader.page
            if left:
                self.reader.turn(left, 40)
                self._give(SHORT, "complete")
                self._close(SHORT, left * 40)
            else:
                self.reader.wait(60)
                self.reader.close()

        return self._unit(act)

    def put_aside(self, title: str = ASIDE) -> Unit:
        """Puts a book on hold, without reading in it."""
        return self._unit(lambda: self._look_at(title, "abandoned"))

    def take_up(self, title: str = ASIDE) -> Unit:
        """Takes a book up again, or puts it on hold, which has to come first."""
        is_aside = self._statuses.get(title) == "abandoned"
        return self._unit(lambda: self._look_at(title, "reading" if is_aside else "abandoned"))

    def connect(self) -> Unit:
        return self._unit(lambda: self.reader.network() and None)

    def rate(self, title: str, stars: int | None) -> Unit:
        """Gives stars and reads on."""

        def act() -> None:
            self._stars[title] = stars
            self._read(title, 2, 45)

        return self._unit(act)

    def review(self, title: str, text: str | None) -> Unit:
        """Writes about a book, or takes that away, and reads on."""

        def act() -> None:
            self._reviews[title] = text or ""
            self._read(title, 2, 45)

        return self._unit(act)

    def delete(self) -> Unit:
        """Deletes the file of a book that nobody reads."""

        def act() -> None:
            self.reader.delete(BOOKS[DROPPED])
            self._facts.deletion.add(Deletion(DROPPED, self.reader.device, self.now))

        return self._unit(act)

    def bring_back(self) -> Unit:
        """Has that book's file on the device again, and looks at it."""

        def act() -> None:
            self._look_at(DROPPED)
            self._facts.deletion.add(Deletion(DROPPED, self.reader.device, self.now, is_there=True))

        return self._unit(act)

    def mark(self, title: str, *what: Change, stars: int | None = None) -> Unit:
        """Reads, and marks something. stars: those that the book has had before it is opened, None for what it has."""

        def act() -> None:
            self._stars.update({title: stars} if stars else {})
            self._open(title)
            self.reader.turn(1, 50)
            for one in what:
                one(self._notebook, title, self.reader.now)
            self._close(title, 50)

        return self._unit(act)

    def sleep_until(self, moment: datetime) -> None:
        """The device lies about until then: what is read after that is the newer. It is no part of its day."""
        gap = moment - self.now
        if gap > timedelta():
            self.reader.sleep(gap.total_seconds())
            self.start += gap

    def book(self, title: str) -> dict[str, Any]:
        return BOOKS[title]

    def facts(self) -> Facts:
        facts = Facts()
        for unit in self.units:
            facts.add(unit.facts)
        return facts

    @property
    def seconds(self) -> float:
        """How long this device's day was by the clock."""
        return (self.now - self.start).total_seconds()

    def _unit(self, act: Callable[[], None]) -> Unit:
        first = len(self.reader.lines)
        self._facts = Facts()
        act()
        self._facts.rating.update(self._stars_told(self.reader.lines[first:]))
        self._facts.review.update(self._reviews_told(self.reader.lines[first:]))
        unit = Unit(self.reader.lines[first:], self._facts)
        self.units.append(unit)
        self.reader.sleep(PAUSE)
        return unit

    def _stars_told(self, lines: Iterable[Line]) -> Iterator[Stars]:
        for line in lines:
            if "stars" in line.get("reading", {}):
                at = datetime.fromisoformat(line["at"]) - self.wrong
                title = DIGESTS[line["book"]["partial_md5"]]
                yield Stars(self.reader.device, title, at, line["reading"]["stars"])

    def _reviews_told(self, lines: Iterable[Line]) -> Iterator[Written]:
        for line in lines:
            if "review" in line.get("reading", {}):
                at = datetime.fromisoformat(line["at"]) - self.wrong
                yield Written(self.reader.device, DIGESTS[line["book"]["partial_md5"]], at, line["reading"]["review"])

    def _read(self, title: str, pages: int, seconds: int) -> None:
        self._open(title)
        self.reader.turn(pages, seconds)
        self._close(title, pages * min(seconds, IDLE_CAP))

    def _open(self, title: str) -> None:
        self.reader.stars = self._stars.get(title, "unknown")
        self.reader.status, self.reader.review = self._statuses.get(title), self._reviews.get(title)
        self.reader.open(BOOKS[title])
        self._stand(title, is_read=False)
        self._begin()

    def _look_at(self, title: str, status: str | None = None) -> None:
        self._open(title)
        self.reader.wait(60)
        if status:
            self._give(title, status)
        self.reader.close()

    def _give(self, title: str, status: str) -> None:
        """A status counts when it is another one than before."""
        if self._statuses.get(title) != status:
            self._facts.status.add(Status(title, self.reader.device, self.now, status))
        self.reader.status = self._statuses[title] = status

    def _begin(self) -> None:
        self._begun = (self.now, self.reader.page)

    def _close(self, title: str, seconds: int, reason: str = "close") -> None:
        self._expect(title, seconds)
        self._stand(title)
        for kind, marks in self._notebook.tell(title, self.now).items():
            getattr(self._facts, kind).update(marks)
        self.reader.close(reason, self._notebook.entries(title))

    def _check(self, title: str) -> None:
        self._stand(title)
        self.reader.checkpoint()

    def _stand(self, title: str, is_read: bool = True) -> None:
        percent = percent_of(self.reader.page, title)
        if percent >= LEAST:
            self._facts.progress.add(Place(self.reader.device, title, self.now, percent, is_read))

    def _expect(self, title: str, seconds: int) -> None:
        (start, page), reader = self._begun, self.reader
        told = (text(start), text(self.now), seconds, str(page), str(reader.page))
        self._facts.session[Session(reader.device, title, *told)] += 1


@dataclass(frozen=True)
class Scenario:
    """Hand-overs in the order in which the core gets them, each followed by a sync, and what must arrive."""

    handovers: list[list[Line]]
    facts: Facts
    wall: dict[str, float]
    """device → seconds that its day lasted."""

    @property
    def lines(self) -> list[Line]:
        return [line for lines in self.handovers for line in lines]


def scenario_of(*diaries: Diary, handovers: list[list[Line]] | None = None) -> Scenario:
    facts = Facts()
    for diary in diaries:
        facts.add(diary.facts())
    given = handovers or [[line for diary in diaries for line in diary.lines]]
    return Scenario(given, facts, {diary.reader.device: diary.seconds for diary in diaries})


TWO = (Notebook.highlight, Notebook.highlight)
"""Highlights of one second."""

CHANGES: tuple[Change, ...] = (
    Notebook.highlight,
    Notebook.highlight,
    Notebook.mark_page,
    Notebook.note,
    Notebook.note,
    Notebook.clear_note,
    Notebook.remove,
    Notebook.highlight_again,
)
"""What a reader does with marks, what he does often more than once."""


def lines_of(units: Iterable[Unit]) -> list[Line]:
    return [line for unit in units for line in unit.lines]
