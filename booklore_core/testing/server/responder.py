"""Takes a request through faults, security and routes to a reply."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from booklore_core.testing.server.account_routes import account_routes
from booklore_core.testing.server.annotation_routes import annotation_routes
from booklore_core.testing.server.answers import Answer, Refusal, refusal_answer, with_carried_status
from booklore_core.testing.server.app_routes import app_routes
from booklore_core.testing.server.book_routes import book_routes
from booklore_core.testing.server.bookmark_routes import bookmark_routes
from booklore_core.testing.server.faults import Fault, replacement
from booklore_core.testing.server.file_routes import file_routes
from booklore_core.testing.server.komga_routes import komga_routes
from booklore_core.testing.server.late import LateRequests, TableLocked
from booklore_core.testing.server.progress_routes import progress_routes
from booklore_core.testing.server.rating_routes import rating_routes
from booklore_core.testing.server.routing import Router, ServerRequest
from booklore_core.testing.server.security import DatabaseAway, credentials_sent, identify
from booklore_core.testing.server.session_routes import session_routes
from booklore_core.testing.server.shelf_routes import shelf_routes
from booklore_core.testing.server.state import State
from booklore_core.testing.server.wire import Reply

RECORDS_KEPT = 20_000
POLL_SECONDS = 0.02
AREAS = (
    account_routes,
    book_routes,
    file_routes,
    app_routes,
    session_routes,
    progress_routes,
    rating_routes,
    annotation_routes,
    bookmark_routes,
    shelf_routes,
    komga_routes,
)


@dataclass(frozen=True)
class Record:
    """One request: auth is `none`, `md5`, `bearer`, `basic` or `md5+bearer`.

    status is None before the answer, and for a connection closed without one.
    """

    method: str
    path: str
    auth: str
    status: int | None = None
    body: bytes = b""
    query: Mapping[str, str] = field(default_factory=dict)


class Responder:
    """Answers the requests of one server."""

    def __init__(self, state: State, base_path: str, lock_patience: float) -> None:
        self.state = state
        self.base_path = base_path
        self._lock_patience = lock_patience
        self._late, self._waiting = LateRequests(), LateRequests()
        self.faults: list[Fault] = []
        self.records: deque[Record] = deque(maxlen=RECORDS_KEPT)
        self.on_request: Callable[[Record], None] | None = None
        self.stopped = threading.Event()
        self._router = Router(route for area in AREAS for route in area(state.dialect))

    def respond(self, request: ServerRequest) -> Reply:
        record = Record(request.method, request.path, credentials_sent(request), None, request.body, request.query)
        if self.on_request is not None:
            self.on_request(record)
        reply = self._reply(request)
        status = None if reply.sent == "nothing" else reply.answer.status
        self.records.append(replace(record, status=status))
        return reply

    def _reply(self, request: ServerRequest) -> Reply:
        if not request.path.startswith(self.base_path + "/"):
            return Reply(Answer(404, b"<html><body>Not Found</body></html>", "text/html"))
        request.path = request.path.removeprefix(self.base_path)
        self.carry_out_late(self.state.now())
        with self.state.lock:
            fault = next((one for one in self.faults if one.matches(request.method, request.path)), None)
        if fault and fault.seconds_late is not None:
            self._late.put(lambda: self._answer(request), self.state.now() + fault.seconds_late)
            return Reply(Answer(500), "nothing")
        try:
            return self._answer_with(fault, request) if fault else Reply(self._answer(request))
        except TableLocked as locked:
            return self._wait_for_table(locked.insert)

    def carry_out_late(self, now: float = float("inf")) -> None:
        """What is due by now, whoever sent it and has given up."""
        self.carry_out_waiting(self.state.now())
        for late in self._late.take(now):
            try:
                with self.state.at(late.due):
                    late.work()
            except TableLocked as locked:
                self._waiting.put(locked.insert, self.state.sessions_locked_until)

    def carry_out_waiting(self, now: float = float("inf")) -> None:
        """What has waited for the table, which is free by now, in the order in which it came."""
        for waiting in self._waiting.take(now):
            with self.state.lock:
                waiting.answer.set_result(waiting.work())

    def _wait_for_table(self, insert: Callable[[], Answer]) -> Reply:
        """Nobody can take the request back: it is carried out once the table is free, late or not."""
        answer, waited = self._waiting.put(insert, self.state.sessions_locked_until).answer, 0.0
        self.carry_out_waiting(self.state.now())  # it may have become free meanwhile
        while not answer.done() and waited < self._lock_patience and not self.stopped.wait(POLL_SECONDS):
            waited += POLL_SECONDS
        return Reply(answer.result()) if answer.done() else Reply(Answer(500), "nothing")

    def _answer_with(self, fault: Fault, request: ServerRequest) -> Reply:
        if fault.seconds_before:
            self.stopped.wait(fault.seconds_before)
        answer = self._answer(request) if fault.commits_first else Answer(500)
        if fault.replaces_answer:
            instead = replacement(fault.name)
            answer = instead if isinstance(instead, Answer) else self._refused(instead, request)
        if fault.seconds_after:
            self.stopped.wait(fault.seconds_after)
        if fault.name == "half_body":
            return Reply(answer, "half")
        return Reply(answer, "nothing" if fault.name in ("close_before", "close_after") else "all")

    def _answer(self, request: ServerRequest) -> Answer:
        """The answer of a server in good health; at most one request at a time changes the state."""
        try:
            with self.state.lock:
                identify(self.state, request)
                return self._router.answer(self.state, request)
        except DatabaseAway as away:
            # Outside the lock: the real pool lets every request wait its own time.
            self.stopped.wait(self.state.database_away_delay)
            return self._refused(away.refusal, request)
        except Refusal as refusal:
            return self._refused(refusal, request)

    def _refused(self, refusal: Refusal, request: ServerRequest) -> Answer:
        if self.state.dialect.keeps_carried_status:
            refusal = with_carried_status(refusal)
        return refusal_answer(refusal, self.base_path + request.path, self.state.now())
