"""A household that comes from the Lua plugin: its server, its database, and a core that takes that over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from lua_database import NEWEST, LuaDatabase

from booklore_core import Item, Result
from booklore_core.actions import start
from booklore_core.core import Core
from booklore_core.flows import Request
from booklore_core.pipeline.facts import item_of
from booklore_core.testing import BookLoreServer, ServerBook, answer_all

PLUGINS = ("sessions", "annotations", "bookmarks", "ratings", "deletions", "history", "booklore")
"""Those that are not there are left out."""

HELD = "SELECT b.*, i.kind, i.key, i.body, i.occurred_at FROM items i JOIN books b ON b.partial_md5 = i.book_md5"


@dataclass
class LuaWorld:
    """server: with a few small books. core: opened when it is first asked for. clock: moves when told."""

    folder: Path
    server: BookLoreServer
    open_core: Any
    clock: Any
    cores: list[Core] = field(default_factory=list)

    @property
    def core(self) -> Core:
        if not self.cores:
            self.cores.append(self.open_core(plugins=PLUGINS))
        return self.cores[-1]

    def reopened(self) -> Core:
        """The next process."""
        self.core.close()
        self.cores.append(self.open_core(plugins=PLUGINS))
        return self.core

    def database(self, name: str = "booklore-sync.sqlite", version: int = NEWEST, **options: Any) -> LuaDatabase:
        database = LuaDatabase(self.folder / name, version, **options)
        if "settings" in options or version >= 14:
            database.settings(**self.account)
        return database

    @property
    def account(self) -> dict[str, str]:
        server = self.server
        return {
            "server_url": f"{server.url}/",
            "booklore_username": server.username,
            "booklore_password": server.password,
        }

    def book(self, title: str) -> ServerBook:
        return next(one for one in self.server.books.values() if one.title == title)

    def take_over(self, source: LuaDatabase | Path, answer: bool = True, **args: Any) -> Result:
        path = source.path if isinstance(source, LuaDatabase) else source
        return answer_all(start(self.core, "import_lua_plugin", Request(args={"path": str(path), **args})), [answer])

    def sync(self) -> dict[str, int]:
        """What a run has delivered."""
        return self.core.sync().total("delivered")

    def items(self, kind: str, title: str = "") -> list[Item]:
        """The facts of a kind, oldest first."""
        items = [item_of(row) for row in self.core.database.rows(f"{HELD} ORDER BY i.occurred_at, i.id")]
        return [item for item in items if item.kind == kind and title in ("", item.book.title)]

    def states(self, kind: str = "session") -> dict[str, str]:
        """Key → how the delivery of each fact stands."""
        sql = "SELECT i.key, d.state FROM items i LEFT JOIN deliveries d ON d.item_id = i.id WHERE i.kind = :kind"
        return {row["key"]: row["state"] or "new" for row in self.core.database.rows(sql, kind=kind)}

    def spans(self) -> list[tuple[str, str, int]]:
        """The sessions that there are, as `01 20:00`, to when, and how many seconds of reading."""
        told = [(item.body["start"], item.body["end"], item.body["duration"]) for item in self.items("session")]
        return [(shown(begin), shown(end), seconds) for begin, end, seconds in told]

    def remarks(self) -> list[str]:
        return sorted(row["remark"] for row in self.core.database.table("remarks").find())

    def everything(self) -> dict[str, list[dict[str, Any]]]:
        """All that lies in the database but for when it was last touched."""
        tables = self.core.database.names()[0]
        volatile = ("updated_at", "tried_at", "last_seen", "expires_at")
        found = {name: self.core.database.table(name).find() for name in tables if name != "leases"}
        return {name: [{key: row[key] for key in row if key not in volatile} for row in rows]
                for name, rows in found.items()}  # fmt: skip

    def everything_kept(self) -> str:
        return str(self.everything())

    def close(self) -> None:
        self.server.stop()


class LuaClient:
    """The Lua plugin as the server knows it: sends sessions, highlights and notes, and never looks."""

    def __init__(self, server: BookLoreServer) -> None:
        account = {"username": server.username, "password": server.password}
        answer = requests.post(f"{server.url}/api/v1/auth/login", json=account, timeout=10).json()
        self._server, self._headers = server, {"Authorization": f"Bearer {answer['accessToken']}"}

    def send(self, path: str, **body: Any) -> Any:
        answer = requests.post(f"{self._server.url}{path}", json=body, headers=self._headers, timeout=10)
        assert answer.status_code in (200, 202), answer.text
        return answer.json() if answer.content else None

    def send_session(self, book: ServerBook, row: dict[str, Any]) -> None:
        """As §3.2 says. row: of the plugin's tables."""
        body = {"bookId": book.id, "bookType": "EPUB", "startTime": row["start_time"], "endTime": row["end_time"]}
        places = {"startLocation": row["start_location"], "endLocation": row["end_location"]}
        progress = {"startProgress": row["start_progress"], "endProgress": row["end_progress"], "progressDelta": 2.5}
        seconds = {"durationSeconds": row["duration_seconds"], "durationFormatted": f"{row['duration_seconds']}s"}
        self.send("/api/v1/reading-sessions", **body, **seconds, **progress, **places)


def shown(time: str) -> str:
    """`2026-03-01T20:00:00Z` → `03-01 20:00`."""
    return time[5:16].replace("T", " ")


def open_world(folder: Path, open_core: Any, clock: Any, dialect: str = "booklore") -> Iterator[LuaWorld]:
    world = LuaWorld(folder, BookLoreServer(dialect).start(), open_core, clock)
    yield world
    world.close()
