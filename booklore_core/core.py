"""One open core: database, settings, plugins, targets and actions, put together."""

import importlib.metadata
import logging
import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from booklore_core.flows import Action
from booklore_core.items import Item
from booklore_core.pipeline.books import Books
from booklore_core.pipeline.delivery import Courier, Run
from booklore_core.pipeline.ingest import Ingest, Taken
from booklore_core.pipeline.journal import Journal
from booklore_core.pipeline.lease import Clock
from booklore_core.pipeline.ledger import Ledger
from booklore_core.pipeline.outbox import Outbox
from booklore_core.pipeline.quarantine import Quarantine
from booklore_core.plugin_manager import PluginManager
from booklore_core.registry import gather
from booklore_core.settings import BadSetting, Section, Settings
from booklore_core.storage.counts import Status, read_pending, read_status
from booklore_core.storage.database import Database
from booklore_core.storage.occupancy import enter
from booklore_core.storage.places import Places
from booklore_core.storage.preset import preset
from booklore_core.storage.secrets import Secrets
from booklore_core.storage.store import Store, StoredSettings
from booklore_core.targets import Target

log = logging.getLogger(__name__)


@dataclass
class Report:
    """What a sync did: one run per target, and how many HTTP requests the targets made."""

    runs: list[Run] = field(default_factory=list)
    requests: int = 0

    def total(self, name: str) -> dict[str, int]:
        """kind → count over all targets of `delivered`, `waiting`, `rejected` or `failed`."""
        sums: dict[str, int] = {}
        for run in self.runs:
            for kind, count in getattr(run, name).items():
                sums[kind] = sums.get(kind, 0) + count
        return sums

    @property
    def unavailable(self) -> dict[str, str]:
        """target → why its run ended early."""
        return {run.target: run.unavailable for run in self.runs if run.unavailable}

    @property
    def is_complete(self) -> bool:
        return not self.total("waiting") and not self.total("rejected")


def utc_now() -> datetime:
    return datetime.now(UTC)


class Core:
    """Everything that CLI, bridge and actions work with. Open one per process; every thread may use it.

    Raises DatabaseUnusable, BadSetting. entry_points: the plugins, by default those that are installed.
    """

    def __init__(
        self,
        places: Places,
        clock: Clock = utc_now,
        environ: Mapping[str, str] | None = None,
        entry_points: Iterable[importlib.metadata.EntryPoint] | None = None,
    ) -> None:
        self.places, self.clock = places, clock
        places.home.mkdir(parents=True, exist_ok=True)
        self._occupant = enter(places.home)
        self.secrets = Secrets(places.secrets)
        self.database = Database(places.database_url, wal=wants_wal(environ))
        self.settings = Settings(StoredSettings(self.database), self.secrets, preset(places.config, environ))
        self.quarantine = Quarantine(self.database)
        self.books = Books(self.database)
        self.journal = Journal(self.database)
        self.outbox = Outbox(self.database, self.books)
        self.ledger = Ledger(self.database)
        self.plugins = PluginManager(self.settings, environ=environ)
        self.ingest = Ingest(self.database, self.journal, self.books, self.outbox, self.plugins)
        self.targets: Mapping[str, Target] = {}
        self.actions: Mapping[str, Action] = {}
        self.target_owners: Mapping[str, str] = {}
        self.action_owners: Mapping[str, str] = {}
        self._syncing = threading.Lock()
        self.plugins.load(entry_points)
        self.refresh()

    def store(self, plugin: str) -> Store:
        return Store(self.database, plugin, self.secrets)

    def section(self, plugin: str) -> Section:
        return self.settings.section(plugin)

    def refresh(self) -> None:
        """Asks the plugins anew for targets and actions, after a setting or a plugin was changed."""
        self.plugins.load_enabled()
        before = self.targets
        offers = gather(self.plugins, self.settings, self.store, self.outbox, self.clock())
        self.targets, self.target_owners = offers.targets, offers.target_owners
        self.actions, self.action_owners = offers.actions, offers.action_owners
        for target in before.values():
            close(target)

    def take(self, lines: Iterable[Any], source: str) -> Taken:
        """Takes spool lines in, decoded or as text."""
        return self.ingest.take(lines, source, self.clock())

    def retry_quarantine(self, ids: Sequence[int] | None = None) -> Taken:
        """Tries lines again that could not be taken."""
        lines = self.quarantine.lines(self.quarantine.count()) if ids is None else self.quarantine.chosen(ids)
        self.quarantine.remove([line.id for line in lines])
        return self.take([line.line for line in lines], "quarantine")

    def put(self, items: Sequence[Item], plugin: str) -> None:
        """Takes in facts that follow from a person's answers."""
        with self.database.writing():
            for item in items:
                self.outbox.put(item, plugin, self.clock())

    def sync(
        self,
        target: str | None = None,
        on_progress: Callable[[str, int, int], None] | None = None,
        keep_open: bool = False,
        book: str | None = None,
    ) -> Report:
        """One delivery run at every enabled target, or at one. Raises BadSetting for a target that there is not.

        keep_open: more calls follow at once; who asks for it closes the target. book: the partial MD5 of the only book
        whose items are sent.
        """
        if target is not None and target not in self.targets:
            raise BadSetting(f"there is no enabled target {target!r}; `booklore plugins list` shows them")
        report = Report()
        with self._syncing:
            before = requests_made()
            for name, one in self.targets.items():
                if target in (None, name):
                    report.runs.append(self._deliver(one, progress_of(name, on_progress), keep_open, book))
            report.requests = requests_made() - before
        return report

    def _deliver(
        self, target: Target, on_progress: Callable[[int, int], None] | None, keep_open: bool, book: str | None
    ) -> Run:
        try:
            return Courier(self.database, self.outbox, self.books, target, self.clock, book).run(on_progress)
        finally:
            if not keep_open:
                close(target)

    def status(self) -> Status:
        return read_status(self.database)

    def pending(self) -> dict[str, int]:
        return read_pending(self.database)

    def close(self) -> None:
        for target in self.targets.values():
            close(target)
        self.database.close()
        self._occupant.leave()


def close(target: Target) -> None:
    """Ends a target's run, a call that was given up included. Its next call opens it again."""
    end = getattr(target, "close", None)
    if end:
        end()


def wants_wal(environ: Mapping[str, str] | None) -> bool:
    """BOOKLORE_DATABASE__WAL=false is for file systems without shared memory; it is needed before settings are read."""
    given = (os.environ if environ is None else environ).get("BOOKLORE_DATABASE__WAL", "true")
    return given.lower() not in ("false", "no", "off", "0")


def progress_of(target: str, on_progress: Callable[[str, int, int], None] | None) -> Callable[[int, int], None] | None:
    if on_progress is None:
        return None
    return lambda done, total: on_progress(target, done, total)


def requests_made() -> int:
    from booklore_core.http import requests_sent

    return requests_sent()
