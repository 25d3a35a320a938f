"""Which devices may speak: six-digit codes that are traded once for a token, and the tokens' hashes."""

import hashlib
import hmac
import json
import secrets
import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from booklore_core.core import Core
from booklore_core.pipeline.lease import Clock

CODE_LIFE = timedelta(minutes=10)
WRONG_TRIES, PER = 5, timedelta(minutes=1)
ROUNDS = 10_000
MAX_CODES = 5
"""How many unused codes are valid at a time; the oldest goes first."""

FORGET = "DELETE FROM pairings WHERE expires_at <= :now OR used = 1"
SURPLUS = "DELETE FROM pairings WHERE id NOT IN (SELECT id FROM pairings ORDER BY id DESC LIMIT :keep)"
ADD = "INSERT INTO pairings (salt, code_hash, expires_at, used) VALUES (:salt, :code_hash, :expires_at, 0)"
UNUSED = "SELECT id, salt, code_hash FROM pairings WHERE used = 0 AND expires_at > :now ORDER BY id LIMIT 100"
USE = "UPDATE pairings SET used = 1 WHERE id = :id AND used = 0"


class WrongCode(Exception):
    """The code was never given out, was used, or is too old."""


class TooManyTries(Exception):
    """Too many wrong codes of late: nobody can pair for a moment."""


def new_code(core: Core) -> tuple[str, int]:
    """A code for one pairing, six digits, and how many seconds it lives."""
    code, salt, now = f"{secrets.randbelow(1_000_000):06d}", secrets.token_hex(16), core.clock()
    expires_at = (now + CODE_LIFE).timestamp()
    with core.database.writing():
        core.database.run(FORGET, now=now.timestamp())
        core.database.run(ADD, salt=salt, code_hash=hash_code(code, salt), expires_at=expires_at)
        core.database.run(SURPLUS, keep=MAX_CODES)
    return code, int(CODE_LIFE.total_seconds())


class Tries:
    """Slows guessing down: so many different wrong tries within a minute, and then none for anybody.

    A try counts from before it is judged, so that many at once are no more than one after the other; a right one then
    takes its count back.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._at: dict[Any, datetime] = {}

    def count(self, guess: Any) -> None:
        """Counts a try as wrong; the same guess again is no other. Raises TooManyTries, and then counts nothing."""
        with self._lock:
            now = self._clock()
            # A clock that was set back locks nobody out.
            self._at = {one: at for one, at in self._at.items() if abs(now - at) < PER}
            if guess not in self._at and len(self._at) >= WRONG_TRIES:
                raise TooManyTries
            self._at[guess] = now

    def take_back(self, guess: Any) -> None:
        """The guess was right."""
        with self._lock:
            self._at.pop(guess, None)


class Pairings:
    """Trades codes for tokens. Guessing is slowed down for all devices together."""

    def __init__(self, core: Core) -> None:
        self._core, self._tries = core, Tries(core.clock)

    def pair(
        self, code: str, device: str, name: str | None, model: str | None, former_ids: Sequence[str] | None = None
    ) -> str:
        """A new token for the device, which replaces its old one. Raises WrongCode, TooManyTries."""
        attempt = object()
        self._tries.count(attempt)
        token, now = secrets.token_urlsafe(32), self._core.clock()
        with self._core.database.writing():
            unused = self._core.database.rows(UNUSED, now=now.timestamp())
            if not any(self._use(row, code) for row in unused):
                raise WrongCode
            self._core.devices.pair(device, name, model, hash_token(token), now)
            if former_ids:
                self._core.devices.contact(device, now, former_ids=json.dumps(former_ids))
        self._tries.take_back(attempt)
        return token

    def _use(self, row: dict[str, Any], code: str) -> bool:
        fits = hmac.compare_digest(hash_code(code, row["salt"]), row["code_hash"])
        return fits and self._core.database.run(USE, id=row["id"]) == 1


def devices_of(core: Core, token: str) -> list[str]:
    """The devices that a token belongs to, the one that it was given to first. All are compared, so that the time tells
    nothing."""
    given = hash_token(token)
    return [device for device, known in core.devices.with_token() if hmac.compare_digest(given, known)]


def hash_code(code: str, salt: str) -> str:
    return hashlib.pbkdf2_hmac("sha256", code.encode(), salt.encode(), ROUNDS).hex()


def hash_token(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
