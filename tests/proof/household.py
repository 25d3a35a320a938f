"""One data folder, one server, one clock; opens cores as one process after another would."""

from __future__ import annotations

import importlib.metadata
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import databases
import one_clock
from notebook import IN_BOOK
from scenario import FEATURES, Line

from booklore_core.core import Core, Report
from booklore_core.pipeline.clock import Contact
from booklore_core.storage.places import Places
from booklore_core.testing import MORNING, BookLoreServer

EVENING = datetime(2026, 12, 24, 20, 0, tzinfo=UTC)
LAPSE = 90
"""Seconds between two processes: the lease of one that was killed has lapsed."""

BEGUN = "begun"
MOST_SYNCS = 6
DIALECTS = ("booklore", "grimmory", "custom", "grimmory-3.5")
REPEAT_AFTER = 600
"""Seconds after which something that may have arrived is sent again, if it is not there."""


class Clock(one_clock.Clock):
    """It is Christmas Eve unless said otherwise."""

    def __init__(self, now: datetime = EVENING) -> None:
        super().__init__(now)


@cache
def features() -> list[importlib.metadata.EntryPoint]:
    return [entry for entry in importlib.metadata.entry_points(group="booklore") if entry.name in FEATURES]


class Household:
    """A folder and a server with an account. repeat_after: seconds, as every target's setting of that name.

    destination: where notes go. begins_at: when a database is begun where there is none, seconds since 1970; by default
    before all reading, None: when it is opened. more: what else its environment sets.
    """

    def __init__(self, home: Path, server: BookLoreServer, clock: Clock, repeat_after: int = REPEAT_AFTER) -> None:
        self.home, self.server, self.clock, self.repeat_after = home, server, clock, repeat_after
        self.destination = IN_BOOK
        self.more: Mapping[str, str] = {}
        self.begins_at: float | None = MORNING.timestamp() - 86400

    def begin(self) -> None:
        """The folder is as the first start leaves it, which takes longer than most of what comes then."""
        self.home.mkdir()
        for name, content in begun(databases.current().kind).items():
            (self.home / name).write_bytes(content)
            (self.home / name).chmod(0o600)
        databases.current().put(BEGUN, self.home)

    @property
    def environ(self) -> dict[str, str]:
        account = {"BOOKLORE_USERNAME": self.server.username, "BOOKLORE_PASSWORD": self.server.password}
        patience = {f"BOOKLORE_{name}__REPEAT_AFTER": str(self.repeat_after) for name in ("BOOKLORE", "REMOTE")}
        chosen = {"BOOKLORE_ANNOTATIONS__DESTINATION": self.destination}
        return {**databases.environ_of(self.home), "BOOKLORE_URL": self.server.url, **account, **patience, **chosen,
                **self.more}  # fmt: skip

    def open(self, *plugins: object) -> Core:
        """A core as a new process would have it; the time that passes before is enough for any lease to lapse.

        plugins: those with the targets; by default the BookLore target on the test's clock.
        """
        self.clock.forward(LAPSE)
        now = self.clock()
        self.clock.seconds = now if self.home.exists() else self.begins_at or now
        try:
            return self._start(*plugins or (one_clock.OnClock(self.clock),))
        finally:
            self.clock.seconds = now

    def _start(self, *plugins: object) -> Core:
        places = Places.from_environment(databases.environ_of(self.home))
        core = Core(places, self.clock.utc, self.environ, features())
        for plugin in plugins:
            core.plugins.register(getattr(plugin, "name", "booklore"), plugin)
        core.refresh()
        return core

    @contextmanager
    def opened(self, *plugins: object) -> Iterator[Core]:
        core = self.open(*plugins)
        try:
            yield core
        finally:
            core.close()

    def settle(self, core: Core) -> list[Report]:
        """Syncs until nothing waits any more, or another run would not help; in between, what may have arrived becomes
        old enough to be sent again. Who is asked says yes."""
        reports = []
        for _ in range(MOST_SYNCS):
            reports.append(self.sync(core))
            for question in core.questions():
                core.outbox.answer(question, agrees=True, now=core.clock())
            if not core.pending():
                break
            self.clock.forward(REPEAT_AFTER)
        return reports

    def sync(self, core: Core) -> Report:
        """One run, some time after the one before: two logins within a second would collide."""
        self.clock.forward(5)
        return core.sync()


@cache
def begun(kind: str) -> dict[str, bytes]:
    """The files of a data folder in which a core was started once, with a target that was never in touch; its database
    is kept under the name of BEGUN."""
    with tempfile.TemporaryDirectory() as folder:
        household = Household(Path(folder) / "home", BookLoreServer("booklore"), Clock())
        household.open().close()
        databases.current().keep(BEGUN, household.home)
        return {file.name: file.read_bytes() for file in household.home.iterdir() if file.is_file()}


OpenHousehold = Callable[..., Household]


def hand_over(core: Core, lines: list[Line], contact: Contact | None = None) -> list[str]:
    """Hands lines to the core as the bridge does: durable first, then derived. Returns the ids that it acknowledges."""
    taken = core.ingest.take(lines, "spool", core.clock(), contact)
    assert taken.rejected == []
    core.derive.lead()
    return taken.acknowledged
