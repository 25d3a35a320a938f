"""Which server this is and what it can do: probed, never assumed, and remembered until its version changes."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from booklore_core import TargetUnavailable
from booklore_targets.booklore.answers import details, is_page, json_body, message, unavailable
from booklore_targets.booklore.connection import Connection
from booklore_targets.booklore.setup import SERVER_LOG, NoLogin
from booklore_targets.booklore.tokens import claims_of

if TYPE_CHECKING:
    from requests import Response

NO_DIGEST = "0" * 32
UNNAMED_VERSION_SECONDS = 24 * 3600
"""How long a probe of a server without a version of its own ("development") is believed."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Capabilities:
    """family: `booklore` or `grimmory`. by_hash, batch, search: whether the endpoints beyond the stock ones exist."""

    family: str
    version: str
    by_hash: bool = False
    batch: bool = False
    search: bool = False

    @property
    def product(self) -> str:
        return "Grimmory" if self.family == "grimmory" else "BookLore"

    @property
    def text(self) -> str:
        """Product, version and what it has beyond the stock one, for people."""
        extras = {"books by digest": self.by_hash, "sessions in batches": self.batch, "book search": self.search}
        present = [name for name, is_there in extras.items() if is_there]
        return f"{self.product} {self.version}" + (f" with {', '.join(present)}" if present else ", stock")


def known_capabilities(stored: Any) -> Capabilities | None:
    """What was remembered of the last probe, without asking anybody."""
    try:
        return Capabilities(**stored["found"])
    except (KeyError, TypeError):
        return None


def find_capabilities(connection: Connection, now: float) -> Capabilities:
    """What the server can do; probed again when its version or address has changed. Raises TargetUnavailable."""
    version = read_version(connection)
    stored = connection.store.get("dialect") or {}
    known = known_capabilities(stored)
    if known and known.version == version and stored.get("url") == connection.setup.url:
        age = now - stored.get("probed_at", 0.0)
        if any(char.isdigit() for char in version) or 0 <= age < UNNAMED_VERSION_SECONDS:
            return known
    found, is_certain = probe(connection, version)
    log.info("%s %s: by-hash %s, batch %s", found.product, version, found.by_hash, found.batch)
    if is_certain:
        value = {"url": connection.setup.url, "probed_at": now, "found": asdict(found)}
        connection.store.set("dialect", value)
    return found


def read_version(connection: Connection) -> str:
    """The version that the health check tells. Raises TargetUnavailable."""
    return str(read_health(connection).get("version") or "unknown")


def read_health(connection: Connection) -> dict[str, Any]:
    """What the health check tells. Raises TargetUnavailable unless this is a BookLore and up."""
    response = connection.ask_anonymously("/api/v1/healthcheck")
    body = json_body(response)
    data = body.get("data") if isinstance(body, dict) else None
    if response.status_code == 200 and isinstance(data, dict) and data.get("status") == "UP":
        return data
    away, status = unavailable(response, writing=False), response.status_code
    if status >= 500:
        raise NoLogin(away.reason if away else f"the server cannot work now ({status})", SERVER_LOG)
    raise away or TargetUnavailable(f"the address does not answer as BookLore does ({status})", False)


def probe(connection: Connection, version: str) -> tuple[Capabilities, bool]:
    """What the server can do, and whether every answer was clear. Nothing is changed on it. Source: contract §12."""
    answers = {name: ask(connection) for name, ask in PROBES.items()}
    found = {name: answer is True for name, answer in answers.items()}
    return Capabilities(find_family(connection), version, **found), None not in answers.values()


def find_family(connection: Connection) -> str:
    """Grimmory answers 401 to an anonymous KOReader call, BookLore 403; its tokens also name an issuer."""
    response = connection.ask_anonymously("/api/koreader/users/auth")
    by_status = {401: "grimmory", 403: "booklore"}.get(response.status_code)
    if by_status and isinstance(json_body(response), dict):
        return by_status
    return "grimmory" if claims_of(connection.login.token()).get("iss") else "booklore"


def probe_by_hash(connection: Connection) -> bool | None:
    response = connection.ask("GET", f"/api/v1/books/by-hash/{NO_DIGEST}")
    text = message(response) or ""
    if response.status_code == 404 and NO_DIGEST in text and f"/{NO_DIGEST}" not in text:
        return True  # with a slash it is the path that there is not
    return False if is_absent(response) else None


def probe_batch(connection: Connection) -> bool | None:
    """An empty batch is refused by an endpoint that exists, and stores nothing."""
    response = connection.ask("POST", "/api/v1/reading-sessions/batch", json={})
    if response.status_code == 400 and details(response):
        return True
    return False if is_absent(response) and not is_page(response) else None


def probe_search(connection: Connection) -> bool | None:
    """A search for nothing is refused by an endpoint that exists; elsewhere `search` is taken for a book's id."""
    response = connection.ask("GET", "/api/v1/books/search")
    if response.status_code == 400:
        return "search parameter" in (message(response) or "")
    return False if is_absent(response) else None


def is_absent(response: Response) -> bool:
    """Whether this is a probe's answer from an endpoint that does not exist. Source: server contract §2.2, §16."""
    if response.status_code == 200:
        return is_page(response)
    return response.status_code in (404, 405, 500) and isinstance(json_body(response), dict)


PROBES: dict[str, Callable[[Connection], bool | None]] = {
    "by_hash": probe_by_hash,
    "batch": probe_batch,
    "search": probe_search,
}
