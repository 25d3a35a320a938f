"""A BookLore server and a household that is set up for it, on one clock that moves only when told."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from databases import put_empty_database

from booklore_core import Before, BookRef, Item, Setting
from booklore_core.settings import Settings
from booklore_core.storage.database import Database
from booklore_core.storage.preset import preset
from booklore_core.storage.secrets import Secrets
from booklore_core.storage.store import Store, StoredSettings
from booklore_core.testing import BookLoreServer, ServerBook
from booklore_targets.booklore import register_settings
from booklore_targets.booklore.target import BookLore

TLS = Path(__file__).parent / "tls"
OpenWorld = Callable[..., "World"]
DECIMALS = Setting("decimals", int, 2, "Places of a percentage", low=0, high=5)


class Seconds:
    """A clock in seconds since 1970; waiting moves it."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 20, 20, 0, tzinfo=UTC).timestamp()
        self.waits: list[float] = []

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


@dataclass
class World:
    """One server, and one household's settings and store."""

    server: BookLoreServer
    clock: Seconds
    home: Path
    environ: dict[str, str] = field(default_factory=dict)
    targets: list[BookLore] = field(default_factory=list)

    def __post_init__(self) -> None:
        put_empty_database(self.home)
        self.database = Database(f"sqlite:///{self.home}/booklore.sqlite")
        self.secrets = Secrets(self.home / "secrets.json")
        self.store = Store(self.database, "booklore", self.secrets)
        self.environ |= {
            "BOOKLORE_URL": self.server.url,
            "BOOKLORE_USERNAME": self.server.username,
            "BOOKLORE_PASSWORD": self.server.password,
        }

    def target(self, **changed: str) -> BookLore:
        """A target as a new process would have it; changed: environment variables without their BOOKLORE_."""
        self.environ |= {f"BOOKLORE_{name}": value for name, value in changed.items()}
        given = preset(environ=dict(self.environ))
        self.settings = Settings(StoredSettings(self.database), self.secrets, given)
        self.settings.declare("booklore", register_settings())
        self.settings.declare("sessions", [DECIMALS])
        self.targets.append(BookLore(self.settings.section("booklore"), self.store, self.clock, self.clock.wait))
        return self.targets[-1]

    def asked(self, path: str, method: str = "") -> int:
        """How many requests for paths that begin so have come in."""
        return sum(one.path.startswith(path) and one.method.startswith(method) for one in self.server.requests)

    def content_requests(self) -> int:
        return sum(one.path.endswith("/content") for one in self.server.requests)

    def everything_kept(self) -> str:
        """All that lies in the database, as text."""
        tables = self.database.rows("SELECT name FROM sqlite_master WHERE type = 'table'")
        return json.dumps([self.database.rows(f"SELECT * FROM {one['name']}") for one in tables], default=str)

    def close(self) -> None:
        for target in self.targets:
            target.close()
        self.database.close()


def ref(book: ServerBook, **changed: Any) -> BookRef:
    """The server's book as a device that has the very file knows it."""
    facts: dict[str, Any] = {"title": book.title, "file": f"/mnt/onboard/{book.file_name}", "size": size_of(book)}
    return BookRef(**{"partial_md5": book.partial_md5, **facts, **changed})


def size_of(book: ServerBook) -> int:
    return len(book.read() or b"")


def session(book: ServerBook | None = None, minute: int = 0, **changed: Any) -> Item:
    """Five minutes of reading that began so many minutes after two o'clock."""
    begun = datetime(2026, 2, 22, 14, 0, tzinfo=UTC).timestamp() + 60 * minute
    body = {
        "start": moment(begun),
        "end": moment(begun + 300),
        "duration": 300,
        "start_percent": 0.1,
        "end_percent": 0.125,
        "start_page": 12,
        "end_page": 15,
        "start_position": "/body/DocFragment[2]/body/p[1]/text().0",
        "end_position": None,
        "turns": 3,
        "device": "kobo-7f3a",
        "format": "epub",
    }
    about = BookRef("0" * 32, match="1") if book is None else ref(book, match=str(book.id))
    key = f"kobo-7f3a/{minute}"
    return Item("session", key, about, {**body, **changed}, datetime.fromtimestamp(begun, UTC))


def moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


FRESH, MAYBE_SENT = Before(), Before(maybe_sent=True)
