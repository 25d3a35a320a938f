"""The devices that events come from and that may speak to the bridge; the only writer of their table."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from booklore_core.storage.database import Database

SEE = """
INSERT INTO devices (id, name, model, koreader, last_seen) VALUES (:id, :name, :model, :koreader, :now)
ON CONFLICT (id) DO UPDATE SET name = COALESCE(excluded.name, devices.name),
    model = COALESCE(excluded.model, devices.model), koreader = COALESCE(excluded.koreader, devices.koreader),
    last_seen = excluded.last_seen
"""
PAIR = """
INSERT INTO devices (id, name, model, last_seen, token_hash) VALUES (:id, :name, :model, :now, :token_hash)
ON CONFLICT (id) DO UPDATE SET name = COALESCE(excluded.name, devices.name),
    model = COALESCE(excluded.model, devices.model), last_seen = excluded.last_seen, token_hash = excluded.token_hash
"""
CONTACT = """
UPDATE devices SET last_seen = :now, name = COALESCE(:name, name), model = COALESCE(:model, model),
    shim = COALESCE(:shim, shim), waiting = COALESCE(:waiting, waiting) WHERE id = :id
"""
REVOKE = "UPDATE devices SET token_hash = NULL WHERE id = :id AND token_hash IS NOT NULL"
FIND = "SELECT id, name, model, last_seen, waiting, shim FROM devices WHERE id = :id"
TOKENS = "SELECT id, token_hash FROM devices WHERE token_hash IS NOT NULL"
PAIRED = """
SELECT id, name, model, last_seen, waiting FROM devices WHERE token_hash IS NOT NULL ORDER BY last_seen DESC, id
"""

Known = tuple[str, str | None, str | None, str | None]
"""A device as its lines tell of it: id, name, model and KOReader's version; None for what they do not say."""


class Devices:
    """What is known of every device. What is not told stays as it was."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def see(self, devices: Iterable[Known], now: datetime) -> None:
        """Notes the devices that some lines came from, in one transaction."""
        fields, at = ("id", "name", "model", "koreader"), now.timestamp()
        self._database.run_many(SEE, [{**dict(zip(fields, known, strict=True)), "now": at} for known in devices])

    def pair(self, id_: str, name: str | None, model: str | None, token_hash: str, now: datetime) -> None:
        """Gives a device a token, which replaces its old one."""
        self._database.run(PAIR, id=id_, name=name, model=model, token_hash=token_hash, now=now.timestamp())

    def contact(
        self, id_: str, name: str | None, model: str | None, shim: str | None, waiting: int | None, now: datetime
    ) -> None:
        """Notes that a paired device was in touch. waiting: lines left on it. shim: the version of what speaks."""
        told = {"name": name, "model": model, "shim": shim, "waiting": waiting}
        self._database.run(CONTACT, id=id_, **told, now=now.timestamp())

    def revoke(self, id_: str) -> bool:
        """Takes a device's token away. Returns whether it had one."""
        return self._database.run(REVOKE, id=id_) == 1

    def find(self, id_: str) -> dict[str, Any] | None:
        """A device with its last_seen (ISO time, UTC), waiting (lines left on it) and shim."""
        row = self._database.row(FIND, id=id_)
        return None if row is None else device_json(row)

    def paired(self) -> list[dict[str, Any]]:
        """The devices that have a token, the last one seen first: id, name, model, last_seen, waiting."""
        return [device_json(row) for row in self._database.rows(PAIRED)]

    def with_token(self) -> list[tuple[str, str]]:
        """Id and token hash of each paired device."""
        return [(row["id"], row["token_hash"]) for row in self._database.rows(TOKENS)]


def device_json(row: dict[str, Any]) -> dict[str, Any]:
    """A device's row as people and programs are told of it."""
    return {**row, "last_seen": iso_utc(row["last_seen"]), "waiting": row["waiting"] or 0}


def iso_utc(seconds: float | None) -> str | None:
    return None if seconds is None else f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
