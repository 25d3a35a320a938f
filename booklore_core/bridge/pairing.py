"""Which devices may speak: six-digit codes that are traded once for a token, and the tokens' hashes."""

import hashlib
import hmac
import secrets
from collections import deque
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from booklore_core.core import Core

if TYPE_CHECKING:
    from booklore_core.bridge.models import Device

CODE_LIFE = timedelta(minutes=10)
WRONG_TRIES, PER = 5, timedelta(minutes=1)
ROUNDS = 10_000
MAX_CODES = 5
"""How many unused codes are valid at a time; the oldest goes first."""

FORGET = "DELETE FROM pairings WHERE expires_at <= :now OR used = 1"
SURPLUS = "DELETE FROM pairings WHERE id NOT IN (SELECT id FROM pairings ORDER BY id DESC LIMIT :keep)"
ADD = "INSERT INTO pairings (salt, code_hash, expires_at, used) VALUES (:salt, :code_hash, :expires_at, 0)"
OPEN = "SELECT id, salt, code_hash FROM pairings WHERE used = 0 AND expires_at > :now ORDER BY id LIMIT 100"
USE = "UPDATE pairings SET used = 1 WHERE id = :id AND used = 0"
PAIR = """
INSERT INTO devices (id, name, model, last_seen, token_hash) VALUES (:id, :name, :model, :now, :token_hash)
ON CONFLICT (id) DO UPDATE SET name = COALESCE(excluded.name, devices.name),
    model = COALESCE(excluded.model, devices.model), last_seen = excluded.last_seen, token_hash = excluded.token_hash
"""
TOKENS = "SELECT id, token_hash, last_seen FROM devices WHERE token_hash IS NOT NULL"
SEEN = """
UPDATE devices SET last_seen = :now, name = COALESCE(:name, name), model = COALESCE(:model, model),
    shim = COALESCE(:shim, shim), waiting = COALESCE(:waiting, waiting) WHERE id = :id
"""
PAIRED = """
SELECT id, name, model, last_seen, waiting FROM devices WHERE token_hash IS NOT NULL ORDER BY last_seen DESC, id
"""
REVOKE = "UPDATE devices SET token_hash = NULL WHERE id = :id AND token_hash IS NOT NULL"


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


class Pairings:
    """Trades codes for tokens. Guessing is slowed down for all devices together."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._wrong: deque[datetime] = deque(maxlen=WRONG_TRIES)

    def pair(self, code: str, device: str, name: str | None, model: str | None) -> str:
        """A new token for the device, which replaces its old one. Raises WrongCode, TooManyTries."""
        now = self._core.clock()
        if len(self._wrong) == WRONG_TRIES and now - self._wrong[0] < PER:
            raise TooManyTries
        token = secrets.token_urlsafe(32)
        database = self._core.database
        with database.writing():
            if not any(self._use(row, code) for row in database.rows(OPEN, now=now.timestamp())):
                self._wrong.append(now)
                raise WrongCode
            values = {"id": device, "name": name, "model": model, "token_hash": hash_token(token)}
            database.run(PAIR, **values, now=now.timestamp())
        return token

    def _use(self, row: dict[str, Any], code: str) -> bool:
        fits = hmac.compare_digest(hash_code(code, row["salt"]), row["code_hash"])
        return fits and self._core.database.run(USE, id=row["id"]) == 1


def device_of(core: Core, token: str) -> str | None:
    """The device that a token belongs to."""
    given, found = hash_token(token), None
    for row in core.database.rows(TOKENS):
        if hmac.compare_digest(given, row["token_hash"]):
            found = str(row["id"])
    return found


def note_contact(core: Core, device: "Device", waiting: int | None = None) -> None:
    """Notes that a device was in touch. waiting: how many lines are left on it, None when it did not say."""
    values = {"id": device.id, "name": device.name, "model": device.model, "shim": device.shim, "waiting": waiting}
    core.database.run(SEEN, **values, now=core.clock().timestamp())


def devices(core: Core) -> list[dict[str, Any]]:
    """The paired devices, the last one seen first. last_seen: ISO time, UTC. waiting: lines left on the device."""
    return [
        {**row, "last_seen": iso_utc(row["last_seen"]), "waiting": row["waiting"] or 0}
        for row in core.database.rows(PAIRED)
    ]


def revoke(core: Core, device: str) -> bool:
    """Takes a device's token away. Returns whether it had one."""
    return core.database.run(REVOKE, id=device) == 1


def iso_utc(seconds: float | None) -> str | None:
    return None if seconds is None else f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


def hash_code(code: str, salt: str) -> str:
    return hashlib.pbkdf2_hmac("sha256", code.encode(), salt.encode(), ROUNDS).hex()


def hash_token(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
