"""One open core: database, settings, plugins, targets and actions, put together."""

import importlib.metadata
import json
import logging
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from booklore_core.books import Books
from booklore_core.database import Database
from booklore_core.delivery import Courier, Run
from booklore_core.flows import Action
from booklore_core.ingest import Ingest, Taken
from booklore_core.items import Item
from booklore_core.journal import Journal
from booklore_core.lease import Clock
from booklore_core.ledger import Ledger
from booklore_core.outbox import Outbox
from booklore_core.places import Places
from booklore_core.plugin_manager import Plugin, PluginManager
from booklore_core.secrets import Secrets
from booklore_core.settings import BadSetting, Section, Settings
from booklore_core.status import Status, read_pending, read_status
from booklore_core.store import Store
from booklore_core.targets import Target

log = logging.getLogger(__name__)

WRITE_SETTING = """
INSERT INTO settings (name, value) VALUES (:name, :value) ON CONFLICT (name) DO UPDATE SET value = excluded.value
"""


class StoredSettings:
    """The settings that CLI and menu have set, in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, name: str) -> Any | None:
        text = self._database.value("SELECT value FROM settings WHERE name = :name", name=name)
        return None if text is None else json.loads(text)

    def write(self, name: str, value: Any) -> None:
        self._database.run(WRITE_SETTING, name=name, value=json.dumps(value))

    def remove(self, name: str) -> None:
        self._database.run("DELETE FROM settings WHERE name = :name", name=name)


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
        self.secrets = Secrets(places.secrets)
        self.database = Database(places.database_url, wal=wants_wal(environ))
        self.settings = Settings(StoredSettings(self.database), self.secrets, places.config, environ)
        self.books = Books(self.database)
        self.journal = Journal(self.database)
        self.outbox = Outbox(self.database, self.books)
        self.ledger = Ledger(self.database)
        self.plugins = PluginManager(self.settings)
        self.ingest = Ingest(self.database, self.journal, self.books, self.outbox, self.plugins)
        self.targets: dict[str, Target] = {}
        self.owners: dict[str, str] = {}
        self.actions: dict[str, Action] = {}
        self.plugins.load(entry_points)
        self.refresh()

    def store(self, plugin: str) -> Store:
        return Store(self.database, plugin, self.secrets)

    def section(self, plugin: str) -> Section:
        return self.settings.section(plugin)

    def refresh(self) -> None:
        """Asks the plugins anew for targets and actions, after a setting or a plugin was changed."""
        for target in self.targets.values():
            close(target)
        self.targets.clear()
        self.owners.clear()
        self.actions.clear()
        for plugin in self.plugins.plugins.values():
            plugin.enabled = self.settings.enabled(plugin.name)
        for plugin in self.plugins.working:
            self._gather(plugin, "register_targets", self._add_target)
            self._gather(plugin, "register_actions", self._add_action)
        for gone in self.outbox.subscribers() - self.targets.keys():
            self.outbox.unsubscribe(gone)

    def _gather(self, plugin: Plugin, hook: str, add: Callable[[Plugin, Any], None]) -> None:
        def gather() -> None:
            for thing in self.plugins.call(plugin, hook, store=self.store(plugin.name)):
                add(plugin, thing)

        self.plugins.guard(plugin, hook, gather)

    def _add_target(self, plugin: Plugin, target: Any) -> None:
        if not isinstance(target, Target):
            raise TypeError(f"{target!r} is no target: it needs name, kinds and deliver(item, before)")
        if target.name in self.targets:
            raise ValueError(f"there is a target {target.name!r} already")
        since = parse_since(self.section(plugin.name).get("since", ""), f"{plugin.name}.since")
        self.outbox.subscribe(target.name, target.kinds, since, self.clock())
        self.targets[target.name] = target
        self.owners[target.name] = plugin.name

    def _add_action(self, plugin: Plugin, action: Any) -> None:
        if not isinstance(action, Action):
            raise TypeError(f"expected an Action, got {type(action).__name__}")
        if action.name in self.actions:
            raise ValueError(f"there is an action {action.name!r} already")
        self.actions[action.name] = action
        self.owners[f"action {action.name}"] = plugin.name

    def take(self, lines: Iterable[Any], source: str) -> Taken:
        """Takes spool lines in, decoded or as text."""
        return self.ingest.take(lines, source, self.clock())

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
    ) -> Report:
        """One delivery run at every enabled target, or at one. Raises BadSetting for a target that there is not.

        keep_open: more calls follow at once; who asks for it closes the target.
        """
        if target is not None and target not in self.targets:
            raise BadSetting(f"there is no enabled target {target!r}; `booklore plugins list` shows them")
        report, before = Report(), requests_made()
        for name, one in self.targets.items():
            if target in (None, name):
                courier = Courier(self.database, self.outbox, self.books, one, self.clock)
                try:
                    report.runs.append(courier.run(progress_of(name, on_progress)))
                finally:
                    if not keep_open:
                        close(one)
        report.requests = requests_made() - before
        return report

    def status(self) -> Status:
        return read_status(self.database)

    def pending(self) -> dict[str, int]:
        return read_pending(self.database)

    def close(self) -> None:
        for target in self.targets.values():
            close(target)
        self.database.close()


def close(target: Target) -> None:
    """Ends a target's run, a call that was given up included. Its next call opens it again."""
    end = getattr(target, "close", None)
    if end:
        end()


def wants_wal(environ: Mapping[str, str] | None) -> bool:
    """BOOKLORE_DATABASE__WAL=false is for file systems without shared memory; it is needed before settings are read."""
    given = (os.environ if environ is None else environ).get("BOOKLORE_DATABASE__WAL", "true")
    return given.lower() not in ("false", "no", "off", "0")


def parse_since(text: str, name: str) -> datetime | None:
    """The start of the past that a new target is given: a date, or `all`. None: from now on. Raises BadSetting."""
    if not text:
        return None
    if text == "all":
        return datetime.fromtimestamp(0, UTC)
    try:
        given = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadSetting(f"{name}: expected a date such as 2026-01-31 or `all`, got {text!r}") from error
    return given if given.tzinfo else given.replace(tzinfo=UTC)


def progress_of(target: str, on_progress: Callable[[str, int, int], None] | None) -> Callable[[int, int], None] | None:
    if on_progress is None:
        return None
    return lambda done, total: on_progress(target, done, total)


def requests_made() -> int:
    from booklore_core.http import requests_sent

    return requests_sent()
