"""The devices that events come from and that may speak to the bridge; the only writer of their table."""

import json
import re
import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from booklore_core.pipeline.event_log import EventLog
from booklore_core.pipeline.spool import Line
from booklore_core.storage.counts import iso_utc
from booklore_core.storage.database import Database

TELL = """
INSERT INTO devices (id, name, model, koreader, shim, waiting, token_hash, former_ids, last_seen)
VALUES (:id, :name, :model, :koreader, :shim, :waiting, :token_hash, :former_ids, :last_seen)
ON CONFLICT (id) DO UPDATE SET name = COALESCE(excluded.name, devices.name),
    model = COALESCE(excluded.model, devices.model), koreader = COALESCE(excluded.koreader, devices.koreader),
    shim = COALESCE(excluded.shim, devices.shim), waiting = COALESCE(excluded.waiting, devices.waiting),
    token_hash = COALESCE(excluded.token_hash, devices.token_hash),
    former_ids = COALESCE(excluded.former_ids, devices.former_ids), last_seen = excluded.last_seen
"""
SHARED_BY = "WHERE token_hash = (SELECT token_hash FROM devices WHERE id = :id)"
SHARE = "UPDATE devices SET token_hash = (SELECT token_hash FROM devices WHERE id = :of) WHERE id = :id"
REVOKE = f"UPDATE devices SET token_hash = NULL {SHARED_BY}"
NOT_TOLD = dict.fromkeys(("name", "model", "koreader", "shim", "waiting", "token_hash", "former_ids"))
RENAMED = "SELECT id, former_ids, token_hash FROM devices WHERE former_ids IS NOT NULL OR id = :id ORDER BY id"
OWN_END = re.compile(r"-[0-9a-f]{8}\Z")
"""What tells the ids of devices of one model apart."""

Known = tuple[str, str | None, str | None, str | None]
"""A device as its lines tell of it: id, name, model and KOReader's version; None for what they do not say."""


class Devices:
    """What is known of every device. What is not told stays as it was."""

    def __init__(self, database: Database) -> None:
        self._database, self._table = database, database.table("devices")

    def see(self, devices: Iterable[Known], now: datetime) -> None:
        """Notes the devices that some lines came from, in one transaction."""
        self._tell((dict(zip(("id", "name", "model", "koreader"), one, strict=True)) for one in devices), now)

    def pair(self, id_: str, name: str | None, model: str | None, token_hash: str, now: datetime) -> None:
        """Gives a device a token, which replaces its old one."""
        self._tell([{"id": id_, "name": name, "model": model, "token_hash": token_hash}], now)

    def contact(self, id_: str, now: datetime, **told: Any) -> None:
        """Notes that a device was in touch. told: its name and model; waiting, the lines left on it; shim, the version
        of what speaks; former_ids, as JSON those that it had before."""
        self._tell([{"id": id_, **told}], now)

    def call(self, id_: str, name: str) -> None:
        self._table.update({"id": id_, "name": name}, ["id"])

    def successors(self, id_: str) -> dict[str, bool]:
        """The devices that had this id before: clones that were told apart, and one that lost its settings → whether it
        speaks by the same token, or by none yet."""
        rows = self._database.rows(RENAMED, id=id_)
        tokens = (None, next((row["token_hash"] for row in rows if row["id"] == id_), None))
        had_it = [row for row in rows if row["former_ids"] and id_ in json.loads(row["former_ids"])]
        return {row["id"]: row["token_hash"] in tokens for row in had_it}

    def tell_apart(self, id_: str, now: datetime) -> str:
        """A new id for a device whose settings were copied from another one, together with its id."""
        known = self._table.find_one(id=id_) or {"former_ids": None, "name": None, "model": None}
        new = f"{OWN_END.sub('', id_)[:180]}-{secrets.token_hex(4)}"
        former_ids = json.dumps([*json.loads(known["former_ids"] or "[]"), id_])
        self._tell([{"id": new, "name": known["name"], "model": known["model"], "former_ids": former_ids}], now)
        return new

    def share_token(self, id_: str, of: str) -> None:
        """Lets a device speak under an id that the core gave it, by the token that it has."""
        self._database.run(SHARE, id=id_, of=of)

    def _tell(self, devices: Iterable[dict[str, Any]], now: datetime) -> None:
        self._database.run_many(TELL, [{**NOT_TOLD, **told, "last_seen": now.timestamp()} for told in devices])

    def revoke(self, id_: str) -> list[str]:
        """Takes a device's token away, from all who share it. Returns who they are; empty when it had none."""
        with self._database.writing():
            shared = self._database.rows(f"SELECT id FROM devices {SHARED_BY} ORDER BY id", id=id_)
            self._database.run(REVOKE, id=id_)
        return [row["id"] for row in shared]

    def find(self, id_: str) -> dict[str, Any] | None:
        """A device with its last_seen (ISO time, UTC), waiting (lines left on it) and shim."""
        row = self._table.find_one(id=id_)
        return None if row is None else {**device_json(row), "shim": row["shim"]}

    def paired(self) -> list[dict[str, Any]]:
        """The devices that have a token, the last one seen first: id, name, model, last_seen, waiting."""
        return [device_json(row) for row in self._table.find(("-last_seen", "id"), token_hash={"not": None})]

    def with_token(self) -> list[tuple[str, str]]:
        """Id and token hash of each paired device; those that the core gave a new id come after the one they were."""
        rows = self._table.find("id", token_hash={"not": None})
        rows.sort(key=lambda row: len(json.loads(row["former_ids"] or "[]")))
        return [(row["id"], row["token_hash"]) for row in rows]


def recognise(
    devices: Devices, event_log: EventLog, own: str, former_ids: Sequence[str], lines: Iterable[Line], so_far: str,
    now: datetime,
) -> tuple[str, set[str]]:  # fmt: skip
    """Whose lines these are that are told under one id and its former ones, and the ids of those that are known.

    Where settings were copied two devices go by one id. Lines that contradict known ones are another device's: one that
    was told apart before, or else a new one. so_far: whose the part of the same file was that came before.
    """
    told, successors = list(lines), devices.successors(own)
    known = {name: event_log.known(name, told) for name in dict.fromkeys([so_far, own, *successors, *former_ids])}
    candidates = (so_far, own, *(name for name, shares_token in successors.items() if shares_token))
    free = [name for name in candidates if all(known[name].values())]
    if so_far not in free:
        free.sort(key=lambda name: not known[name])
    if former_ids:
        devices.contact(own, now, former_ids=json.dumps(former_ids))
    same = {id_ for found in known.values() for id_, is_same in found.items() if is_same}
    device = free[0] if free else devices.tell_apart(own, now)
    if device != own:
        devices.share_token(device, own)
    return device, same


def device_json(row: dict[str, Any]) -> dict[str, Any]:
    """A device's row as people and programs are told of it."""
    last_seen, waiting = row["last_seen"] and iso_utc(row["last_seen"]), row["waiting"] or 0
    return {"id": row["id"], "name": row["name"], "model": row["model"], "last_seen": last_seen, "waiting": waiting}
