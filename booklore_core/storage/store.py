"""Small durable mappings: one per plugin, with a compartment for its secrets, and one for the settings."""

import json
from collections.abc import Iterator
from typing import Any

from booklore_core.items import canonical_json
from booklore_core.storage.database import Database
from booklore_core.storage.secrets import Secrets

WRITE_SETTING = """
INSERT INTO settings (name, value) VALUES (:name, :value) ON CONFLICT (name) DO UPDATE SET value = excluded.value
"""


class Store:
    """What one plugin remembers: JSON values by key, in the database. Tokens belong into `secrets`.

    A plugin's settings and what it derives from events do not belong here.
    """

    def __init__(self, database: Database, plugin: str, secrets: Secrets) -> None:
        self._database, self._plugin = database, plugin
        self.secrets = PluginSecrets(secrets, plugin)

    def get(self, key: str, default: Any = None) -> Any:
        text = self._database.value(
            "SELECT value FROM plugin_store WHERE plugin = :plugin AND key = :key", plugin=self._plugin, key=key
        )
        return default if text is None else json.loads(text)

    def set(self, key: str, value: Any) -> None:
        """Raises ValueError naming the key when value is not JSON."""
        self._database.run(
            "INSERT INTO plugin_store (plugin, key, value) VALUES (:plugin, :key, :value)"
            " ON CONFLICT (plugin, key) DO UPDATE SET value = excluded.value",
            plugin=self._plugin,
            key=key,
            value=canonical_json(value, key),
        )

    def remove(self, key: str) -> None:
        self._database.run(
            "DELETE FROM plugin_store WHERE plugin = :plugin AND key = :key", plugin=self._plugin, key=key
        )

    def keys(self) -> Iterator[str]:
        rows = self._database.rows(
            "SELECT key FROM plugin_store WHERE plugin = :plugin ORDER BY key", plugin=self._plugin
        )
        return (row["key"] for row in rows)


class StoredSettings:
    """The settings that CLI and menu have set, in the database: one query for all of them per transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, name: str) -> Any | None:
        memo = self._database.memo
        if "settings" not in memo:
            rows = self._database.rows("SELECT name, value FROM settings")
            memo["settings"] = {row["name"]: row["value"] for row in rows}
        text = memo["settings"].get(name)
        return None if text is None else json.loads(text)

    def write(self, name: str, value: Any) -> None:
        self._database.run(WRITE_SETTING, name=name, value=json.dumps(value))
        self._database.memo.pop("settings", None)

    def remove(self, name: str) -> None:
        self._database.run("DELETE FROM settings WHERE name = :name", name=name)
        self._database.memo.pop("settings", None)


class PluginSecrets:
    """One plugin's part of the secrets file."""

    def __init__(self, secrets: Secrets, plugin: str) -> None:
        self._secrets, self._plugin = secrets, plugin

    def get(self, key: str, default: Any = None) -> Any:
        found = self._secrets.read(f"{self._plugin}/{key}")
        return default if found is None else found

    def set(self, key: str, value: Any) -> None:
        self._secrets.write(f"{self._plugin}/{key}", value)

    def remove(self, key: str) -> None:
        self._secrets.remove(f"{self._plugin}/{key}")

    def clear(self) -> None:
        """Forgets all of them."""
        self._secrets.remove_all(f"{self._plugin}/")
