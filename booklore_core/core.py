"""One open core: database, settings, plugins, pipeline, targets and actions, put together."""

import importlib.metadata
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from booklore_core.events import Event
from booklore_core.flows import Action
from booklore_core.items import Item
from booklore_core.kinds import Kinds
from booklore_core.pipeline.books import Books
from booklore_core.pipeline.boots import Stamp
from booklore_core.pipeline.clock import Contact, begun
from booklore_core.pipeline.delivery import DeliveryRun, RunSummary
from booklore_core.pipeline.derive import Derive
from booklore_core.pipeline.devices import Devices
from booklore_core.pipeline.entrance import Doors
from booklore_core.pipeline.event_log import EventLog
from booklore_core.pipeline.facts import Facts, beside
from booklore_core.pipeline.gateway import Gateway
from booklore_core.pipeline.ingest import Ingest, Taken
from booklore_core.pipeline.journal import Journal
from booklore_core.pipeline.lease import Clock
from booklore_core.pipeline.ledger import Ledger
from booklore_core.pipeline.makers import Makers
from booklore_core.pipeline.outbox import Outbox
from booklore_core.pipeline.quarantine import Quarantine, QuarantinedLine, placed
from booklore_core.plugin_manager import PluginManager
from booklore_core.registry import Registry
from booklore_core.settings import BadSetting, Setting, Settings
from booklore_core.storage import counts
from booklore_core.storage.counts import MAX_WAITING, Status, count_pending_at, read_status
from booklore_core.storage.database import Database
from booklore_core.storage.occupancy import occupied
from booklore_core.storage.places import CONFIG, Places
from booklore_core.storage.preset import preset
from booklore_core.storage.secrets import Secrets
from booklore_core.storage.since import REPEAT_AFTER, SYNC, note_agreed
from booklore_core.storage.store import Store, StoredSettings

Progress = Callable[[str, int, int], None]
"""Told by long work: a label, how much is done, of how much."""

WAL_VARIABLE = "BOOKLORE_DATABASE__WAL"
WAL = Setting("wal", bool, True, "SQLite's write-ahead log; off for file systems without shared memory")
"""Needed before any setting can be read from the database."""

NOT_HERE = "its plugin or a setting is missing here; `booklore plugins disable {}` ends that it is owed anything"


@dataclass
class Report:
    """What a sync did: one run per target, and how many HTTP requests the targets made."""

    runs: list[RunSummary] = field(default_factory=list)
    requests: int = 0

    def total(self, name: str) -> dict[str, int]:
        """kind → count over all targets of `delivered`, `waiting`, `rejected` or `failed`."""
        return dict(sum((Counter(getattr(run, name)) for run in self.runs), Counter[str]()))

    @property
    def unavailable(self) -> dict[str, str]:
        """target → why its run ended early."""
        return {run.target: run.unavailable for run in self.runs if run.unavailable}

    @property
    def is_complete(self) -> bool:
        return not self.total("waiting") and not self.total("rejected")


class Core:
    """Everything that CLI, bridge and actions work with. Open one per process; every thread may use it.

    Raises DatabaseUnusable, BadSetting. entry_points: the plugins, by default those that are installed.
    """

    def __init__(
        self, places: Places, clock: Clock = lambda: datetime.now(UTC), environ: Mapping[str, str] | None = None,
        entry_points: Iterable[importlib.metadata.EntryPoint] | None = None,
    ) -> None:  # fmt: skip
        self.places, self.clock, self._syncing = places, clock, threading.Lock()
        places.home.mkdir(parents=True, exist_ok=True)
        environ = os.environ if environ is None else environ
        given = preset(places.config, environ, must_exist=places.config != places.home / CONFIG)
        wal = WAL.check(environ.get(WAL_VARIABLE) or True, WAL_VARIABLE)
        with ExitStack() as opened:
            opened.enter_context(occupied(places.home))
            self.secrets = Secrets(places.secrets)
            self.database = database = Database(places.database_url, wal=wal)
            opened.callback(database.close)
            self.settings = Settings(StoredSettings(database), self.secrets, given)
            self.settings.declare("sync", SYNC)
            self.books, self.devices = Books(database), Devices(database)
            self.event_log, self.journal, self.quarantine = EventLog(database), Journal(database), Quarantine(database)
            makers = Makers(database, lambda kind, maker, plugin: self.registry.may_change(kind, maker, plugin))
            self.outbox, self.ledger = Outbox(database, self.books, makers), Ledger(database)
            self.plugins = PluginManager(self.settings, database.table("plugins"), environ)
            self.ingest = Ingest(database, self.event_log, self.books, self.devices, self.quarantine)
            self.derive = Derive(database, self.event_log, self.journal, self.outbox, self.plugins, clock)
            doors, around = Doors(self.books.match_of), partial(beside, database)
            self.registry = Registry(database, self.plugins, self.outbox, self.store, doors, around)
            opened.callback(self._close_targets)
            self.plugins.load(entry_points)
            self.refresh()
            self._opened = opened.pop_all()

    @property
    def kinds(self) -> Kinds:
        return self.registry.kinds

    @property
    def targets(self) -> Mapping[str, Gateway]:
        """The enabled targets by name, each behind its door."""
        return self.registry.targets

    @property
    def plugin_actions(self) -> Mapping[str, tuple[str, Action]]:
        """name → plugin and action; the core's own are in `booklore_core.actions`."""
        return self.registry.actions

    def store(self, plugin: str) -> Store:
        return Store(self.database, plugin, self.secrets)

    def refresh(self) -> None:
        """Lets changed settings and switched plugins take effect."""
        self.plugins.load_enabled()
        note_agreed(self.settings, StoredSettings(self.database), self.clock())
        self.registry.refresh(self.clock())
        self.derive.begin()

    def boots_of(self, told: Iterable[Sequence[Stamp]]) -> Contact:
        """What a file says of when boots began. told: the stamps of all its lines, by device."""
        now = self.clock().timestamp()
        return Contact(begun={boot: start for stamps in told for boot, start in begun(stamps, now).items()})

    def take(
        self, lines: Iterable[Any], source: str, devices: Mapping[str, str] | None = None, boots: Contact | None = None
    ) -> Taken:
        """Takes spool lines in, decoded or as text, and leads the features on. What is acknowledged was durable before
        any plugin was asked. devices: what became known in the part of the file that came before; boots: in all of it.
        """
        taken = self.ingest.take(lines, source, self.clock(), boots, devices)
        taken.news = self.derive.lead()
        return taken

    def catch_up(self) -> None:
        """At every start: lines that an older version could not take are tried again, features are led to the end."""
        self._take_again(self.quarantine.acceptable(self.quarantine.version))

    def retry_quarantine(self, ids: Sequence[int] | None = None) -> Taken:
        """Takes in what was refused before, as far as it can be taken now; None: all but those
        that were dismissed, or that a device told in another one's name."""
        return self._take_again(self.quarantine.acceptable() if ids is None else self.quarantine.chosen(ids))

    def place_quarantine(self, ids: Sequence[int], first: datetime, insists: bool = False) -> Taken:
        """Takes in lines of which a person says when the first was written; the others keep their distances to it.
        insists: whatever other lines say."""
        lines = self.quarantine.chosen(ids)
        return self._take_again(lines, placed(lines, first), Contact(insists=insists))

    def _take_again(
        self, lines: Sequence[QuarantinedLine], placed: Mapping[int, str] | None = None, contact: Contact | None = None
    ) -> Taken:
        """The lines that are refused again stay in quarantine, and keep the source that they came from."""
        taken = self.ingest.take([one.line for one in lines], "quarantine", self.clock(), contact, placed=placed)
        refused = {one.line for one in taken.rejected}
        self.quarantine.remove([one.id for number, one in enumerate(lines, start=1) if number not in refused])
        taken.news = self.derive.lead()
        return taken

    def put(self, items: Sequence[Item], plugin: str) -> int:
        """Takes in facts that follow from a person's answers. Returns how many are news."""
        return self.outbox.put(items, plugin, self.clock())

    def tell(self, event: Event) -> None:
        """Asks the features about what no line tells, and takes in what follows."""
        hook, facts = f"on_{event.name}", Facts(self.database, self.clock())
        for plugin in self.plugins.with_hook(hook):
            ask = partial(self.plugins.call, plugin, hook, event=event, journal=self.journal, facts=facts)
            self.put([one for one in self.plugins.guard(plugin, hook, ask) or () if isinstance(one, Item)], plugin.name)

    def sync(self, target: str | None = None, progress: Progress | None = None, book: str | None = None) -> Report:
        """One delivery run at every enabled target, or at one. Raises BadSetting for a target that there is not.

        book: the partial MD5 of the only book whose items are sent.
        """
        if target is not None and target not in self.targets:
            raise BadSetting(f"there is no enabled target {target!r}; `booklore plugins list` shows them")
        from booklore_core.http import requests_sent

        self.derive.lead()
        with self._syncing:
            before = requests_sent()
            asked = [one for name, one in self.targets.items() if name == target or (target is None and one.kinds)]
            runs = [self._deliver(one, progress, book) for one in asked] + [*(() if target else self._left_alone(book))]
            return Report(runs, requests_sent() - before)

    def _deliver(self, target: Gateway, progress: Progress | None, book: str | None) -> RunSummary:
        repeat_after = self.settings[f"{target.plugin}.{REPEAT_AFTER.name}"]
        run = DeliveryRun(self.database, self.ledger, self.books, target, self.clock, repeat_after, book)
        summary = run.run(progress and (lambda done, total: progress(target.name, done, total)))
        is_asked = summary.waiting or summary.rejected or summary.delivered
        if is_asked and not target.lingering:
            told = {"target": target.name, "about": target.about, "ended_at": self.clock().timestamp()}
            self.database.table("runs").upsert(told, ["target"])
        return summary

    def _left_alone(self, book: str | None) -> Iterator[RunSummary]:
        """The targets that are owed something and that another process has, or had."""
        for name, plugin in sorted(self.outbox.subscribers().items()):
            left = count_pending_at(self.database, name, book)
            if name not in self.targets and any(left.values()):
                reason = NOT_HERE.format(plugin or name)
                self.ledger.note(name, reason)
                yield RunSummary(name, waiting=left["waiting"], rejected=left["rejected"], unavailable=reason)

    def status(self, limit: int = MAX_WAITING) -> Status:
        """limit: how many waiting items are listed."""
        return read_status(self.database, limit)

    def count_books(self) -> dict[str, int]:
        """total, matched, unmatched."""
        return self.database.once("books", lambda: counts.count_books(self.database))

    def pending(self) -> dict[str, int]:
        return self.database.once("pending", lambda: counts.count_pending(self.database))

    def questions(self) -> list[str]:
        """What a person is asked, the oldest first: each question once, of however many items and books it is."""
        return self.database.once("questions", lambda: [one.text for one in counts.read_asked(self.database)])

    def _close_targets(self) -> None:
        for target in self.targets.values():
            target.close()

    def close(self) -> None:
        self._opened.close()
