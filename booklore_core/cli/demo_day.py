"""A sample day of reading, as the e-reader writes it down, and what of it should arrive."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from booklore_core.testing import BookLoreServer, SampleReader

DEVICE = "demo-reader"
HOUR = 3600


@dataclass(frozen=True)
class Arrival:
    """A session as it should be on the server. start, end: UTC with Z. seconds: reading time."""

    title: str
    start: str
    end: str
    seconds: int


@dataclass
class Day:
    """Two books read in three stretches. books: by title, as the e-reader tells of them. morning: when it begins."""

    books: Mapping[str, dict[str, Any]]
    morning: datetime
    expected: list[Arrival] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.reader = SampleReader(DEVICE, self.morning)

    def read_in_bed(self) -> None:
        """A stretch that ends with the e-reader falling asleep."""
        start = len(self.reader.lines)
        self.reader.open(self.books["Dune"])
        self.reader.turn(14, seconds=45)
        self.reader.suspend()
        self._expect(start)

    def read_until_the_battery_dies(self) -> None:
        """A stretch that nothing ends: the last checkpoint has to do for it. The three pages after it are lost."""
        self.reader.sleep(HOUR)
        start = len(self.reader.lines)
        self.reader.resume()
        self.reader.turn(10, seconds=50)
        self.reader.checkpoint()
        self._expect(start)
        self.reader.turn(3)
        self.reader.die()

    def read_offline(self) -> None:
        """An hour in the garden, far from any network."""
        self.reader.sleep(8 * HOUR)
        start = len(self.reader.lines)
        self.reader.open(self.books["Emma"])
        self.reader.turn(60, seconds=60)
        self.reader.close()
        self._expect(start)

    def come_home(self) -> None:
        self.reader.wait(HOUR / 4)
        self.reader.network()

    def _expect(self, start: int) -> None:
        lines = self.reader.lines[start:]
        seconds = sum(sum(line["reading"].get("dwell", ())) for line in lines)
        self.expected.append(Arrival(lines[0]["book"]["title"], lines[0]["at"], lines[-1]["at"], seconds))


def as_known(server: BookLoreServer) -> dict[str, dict[str, Any]]:
    """The books of the server's library by title, as they are on the e-reader."""
    return {
        book.title: {
            "partial_md5": book.partial_md5,
            "file": f"/mnt/onboard/{book.file_name}",
            "title": book.title,
            "authors": list(book.authors),
            "pages": 400,
        }
        for book in server.books.values()
        if book.title
    }


def arrived(server: BookLoreServer) -> list[Arrival]:
    """The sessions that the server has."""
    titles = {number: book.title or "" for number, book in server.books.items()}
    return [
        Arrival(titles.get(row["bookId"], "?"), row["startTime"], row["endTime"], row["durationSeconds"])
        for row in server.sessions
    ]
