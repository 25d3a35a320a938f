"""A month of one reader with two devices at a BookOrbit; trouble of one kind, or of all, comes again and again.

What has to be there in the end is kept beside it, by what the reader did and nothing else.
"""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

from orbit_world import PLACE, OrbitWorld, dog_ear, highlight

from booklore_core.testing import MORNING, SampleReader

ANY = "any"
"""Each time another kind of trouble."""

TROUBLES = (
    *("close_before", "close_after", "half_body", "delay:0.01", "delay_before:0.01", "late", "late:60", "late:590"),
    *("status:400", "status:401_empty", "status:404", "status:413", "status:429", "status:500", "status:502_html"),
    *("status:503", "html_200", "refuse", "conflict", "commit_then_500", "commit_then_503", "commit_then_502_html"),
    *("commit_then_html_200", "gone", "sync off"),
)
WRITES = ("POST /api/v1/koreader/plugin/", "PUT /api/v1/koreader/", "* /")
BOOKS = {"kobo": (0, 2, 3), "boox": (1, 2)}
"""Which books each device reads, by number: one is read on both, and the last is a comic."""

COMIC, PAGES = 3, 600
PARAGRAPHS = {"kobo": range(1, 15), "boox": range(15, 30)}
EARS = {"kobo": range(31, 35), "boox": range(35, 39)}


class MonthOfOrbit:
    """By number of book, and where it differs by device: marks by paragraph, dog-ears, stars and review given last,
    where the reader is, told and really, and his statuses in the order in which they were given."""

    def __init__(self, world: OrbitWorld, trouble: str, seed: int) -> None:
        self.world, self.trouble, self.rng = world, trouble, random.Random(f"{trouble} {seed}")
        self.now = MORNING + timedelta(days=8)
        self.devices = {name: SampleReader(name, self.now) for name in BOOKS}
        self.handed = dict.fromkeys(BOOKS, 0)
        self.marks: dict[tuple[str, int], dict[int, dict[str, Any]]] = defaultdict(dict)
        self.ears: dict[tuple[str, int], dict[int, datetime]] = defaultdict(dict)
        self.own_stars: dict[tuple[str, int], int | None] = {}
        self.own_status: dict[tuple[str, int], str] = {}
        self.stars: dict[int, int | None] = {}
        self.words = random.Random(f"words {trouble} {seed}")
        self.own_review: dict[tuple[str, int], str] = {}
        self.reviews: dict[int, str | None] = {}
        self.statuses: dict[int, list[tuple[str, str]]] = defaultdict(list)
        self.pages: dict[int, int] = {}
        self.last: dict[int, int] = {}
        self.sessions: list[tuple[int, int, int]] = []

    # What happens

    def live(self, days: int) -> None:
        for _ in range(days):
            for name in self.rng.sample(list(BOOKS), 2):
                self.now += timedelta(hours=self.rng.randint(3, 9))
                self.read(self.devices[name], self.rng.choice(BOOKS[name]))
            self.sync()

    def read(self, reader: SampleReader, number: int) -> None:
        """Goes on where he is in the book, on whichever device that was."""
        about = (reader.device, number)
        reader.now = self.now
        self.judge(about)
        self.write_about(about)
        reader.stars, reader.status = self.own_stars[about], self.own_status[about]
        reader.review = self.own_review[about]
        book = self.world.book(number)
        reader.open(book)
        reader.page = self.last.get(number, 1)
        begun, pages, seconds = int(reader.now.timestamp()), self.rng.randint(6, 20), self.rng.randint(30, 90)
        reader.turn(pages, seconds)
        self.change_marks(about, reader.now)
        reader.close(annotations=self.list_of(about))
        self.sessions.append((number + 1, begun, pages * seconds))
        self.last[number], self.now = reader.page, reader.now
        if reader.status != "complete":  # whoever looks something up in a book that is finished tells no place
            self.pages[number] = reader.page

    def judge(self, about: tuple[str, int]) -> None:
        """Stars or a status, now and then; none and `reading` when a device tells of a book for the first time."""
        is_first, (_, number) = about not in self.own_stars, about
        if is_first or self.rng.random() < 0.3:
            stars = None if is_first else self.rng.choice((None, 1, 2, 3, 4, 5))
            if not is_first and stars != self.own_stars[about]:
                self.stars[number] = stars
            self.own_stars[about] = stars
        if is_first or self.rng.random() < 0.15:
            status = "reading" if is_first else self.rng.choice(("reading", "abandoned", "complete"))
            if status != self.own_status.get(about):
                self.statuses[number].append((about[0], status))
            self.own_status[about] = status

    def write_about(self, about: tuple[str, int]) -> None:
        """A review now and then, another one, or none; none when a device tells of a book for the first time."""
        is_first = about not in self.own_review
        if is_first or self.words.random() < 0.3:
            text = "" if is_first else self.words.choice(("", *(f"Word {number} of it." for number in range(1, 99))))
            if not is_first and text != self.own_review[about]:
                self.reviews[about[1]] = text or None
            self.own_review[about] = text

    def change_marks(self, about: tuple[str, int], now: datetime) -> None:
        """Two new highlights of one second now and then, a note changed, one removed, a page marked or no more."""
        device, number = about
        marks, free = self.marks[about], [one for one in PARAGRAPHS[device] if one not in self.marks[about]]
        for paragraph in self.rng.sample(free, min(len(free), self.rng.choice((0, 1, 2)))) if number != COMIC else ():
            marks[paragraph] = highlight(paragraph, now)
        if marks and self.rng.random() < 0.5:
            paragraph = self.rng.choice(list(marks))
            marks[paragraph] = {**marks[paragraph], "note": f"note {self.rng.randint(1, 99)}"}
        if len(marks) > 3 and self.rng.random() < 0.4:
            del marks[self.rng.choice(list(marks))]
        if self.rng.random() < 0.4:
            paragraph = self.rng.choice(EARS[device])
            if self.ears[about].pop(paragraph, None) is None:
                self.ears[about][paragraph] = now

    def list_of(self, about: tuple[str, int]) -> list[dict[str, Any]]:
        is_comic = about[1] == COMIC
        ears = [dog_ear(one, at, **({"page": one} if is_comic else {})) for one, at in self.ears[about].items()]
        return [*self.marks[about].values(), *ears]

    def sync(self) -> None:
        """Perhaps twice within minutes, and perhaps with a process that begins anew in between. A device may be
        offline, and what it has handed over may come once more, as when the answer to it was lost."""
        world = self.world
        world.clock.seconds = self.now.timestamp() + 60
        for name, reader in self.devices.items():
            if self.rng.random() < 0.75:
                self.hand_over(name, reader)
        for _ in range(self.rng.randint(1, 3)):
            if self.rng.random() < 0.6:
                self.break_something()
            world.sync()
            self.mend()
            world.clock.forward(self.rng.choice((30, 150)))
            if self.rng.random() < 0.1:
                world.core.close()
                world.core = world.open()
        world.server.carry_out_late()  # within ten minutes of being sent
        self.now = max(self.now, world.clock.utc())

    def hand_over(self, name: str, reader: SampleReader) -> None:
        start = max(0, self.handed[name] - (10 if self.rng.random() < 0.2 else 0))
        assert self.world.core.take(reader.lines[start:], "test").rejected == []
        self.handed[name] = len(reader.lines)

    def break_something(self) -> None:
        server, trouble = self.world.server, self.trouble
        trouble = self.rng.choice(TROUBLES) if trouble == ANY else trouble
        count = self.rng.randint(0, 4)
        if trouble == "sync off":
            server.state.users[0].sync = False
        elif trouble != "gone":
            server.fail(trouble, self.rng.choice(WRITES), times=self.rng.choice((1, 2)), after=count)
        elif self.rng.random() < 0.3:
            server.stop()
        else:
            last = self.rng.choice(("close_after", "half_body", "late:30", "late:400"))
            server.fail(last, "* /", times=1, after=count)
            server.fail("close_before", "* /", times=None, after=count)

    def mend(self) -> None:
        self.world.server.recover()
        self.world.server.state.users[0].sync = True
        if self.rng.random() < 0.5:
            self.world.server.carry_out_late()

    def settle(self) -> None:
        """The comic's file is deleted at the end."""
        reader = self.devices["kobo"]
        reader.now = self.now
        reader.delete(self.world.book(COMIC))
        for name, one in self.devices.items():
            self.hand_over(name, one)
        self.mend()
        self.world.server.carry_out_late()
        for _ in range(4):
            self.world.clock.forward(700)
            self.world.sync()

    # What must be there

    def held(self) -> dict[str, Any]:
        """What the server has, and what waits for it."""
        server = self.world.server
        readings = {book - 1: kept for book, kept in server.readings.items()}
        return {
            "sessions": sorted((one["bookId"], one["startedAt"], one["durationSeconds"]) for one in server.sessions),
            "annotations": sorted((one["bookId"], one["pageno"], one["note"] or "") for one in server.annotations),
            "bookmarks": sorted((one["bookId"], one["cfi"]) for one in server.bookmarks),
            "stars": {n: readings[n]["rating"] for n in self.stars},
            "reviews": {n: readings[n]["review"] for n in self.reviews},
            "places": {n: (round(readings[n]["percent"], 1), readings[n]["place"]) for n in self.pages},
            "strange statuses": {
                n: readings[n]["status"] for n in self.pages if readings[n]["status"] not in self.may_be(n)
            },
            "waiting": self.world.core.pending(),
        }

    def told(self) -> dict[str, Any]:
        """What it has to have."""
        marks, ears = self.marks.items(), self.ears.items()
        return {
            "sessions": sorted((book, iso(begun), seconds) for book, begun, seconds in self.sessions),
            "annotations": sorted((n + 1, p, m.get("note", "")) for (_, n), of in marks for p, m in of.items()),
            "bookmarks": sorted((n + 1, self.cfi(n, p)) for (_, n), of in ears for p in of if n != COMIC),
            "stars": self.stars,
            "reviews": self.reviews,
            "places": {n: (round(100 * page / PAGES, 1), f"/body/p[{page}].0") for n, page in self.pages.items()},
            "strange statuses": {},
            "waiting": {},
        }

    def cfi(self, number: int, paragraph: int) -> str | None:
        return self.world.books[number].places.cfi(PLACE.format(paragraph, 0))

    def may_be(self, number: int) -> tuple[str, ...]:
        """Finished and on hold are told, and reading only after the second. A book on hold that is read on elsewhere
        may count as being read."""
        given = {status: place for place, (_, status) in enumerate(self.statuses[number])}
        last = max(("complete", "abandoned"), key=lambda one: given.get(one, -1))
        if last not in given or (last == "abandoned" and given.get("reading", -1) > given[last]):
            return ("reading", "rereading")
        if last == "complete":
            return ("read",)
        is_read_on = any(self.own_status.get((name, number)) == "reading" for name in BOOKS)
        return ("abandoned", "reading") if is_read_on else ("abandoned",)


def iso(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S.000Z}"
