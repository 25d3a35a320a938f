"""The fake BookOrbit as tests use it: start it, make it fail, look at what arrived. Source: bookorbit contract."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from booklore_core.testing.orbit.orbit_library import read_library
from booklore_core.testing.orbit.orbit_routes import page, route
from booklore_core.testing.orbit.orbit_state import (
    ALL,
    Fields,
    OrbitBook,
    OrbitRefusal,
    OrbitState,
    Sight,
    answer_of,
    iso,
)
from booklore_core.testing.orbit.orbit_web import bookmark_json
from booklore_core.testing.orbit.session_stats import session_json
from booklore_core.testing.orbit.under_way import UnderWay
from booklore_core.testing.orbit.web_marks import annotation_json, place
from booklore_core.testing.server.answers import Answer, Refusal
from booklore_core.testing.server.faults import Fault, replacement
from booklore_core.testing.server.late import LateRequests
from booklore_core.testing.server.responder import Record
from booklore_core.testing.server.routing import ServerRequest
from booklore_core.testing.server.wire import Listener, Reply

POLL_SECONDS = 0.02
KEYS_AT_ONCE = 4
"""So many keys of accounts are checked at the same time, each for as long as a request takes."""


class BookOrbitServer:
    """A BookOrbit on loopback, listening from the start of the `with` block (or `start()`) until its end.

    library: a JSON file shaped like the recordings' library.json, such a mapping, or None for a few small books.
    now: the server's clock, seconds since 1970. When its database goes the server goes: `stop()`, and `start()` again.
    seconds: what the check of a key takes, and then what is done; 0.3 on a real one. Requests are worked on at the same
    time, and one sees nothing of what others that are under way will write: what is equal and meets is doubled, as far
    as the real one doubles it (contract 12.4). Without any seconds they hardly meet; see `overlaps`.
    """

    def __init__(
        self, library: Path | str | Mapping[str, Any] | None = None, *, now: Callable[[], float] | None = None,
        port: int = 0, koreader_sync: bool = True, seconds: float = 0.0,
    ) -> None:  # fmt: skip
        self._state, self._port = OrbitState(now or time.time), port
        listed = read_library(library)
        for account in listed["accounts"]:
            self._state.users.append(account)
        for book in listed["books"]:
            self._state.books[book.id] = book
        first = self._state.users[0]
        first.sync = koreader_sync
        self._listener: Listener | None = None
        self.username, self.password = first.name, first.password
        self.koreader_username, self.koreader_password = first.reader, listed["koreader_password"]
        self.faults: list[Fault] = []
        self.records: deque[Record] = deque(maxlen=20_000)
        self.on_request: Callable[[Record], None] | None = None
        self._late, self._stopped = LateRequests(), threading.Event()
        self.seconds, self._keys, self._under_way = seconds, threading.Semaphore(KEYS_AT_ONCE), UnderWay()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *raised: object) -> None:
        self.stop()

    def start(self) -> Self:
        """Listen; on the port of before, if there was one."""
        self._stopped.clear()
        self._listener = Listener(self._port, self._respond)
        self._port = self._listener.server_address[1]
        threading.Thread(target=self._listener.serve_forever, args=(POLL_SECONDS,), daemon=True).start()
        return self

    def stop(self) -> None:
        """Close the port and cut every connection, as when its database is away; what was stored stays."""
        if self._listener is None:
            return
        self._stopped.set()
        self._listener.shutdown()
        self._listener.close_all()
        self._listener = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def requests(self) -> list[Record]:
        """The latest requests, oldest first."""
        return list(self.records)

    def fail(self, fault: str, match: str = "* /", times: int | None = 1, after: int = 0) -> None:
        """As `BookLoreServer.fail`."""
        self.faults.append(Fault(fault, match, times, after))

    def recover(self) -> None:
        """Forget every fault. What is late stays so until it is due."""
        self.faults.clear()
        if self._listener is None:
            self.start()

    def carry_out_late(self, now: float = float("inf")) -> None:
        """Carry out what the fault `late` holds back and is due."""
        for late in self._late.take(now):
            with self._state.at(late.due):
                late.work()

    def rewrite(self, number: int) -> None:
        """Write the row of a book's file, as a scan does: of two books of one file the other one is found from then."""
        with self._state.lock:
            self._state.rewrite(self._state.books[number])

    @property
    def sessions(self) -> list[Fields]:
        """The first account's sessions as the web lists them, with `bookId`, oldest first."""
        self.carry_out_late(self._state.now())
        with self._state.lock:
            rows = [
                {**session_json(self._state.books[book], row), "bookId": book}
                for (user, book), of in self._state.sessions.items()
                for row in of
                if user == 1
            ]
        return sorted(rows, key=lambda one: (one["startedAt"], one["id"]))

    @property
    def annotations(self) -> list[Fields]:
        """The first account's highlights that are not in the trash, as the web lists them."""
        self.carry_out_late(self._state.now())
        with self._state.lock:
            own = [row for row in self._state.annotations if row["user"] == 1 and not row["is_deleted"]]
            for row in own:
                place(self._state.books[row["book"]], [row])
            return [annotation_json(self._state.books[row["book"]], row) for row in own]

    @property
    def bookmarks(self) -> list[Fields]:
        self.carry_out_late(self._state.now())
        return [bookmark_json(row) for row in self._state.bookmarks if row["user"] == 1 and not row["is_deleted"]]

    @property
    def pushes(self) -> list[Fields]:
        """The places of the first account's devices, in the order in which they were carried out: `bookId`, `percent`,
        `place`, `device`, `device_id`, `timestamp` as it was told, and `at`, the server's."""
        self.carry_out_late(self._state.now())
        with self._state.lock:
            return [dict(one) for one in self._state.pushes if one["user"] == 1]

    @property
    def readings(self) -> dict[int, Fields]:
        """What the first account has of each book, by its id: `status`, `rating`, `review`, `percent`, `place`."""
        self.carry_out_late(self._state.now())
        with self._state.lock:
            kept = {book: dict(row) for (user, book), row in self._state.states.items() if user == 1}
            for (user, book), shared in self._state.shared.items():
                if user == 1:
                    kept.setdefault(book, {}).update(
                        percent=shared["percent"], place=shared["place"], cfi=shared["cfi"]
                    )
        return kept

    @property
    def overlaps(self) -> list[str]:
        """The partial MD5s of books of which something was written while something else of them was, oldest first."""
        return list(self._under_way.overlaps)

    @property
    def books(self) -> dict[int, OrbitBook]:
        return self._state.books

    @property
    def state(self) -> OrbitState:
        """All of it, to be changed under its lock."""
        return self._state

    def _respond(self, request: ServerRequest) -> Reply:
        auth = "md5" if "x-auth-user" in request.headers else "bearer" if "authorization" in request.headers else "none"
        record = Record(request.method, request.path, auth, None, request.body, request.query)
        if self.on_request:
            self.on_request(record)
        with self._under_way.of(request):
            reply = self._reply(request)
        status = None if reply.sent == "nothing" else reply.answer.status
        self.records.append(replace(record, status=status))
        return reply

    def _reply(self, request: ServerRequest) -> Reply:
        self.carry_out_late(self._state.now())
        seen = self._look(request)
        with self._state.lock:
            fault = next((one for one in self.faults if one.matches(request.method, request.path)), None)
        if fault is None:
            return Reply(self._answer(request, seen))
        if fault.seconds_late is not None:
            late = replace(seen, events=ALL)  # sessions are derived once the events are in
            self._late.put(lambda: self._answer(request, late), self._state.now() + fault.seconds_late)
            return Reply(Answer(500), "nothing")
        if fault.seconds_before:
            self._stopped.wait(fault.seconds_before)
        answer = self._answer(request, seen) if fault.commits_first else Answer(500)
        if fault.replaces_answer:
            instead = replacement(fault.name)
            answer = instead if isinstance(instead, Answer) else self._refused(as_orbit(instead), request)
        if fault.seconds_after:
            self._stopped.wait(fault.seconds_after)
        cut = {"half_body": "half", "close_before": "nothing", "close_after": "nothing"}
        return Reply(answer, cut.get(fault.name, "all"))  # type: ignore[arg-type]

    def _look(self, request: ServerRequest) -> Sight:
        """What a request sees: nothing of what is still under way."""
        if self.seconds and "x-auth-user" in request.headers:
            with self._keys:
                self._stopped.wait(self.seconds)
            seen = self._state.look()
            self._stopped.wait(self.seconds)
            return seen
        return self._state.look()

    def _answer(self, request: ServerRequest, seen: Sight) -> Answer:
        if not request.path.startswith(("/api/", "//")):
            return page(request.path)
        try:
            with self._state.seeing(seen):
                return route(self._state, request)
        except OrbitRefusal as refusal:
            return self._refused(refusal, request)

    def _refused(self, refusal: OrbitRefusal, request: ServerRequest) -> Answer:
        told = {"statusCode": refusal.status, "message": refusal.message, "path": request.path}
        number = f"req-{next(self._state.requests)}"
        return answer_of({**told, "timestamp": iso(self._state.now()), "requestId": number}, refusal.status)


def as_orbit(refusal: Refusal) -> OrbitRefusal:
    message = "Internal server error" if refusal.status >= 500 else refusal.message or "Unauthorized"
    return OrbitRefusal(refusal.status, message)
