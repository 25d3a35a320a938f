"""A KOReader sync server on loopback that answers as the reference server does, and goes wrong when told.

Source: reference kosync-and-hardcover, section 1.
"""

import json
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

from booklore_core.testing.server.answers import Answer
from booklore_core.testing.server.routing import ServerRequest
from booklore_core.testing.server.wire import Listener, Reply

POLL_SECONDS = 0.02
ACCEPT = "application/vnd.koreader.v1+json"
FORMS = {
    1000: (502, "Cannot connect to redis server."),
    2000: (502, "Unknown server error."),
    2001: (401, "Unauthorized"),
    2002: (402, "Username is already registered."),
    2003: (403, "Invalid request"),
    2004: (403, "Field 'document' not provided."),
    2005: (402, "User registration is disabled."),
}
"""Code → status and message."""

PAGE = Answer(502, b"<html><body><h1>502 Bad Gateway</h1></body></html>", "text/html")


def object_answer(body: Any, status: int = 200) -> Answer:
    return Answer(status, json.dumps(body).encode(), "application/json")


def form(code: int) -> Answer:
    status, message = FORMS[code]
    return object_answer({"code": code, "message": message}, status)


@dataclass
class Trouble:
    """What happens to the next requests whose method and path begin so. answer: instead of its own; lost: the answer,
    the request, or it comes late."""

    match: str
    answer: Answer | None = None
    lost: str = ""
    times: int = 1


@dataclass
class SyncServer:
    """users: name → key. places: (user, document) → what is stored. base_path: served below it. now: its clock."""

    users: dict[str, str] = field(default_factory=dict)
    registers: bool = True
    base_path: str = ""
    tls: ssl.SSLContext | None = None
    now: Callable[[], float] = time.time
    places: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    requests: list[ServerRequest] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    late: list[ServerRequest] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._listener = Listener(0, self._respond, self.tls)
        threading.Thread(target=self._listener.serve_forever, args=(POLL_SECONDS,), daemon=True).start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._listener.shutdown()
        self._listener.close_all()

    @property
    def place(self) -> str:
        """HOST:PORT/PATH"""
        return f"127.0.0.1:{self._listener.server_address[1]}{self.base_path}"

    def bodies(self, path: str) -> list[bytes]:
        return [one.body for one in self.requests if one.path == path and one.body]

    def trouble(self, match: str, answer: Answer | None = None, lost: str = "", times: int = 1) -> None:
        self.troubles.append(Trouble(match, answer, lost, times))

    def arrive(self) -> None:
        """Whatever is late is carried out now."""
        for request in self.late:
            self._answer(request)
        self.late.clear()

    def _respond(self, request: ServerRequest) -> Reply:
        if not request.path.startswith(f"{self.base_path}/"):
            return Reply(Answer(404, b"<html>Not Found</html>", "text/html"))
        request.path = request.path.removeprefix(self.base_path)
        self.requests.append(request)
        line = f"{request.method} {request.path}"
        trouble = next((one for one in self.troubles if one.times > 0 and line.startswith(one.match)), None)
        if trouble is None:
            return Reply(self._answer(request))
        trouble.times -= 1
        if trouble.lost == "late":
            self.late.append(request)
        if trouble.lost == "answer":
            self._answer(request)
        return Reply(trouble.answer, "all") if trouble.answer else Reply(Answer(500), "nothing")

    def _answer(self, request: ServerRequest) -> Answer:
        if request.headers.get("accept") != ACCEPT:
            return object_answer({"code": 2006, "message": "Invalid Accept header"}, 412)
        route = f"{request.method} /{request.path.split('/')[1]}/{request.path.split('/')[2]}"
        body = json.loads(request.body) if request.body else {}
        if route == "POST /users/create":
            return self._create(body)
        name = request.headers.get("x-auth-user", "").encode("latin-1").decode()
        if self.users.get(name) is None or self.users[name] != request.headers.get("x-auth-key"):
            return form(2001)
        if route == "GET /users/auth":
            return object_answer({"authorized": "OK"})
        return self._put(name, body) if request.method == "PUT" else self._get(name, request.path.split("/")[3])

    def _create(self, body: dict[str, Any]) -> Answer:
        name, key = body.get("username"), body.get("password")
        if not name or not key or ":" in name:
            return form(2003)
        if name in self.users:
            return form(2002)
        if not self.registers:
            return form(2005)
        self.users[name] = key
        return object_answer({"username": name}, 201)

    def _put(self, name: str, body: dict[str, Any]) -> Answer:
        document = body.get("document")
        if not isinstance(document, str) or not document or ":" in document:
            return form(2004)
        known = {
            key: body[key] for key in ("percentage", "progress", "device", "device_id") if body.get(key) is not None
        }
        if not {"percentage", "progress", "device"} <= known.keys():
            return form(2003)
        known["progress"] = str(known["progress"])
        self.places[name, document] = {**known, "timestamp": int(self.now())}
        return object_answer({"document": document, "timestamp": int(self.now())})

    def _get(self, name: str, document: str) -> Answer:
        known = self.places.get((name, document))
        return object_answer({**known, "document": document} if known else {})
