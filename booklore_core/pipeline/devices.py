"""The devices that events come from and that may speak to the bridge; the only writer of their table."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from booklore_core.storage.database import Database

TELL = """
INSERT INTO devices (id, name, model, koreader, shim, waiting, token_hash, last_seen)
VALUES (:id, :name, :model, :koreader, :shim, :waiting, :token_hash, :last_seen)
ON CONFLICT (id) DO UPDATE SET name = COALESCE(excluded.name, devices.name),
    model = COALESCE(excluded.model, devices.model), koreader = COALESCE(excluded.koreader, devices.koreader),
    shim = COALESCE(excluded.shim, devices.shim), waiting = COALESCE(excluded.waiting, devices.waiting),
    token_hash = COALESCE(excluded.token_hash, devices.token_hash), last_seen = excluded.last_seen
"""
REVOKE = "UPDATE devices SET token_hash = NULL WHERE id = :id AND token_hash IS NOT NULL"
NOT_TOLD = dict.fromkeys(("name", "model", "koreader", "shim", "waiting", "token_hash"))

Known = tuple[str, str | None, str | None, str | None]
"""A device as its lines tell of it: id, name, model and KOReader's version; None for what they do not say."""


class Devices:
    """What is known of every device. What is not told stays as it was."""

    def __init__(self, database: Database) -> None:
        self._database, self._table = database, database.table("devices")

    def see(self, devices: Iterable[Known], now: datetime) -> None:
        """Notes the devices that some lines came from, in one transaction."""
        fields = ("id", "name", "model", "koreader")
        self._tell([dict(zip(fields, known, strict=True)) for known in devices], now)

    def pair(self, id_: str, name: str | None, model: str | None, token_hash: str, now: datetime) -> None:
        """Gives a device a token, which replaces its old one."""
        self._tell([{"id": id_, "name": name, "model": model, "token_hash": token_hash}], now)

    def contact(
        self, id_: str, name: str | None, model: str | None, shim: str | None, waiting: int | None, now: datetime
    ) -> None:
        """Notes that a device was in touch. waiting: lines left on it. shim: the version of what speaks."""
        self._tell([{"id": id_, "name": name, "model": model, "shim": shim, "waiting": waiting}], now)

    def _tell(self, devices: Iterable[dict[str, Any]], now: datetime) -> None:
        self._database.run_many(TELL, [{**NOT_TOLD, **told, "last_seen": now.timestamp()} for told in devices])

    def revoke(self, id_: str) -> bool:
        """Takes a device's token away. Returns whether it had one."""
        return self._database.run(REVOKE, id=id_) == 1

    def find(self, id_: str) -> dict[str, Any] | None:
        """A device with its last_seen (ISO time, UTC), waiting (lines left on it) and shim."""
        row = self._table.find_one(id=id_)
        return None if row is None else {**device_json(row), "shim": row["shim"]}

    def paired(self) -> list[dict[str, Any]]:
        """The devices that have a token, the last one seen first: id, name, model, last_seen, waiting."""
        return [device_json(row) for row in self._table.find(("-last_seen", "id"), token_hash={"not": None})]

    def with_token(self) -> list[tuple[str, str]]:
        """Id and token hash of each paired device."""
        return [(row["id"], row["token_hash"]) for row in self._table.find(token_hash={"not": None})]


def device_json(row: dict[str, Any]) -> dict[str, Any]:
    """A device's row as people and programs are told of it."""
    last_seen, waiting = iso_utc(row["last_seen"]), row["waiting"] or 0
    return {"id": row["id"], "name": row["name"], "model": row["model"], "last_seen": last_seen, "waiting": waiting}


def iso_utc(seconds: float | None) -> str | None:
    return None if seconds is None else f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
