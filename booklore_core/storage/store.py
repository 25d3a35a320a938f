"""Small durable mappings: one per plugin, with a compartment for its secrets, and one for the settings."""

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from booklore_core.items import canonical_json
from booklore_core.storage.database import Database
from booklore_core.storage.secrets import Secrets

CACHE_SIZE = 256 * 1024 * 1024
"""Bytes that a plugin's cache may hold."""


class Store:
    """What one plugin remembers: JSON values by key, in the database. Tokens belong into `secrets`.

    A plugin's settings and what it derives from events do not belong here.
    """

    def __init__(self, database: Database, plugin: str, secrets: Secrets) -> None:
        self._values, self._plugin = database.table("plugin_store"), plugin
        self.secrets, self._cache = secrets.of(plugin), secrets.path.parent / "cache" / plugin

    @property
    def cache(self) -> Path:
        """A folder for what can be fetched again, of at most 256 MiB: whenever it is asked for, the files whose times
        are the oldest go until it holds no more. Who uses one sets its time; who writes one writes another and renames
        it."""
        self._cache.mkdir(parents=True, exist_ok=True)
        room = CACHE_SIZE
        with suppress(OSError):  # another process cleans up, too
            for file in sorted(self._cache.iterdir(), key=lambda one: -one.stat().st_mtime):
                room -= file.stat().st_size
                if room < 0:
                    file.unlink()
        return self._cache

    def get(self, key: str, default: Any = None) -> Any:
        row = self._values.find_one(plugin=self._plugin, key=key)
        return json.loads(row["value"]) if row else default

    def set(self, key: str, value: Any) -> None:
        """Raises ValueError naming the key when value is not JSON."""
        row = {"plugin": self._plugin, "key": key, "value": canonical_json(value, key)}
        self._values.upsert(row, ["plugin", "key"])

    def remove(self, key: str) -> None:
        self._values.delete(plugin=self._plugin, key=key)

    def keys(self) -> Iterator[str]:
        return (row["key"] for row in self._values.find("key", plugin=self._plugin))


class StoredSettings:
    """The settings that CLI and menu have set, in the database: one query for all of them per reading transaction."""

    def __init__(self, database: Database) -> None:
        self._database, self._values = database, database.table("settings")

    def get(self, name: str) -> Any | None:
        text = self._database.once("settings", self._read_all).get(name)
        return None if text is None else json.loads(text)

    def set(self, name: str, value: Any) -> None:
        self._values.upsert({"name": name, "value": json.dumps(value)}, ["name"])

    def remove(self, name: str) -> None:
        self._values.delete(name=name)

    def _read_all(self) -> dict[str, str]:
        return {row["name"]: row["value"] for row in self._values.find()}
