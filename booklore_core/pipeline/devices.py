"""The devices that were heard of; the only writer of their table."""

from collections.abc import Iterable
from datetime import datetime

from booklore_core.storage.database import Database

SEE = """
INSERT INTO devices (id, name, model, koreader, last_seen) VALUES (:id, :name, :model, :koreader, :now)
ON CONFLICT (id) DO UPDATE SET name = COALESCE(excluded.name, devices.name),
    model = COALESCE(excluded.model, devices.model), koreader = COALESCE(excluded.koreader, devices.koreader),
    last_seen = excluded.last_seen
"""


class Devices:
    def __init__(self, database: Database) -> None:
        self._database = database

    def see(self, devices: Iterable[tuple[str, str | None, str | None, str | None]], now: datetime) -> None:
        names = ("id", "name", "model", "koreader")
        rows = [{**dict(zip(names, one, strict=True)), "now": now.timestamp()} for one in devices]
        self._database.run_many(SEE, rows)
