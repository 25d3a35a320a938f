"""A reader with an e-reader: writes the spool lines that KOReader's shim would write, by a clock of its own."""

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

MORNING = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)


def sample_book(title: str = "Dune", pages: int = 600, **fields: Any) -> dict[str, Any]:
    """A book as a spool line tells it; the same title makes the same partial MD5."""
    digest = hashlib.md5(title.encode(), usedforsecurity=False).hexdigest()
    name = title.lower().replace(" ", "-")
    book = {"partial_md5": digest, "file": f"/mnt/onboard/{name}.epub", "size": 1000 + len(title), "title": title}
    return {**book, "authors": ["Frank Herbert"], "pages": pages, **fields}


@dataclass
class SampleReader:
    """Reads, and remembers the lines. Every method returns the line that it wrote.

    device: its id. now: wall clock, moved on by `turn` and `wait`. lines: everything written so far, in order. up:
    seconds of the boot clock, None for a device that has none, and boot: which boot that is. stars, status, review:
    KOReader's of the book, "unknown" and None where the lines do not tell them; "" for no review, which closings tell.
    """

    device: str = "kobo-7f3a"
    now: datetime = MORNING
    lines: list[dict[str, Any]] = field(default_factory=list)
    book: dict[str, Any] | None = None
    page: int = 1
    stars: Any = "unknown"
    status: str | None = None
    review: str | None = None
    up: float | None = None
    boot: str | None = None
    _counter: int = 0
    _turns: int = 0
    _dwell: list[int] = field(default_factory=list)
    _on_page: int = 0
    _pages: dict[str, int] = field(default_factory=dict)

    def open(self, book: dict[str, Any]) -> dict[str, Any]:
        self.book, self.page = book, self._pages.get(book["partial_md5"], 1)
        self._begin()
        return self._write("book_open", book=book, reading=self._reading(dwell=False))

    def turn(self, pages: int = 1, seconds: int = 40) -> None:
        """Turns pages, each after so many seconds."""
        for _ in range(pages):
            self.wait(seconds)
            self._dwell.append(self._on_page)
            self._on_page = 0
            self._turns += 1
            self.page = min(self.page + 1, (self.book or {}).get("pages") or 10**6)

    def wait(self, seconds: float) -> None:
        """Time passes; with a book open it counts for the page shown."""
        self.sleep(seconds)
        if self.book is not None:
            self._on_page += int(seconds)

    def sleep(self, seconds: float) -> None:
        """Time passes while the device is suspended; the boot clock goes on."""
        self.now += timedelta(seconds=seconds)
        if self.up is not None:
            self.up += seconds

    def start(self, boot: str | None = None, seconds: float = 0) -> None:
        """The device starts anew, after it was off for a while."""
        self.now += timedelta(seconds=seconds)
        self.up, self.boot = 0, boot

    def checkpoint(self) -> dict[str, Any]:
        return self._write("page_turns", book=self.book, reading=self._reading())

    def close(self, reason: str = "close", annotations: list[dict[str, Any]] | None = None) -> dict[str, Any]:
        self._dwell.append(self._on_page)
        self._on_page = 0
        more = {} if annotations is None else {"annotations": annotations}
        written = {} if self.review is None else {"review": self.review or None}
        line = self._write("book_close", book=self.book, reading={**self._reading(), **written}, reason=reason, **more)
        if self.book is not None and reason != "suspend":
            self._pages[self.book["partial_md5"]] = self.page
            self.book = None
        return line

    def suspend(self) -> dict[str, Any]:
        return self.close("suspend")

    def resume(self) -> dict[str, Any]:
        self._begin()
        return self._write(
            "resume", **({"book": self.book, "reading": self._reading(dwell=False)} if self.book else {})
        )

    def network(self) -> dict[str, Any]:
        return self._write("network_connected")

    def delete(self, book: dict[str, Any]) -> dict[str, Any]:
        return self._write("delete", book=book)

    def die(self) -> None:
        """The battery is empty: what was not written down is gone."""
        self.book = None

    def read(self, book: dict[str, Any], pages: int = 10, seconds: int = 40) -> list[dict[str, Any]]:
        """Opens, turns pages and closes: one session."""
        start = len(self.lines)
        self.open(book)
        self.turn(pages, seconds)
        self.close()
        return self.lines[start:]

    def spool(self) -> str:
        """All lines as the spool file holds them."""
        return "".join(json.dumps(line) + "\n" for line in self.lines)

    def _begin(self) -> None:
        self._turns, self._dwell, self._on_page = 0, [], 0

    def _reading(self, dwell: bool = True) -> dict[str, Any]:
        pages = (self.book or {}).get("pages") or 100
        reading = {
            "percent": self.page / pages,
            "page": self.page,
            "pages": pages,
            "position": f"/body/p[{self.page}].0",
        }
        reading["turns"] = self._turns
        if dwell:
            reading["dwell"], self._dwell = self._dwell, []
        if self.stars != "unknown":
            reading["stars"] = self.stars
        if self.status:
            reading["status"] = self.status
        return reading

    def _write(self, event: str, **fields: Any) -> dict[str, Any]:
        self._counter += 1
        at = f"{self.now:%Y-%m-%dT%H:%M:%SZ}"
        line = {"v": 1, "id": f"{self.device}-{self._counter:06d}", "event": event, "at": at, "device": self.device}
        told = {"up": self.up, "boot": self.boot}
        line.update({**{name: value for name, value in told.items() if value is not None}, **fields})
        self.lines.append(line)
        return line
