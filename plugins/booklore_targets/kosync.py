"""KOReader sync servers as targets: where a reader is, at any number of them, each by a name of its own."""

from __future__ import annotations

import hashlib
import logging
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from booklore_core import (
    BadSetting,
    Before,
    BookRef,
    Check,
    Declined,
    Item,
    ItemFailed,
    ItemRejected,
    Position,
    Pushed,
    RemotePosition,
    Setting,
    TargetUnavailable,
    hookimpl,
    position_told,
)

if TYPE_CHECKING:
    from requests import Response

    from booklore_core import Section, Store

SHAPE = "NAME = https://USER:PASSWORD@HOST/PATH"
LINE = re.compile(
    r"""\s*(?P<name>[A-Za-z][A-Za-z0-9_-]*)\s*=\s*(?P<scheme>https?)://(?P<user>[^:/?#\s]+):(?P<password>[^/?#\s]+)
    @(?P<host>(?:\[[0-9a-f:.]+]|[^][:@/?#\s]+)(?::\d{1,5})?)(?P<path>/[^@?#\s]*)?\s*""",
    re.IGNORECASE | re.VERBOSE,
)
QUOTED = "in a password / is written as %2F, ? as %3F, # as %23 and % as %25"

FIELDS = ("percentage", "progress", "timestamp", "device", "device_id")
ACCEPT, TIMEOUT = {"Accept": "application/vnd.koreader.v1+json"}, (5.0, 10.0)
TAKEN, FORM, NOT_FOUND = 2002, (2003, 2004), re.compile("not found|no progress|unknown document", re.IGNORECASE)
"""Codes of the reference server: a name that somebody has, what it does not like in a request; an imitator's words."""

NO_PLACE = "only the percentage of this place is known: other readers of the server would be led to the book's start"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SyncServer:
    """url: without a slash at its end. key: MD5 of the password, which is all that a server is told of it."""

    name: str
    url: str
    username: str
    key: str = field(repr=False)


def read_servers(text: str) -> dict[str, SyncServer]:
    """The servers by name. Raises BadSetting that names the line and holds nothing of it: there is a password in it."""
    servers: dict[str, SyncServer] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        found = LINE.fullmatch(line)
        if found:
            server = server_of(found)
            if servers.setdefault(server.name, server) is not server:
                raise BadSetting(f"line {number}: the name is that of an earlier line")
        elif line.strip():
            raise BadSetting(f"line {number}: expected {SHAPE}; {QUOTED}")
    return servers


def server_of(found: re.Match[str]) -> SyncServer:
    user, password = unquote(found["user"]), unquote(found["password"])
    url = f"{found['scheme'].lower()}://{found['host']}{found['path'] or ''}".rstrip("/")
    return SyncServer(found["name"], url, user, hashlib.md5(password.encode(), usedforsecurity=False).hexdigest())


@hookimpl
def register_settings() -> Iterator[Setting]:
    about, label = f"One a line: {SHAPE}", "Sync servers"
    yield Setting("servers", str, "", about, label=label, secret=True, fits=read_servers, needed=True)
    yield Setting("ca_file", str, "", "File of a private certificate authority", label="CA file", forgets=("servers",))


@hookimpl
def register_targets(settings: Section, store: Store) -> Iterator[Kosync]:
    for server in read_servers(settings["servers"]).values():
        yield Kosync(server, store, settings["ca_file"] or None)


class Kosync:
    """One server as target. clock: seconds since 1970. Source: kosync-and-hardcover §1."""

    kinds = frozenset({"progress"})

    def __init__(
        self, server: SyncServer, store: Store, ca_file: str | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self.name, self.address, self.about = server.name, server.url, f"a KOReader sync server, {server.url}"
        self._server, self._ca_file, self._clock = server, ca_file, clock
        self._pushed = Pushed(store, server.name)
        self._visit: Visit | None = None
        self._lock = threading.Lock()

    def deliver(self, item: Item, before: Before) -> None:
        visit, now = self._open(), datetime.fromtimestamp(self._clock(), UTC)
        self._pushed.bring(item, visit.look(item.book), lambda: visit.put(item), now)

    def remote_progress(self, book: BookRef) -> RemotePosition | None:
        """Where the server's reader is, None where it knows of none. Raises Declined."""
        remote = self._open().look(book)
        return remote and self._pushed.recognise(book, remote)

    def check(self) -> list[Check]:
        """Whether the account is good, which is made if there is none. A delivery may be under way meanwhile."""
        visit = Visit(self._server, self._ca_file)
        try:
            made = visit.log_in()
        except Declined as error:
            return [Check(self.name, False, error.reason, "correct its line in kosync.servers, or try again later")]
        finally:
            visit.close()
        return [Check(self.name, True, f"{self.address} answers, logged in as {self._server.username}{made}")]

    def close(self) -> None:
        """Ends the visit: a call that is still under way sends nothing more."""
        with self._lock:
            visit, self._visit = self._visit, None
        if visit:
            visit.close()

    def _open(self) -> Visit:
        with self._lock:
            self._visit = self._visit or Visit(self._server, self._ca_file)
            return self._visit


class Visit:
    """One run's way to a server, until it is closed."""

    def __init__(self, server: SyncServer, ca_file: str | None) -> None:
        from booklore_core.http import Client

        self._server, self._made, self._closed = server, "", False
        username = server.username.encode().decode("latin-1")  # goes as UTF-8 then, as KOReader sends it
        headers = {"x-auth-user": username, "x-auth-key": server.key}
        self._client = Client(server.url, headers=headers, ca_file=ca_file, timeout=TIMEOUT, answer_timeout=20)

    def look(self, book: BookRef) -> RemotePosition | None:
        """An unknown document is answered in many ways: by an empty object, a message, 204, 404, or 502."""
        response, answer = self._ask("GET", f"/syncs/progress/{book.partial_md5}")
        if response.status_code in (204, 404) or (response.status_code >= 500 and NOT_FOUND.search(message(answer))):
            return None
        if response.status_code != 200:
            raise self._refusal(response, answer, writing=False)
        return position_told(*map(answer.get, FIELDS))

    def put(self, item: Item) -> None:
        place, document = Position.of(item), item.book.partial_md5
        if not place.position:
            raise ItemRejected(NO_PLACE)
        body = {"document": document, "progress": place.position, "percentage": place.floored, "device": place.device}
        body["device_id"] = place.device_id
        response, answer = self._ask("PUT", "/syncs/progress", body)
        if not 200 <= response.status_code < 300:
            raise self._refusal(response, answer, writing=True)

    def log_in(self) -> str:
        """What is to be told beside the name: an account that was not there is made. Raises Declined."""
        response, answer = self._ask("GET", "/users/auth")
        if response.status_code == 200:
            return self._made
        raise self._refusal(response, answer, writing=False)

    def close(self) -> None:
        self._closed = True
        self._client.close()

    def _ask(self, method: str, path: str, body: Any = None) -> tuple[Response, dict[str, Any]]:
        """An answer of the server itself, and the object in it. Raises TargetUnavailable."""
        response, answer = self._send(method, path, body)
        if is_refused(response, answer) and not self._made:
            self._register()
            response, answer = self._send(method, path, body)
        if is_refused(response, answer):
            raise TargetUnavailable(f"{self._client.host} refuses the account that it has just made", False)
        return response, answer

    def _register(self) -> None:
        """An account that is refused is not there, or has another password: only making it tells."""
        account = {"username": self._server.username, "password": self._server.key}
        response, answer = self._send("POST", "/users/create", account)
        if response.status_code in (200, 201):
            self._made = ", whose account was made"
            log.info("%s: made an account at %s", self._server.name, self._client.host)
        elif answer.get("code") == TAKEN:
            raise TargetUnavailable(f"{self._client.host} refuses the password of {self._server.username}", False)
        else:
            why = f"refuses {self._server.username} with this password, and makes no account"
            raise TargetUnavailable(f"{self._client.host} {why} ({message(answer) or response.status_code})", False)

    def _send(self, method: str, path: str, body: Any = None) -> tuple[Response, dict[str, Any]]:
        if self._closed:
            raise TargetUnavailable("the run has ended", maybe_sent=False)
        try:
            response = self._client.send(method, path, headers=ACCEPT, json=body)
        except TargetUnavailable as error:
            raise TargetUnavailable(error.reason, error.maybe_sent and method == "PUT") from error
        except OSError as error:
            raise TargetUnavailable(f"{self._client.host}: {type(error).__name__}; check the CA file", False) from error
        return response, self._object(response, method == "PUT")

    def _object(self, response: Response, writing: bool) -> dict[str, Any]:
        """The object of an answer, empty where there is no body. Raises TargetUnavailable for what is a proxy's."""
        from booklore_core.http import json_answer

        status, host, body = response.status_code, self._client.host, json_answer(response)
        if 300 <= status < 400 or status == 429:
            what = "asks for a pause" if status == 429 else "sends everybody on to another address: set that one"
            raise TargetUnavailable(f"{host} {what} ({status})", False)
        if isinstance(body, dict):
            return body
        if not response.content and status < 500:
            return {}
        raise TargetUnavailable(f"{host} does not answer as a KOReader sync server does ({status}); check it", writing)

    def _refusal(self, response: Response, answer: dict[str, Any], writing: bool) -> Declined:
        status = response.status_code
        reason = f"{self._client.host} answers {status}: {message(answer) or 'no reason given'}"
        if 400 <= status < 500 and writing:
            return ItemRejected(reason)
        return (TargetUnavailable if status > 500 else ItemFailed)(reason, writing)


def message(answer: dict[str, Any]) -> str:
    return str(answer.get("message") or "")[:200]


def is_refused(response: Response, answer: dict[str, Any]) -> bool:
    """Whether an account is refused: 401, at imitators 403 as well, which else is about a field."""
    return response.status_code == 401 or (response.status_code == 403 and answer.get("code") not in FORM)
