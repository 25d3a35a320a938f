"""The health of everything, with what to do: data folder, database, settings, plugins, targets, queues."""

import os
import re
import shutil
import stat
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from booklore_core.actions.connection import check_targets, result_of
from booklore_core.actions.quarantine import lines_in_words
from booklore_core.actions.submenus import ADVANCED
from booklore_core.flows import Action, Flow, Request
from booklore_core.plugin_manager import Plugin
from booklore_core.storage.database import redact
from booklore_core.storage.places import Places
from booklore_core.storage.preset import read_config
from booklore_core.targets import Check

if TYPE_CHECKING:
    from booklore_core.core import Core

REMARKS = "SELECT plugin, remark, made_at FROM remarks ORDER BY made_at DESC, key LIMIT 5"
REJECTED = "SELECT COUNT(DISTINCT item_id) AS count, MAX(reason) AS reason FROM due WHERE state = 'rejected'"

SHOWN_LINES, SHOWN_LETTERS = 3, 80

ROOM = 100 * 1024 * 1024
"""Bytes that should be free where the data lies."""

FRESH = timedelta(days=7)
"""A line that was put into quarantine longer ago is no news; it is still told."""

VARIABLE = re.compile(r"BOOKLORE_([A-Z0-9_]+?)__([A-Z0-9_]+)")

EARLY = ("database.wal",)
"""Read before there are any declarations."""

WHERE = {"env": "the environment", "file": "config.toml"}


def doctor(core: "Core", request: Request) -> Flow:
    """Looks at everything; with `only` = `plugins` in args, at the plugins alone."""
    yield from ()
    found = check_plugins(core) if request.args.get("only") == "plugins" else examine(core)
    return result_of("Doctor", list(found))


def examine(core: "Core") -> Iterator[Check]:
    yield from check_places(core.places)
    yield check_database(core)
    yield check_config(core)
    yield check_settings(core)
    yield from check_values(core)
    yield from check_plugins(core)
    yield from check_targets(core)
    yield check_queue(core)
    yield from check_quarantine(core)
    yield from list_remarks(core)


def check_places(places: Places) -> Iterator[Check]:
    """What can be looked at before anything is opened."""
    yield check_home(places)
    yield check_secrets(places)


def check_home(places: Places) -> Check:
    home = places.home
    if not home.exists():
        return Check("data folder", True, f"{home}, not made yet")
    if not os.access(home, os.R_OK | os.W_OK | os.X_OK):
        return Check("data folder", False, f"{home} may not be written", "correct its owner, or set BOOKLORE_HOME")
    free = shutil.disk_usage(home).free
    if free < ROOM:
        return Check("data folder", False, f"{home}: {free // 1024 // 1024} MiB left on the disk", "free some space")
    return Check("data folder", True, str(home))


def check_secrets(places: Places) -> Check:
    path = places.secrets
    if not path.exists():
        return Check("secrets", True, "none stored")
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077 and os.name == "posix":
        return Check("secrets", False, f"{path} can be read by others (mode {mode:04o})", f"chmod 600 {path}")
    return Check("secrets", True, f"{path}, mode {mode:04o}")


def check_database(core: "Core") -> Check:
    """Raises DatabaseUnusable when it cannot even be asked."""
    version = core.database.value("SELECT MAX(version) AS version FROM schema_version")
    detail = f"{redact(core.database.url)}, schema {version}"
    if core.database.dialect == "sqlite":
        found = str(core.database.value("PRAGMA quick_check(1)"))
        if found != "ok":
            advice = "restore a backup, or recover it with `sqlite3 … .recover`"
            return Check("database", False, f"{detail}: {found}", advice)
    return Check("database", True, detail)


def check_config(core: "Core") -> Check:
    """config.toml, which nobody else tells when it holds a name that there is not."""
    path = core.places.config
    if not path.is_file():
        return Check("config file", True, f"{path} is not there")
    tables = read_config(path)
    given = [f"{section}.{key}" for section, table in tables.items() if isinstance(table, dict) for key in table]
    unknown = unknown_names(core, given)
    if unknown:
        advice = "correct the name: `booklore config show` lists them"
        return Check("config file", False, f"{path}: no such setting: {', '.join(unknown)}", advice)
    return Check("config file", True, f"{path}, {len(given)} settings")


def check_settings(core: "Core") -> Check:
    """Whether every variable is known."""
    matches = [VARIABLE.fullmatch(name) for name in os.environ]
    given = {match.group(0): f"{match[1]}.{match[2]}".lower() for match in matches if match}
    unknown = set(unknown_names(core, [name for name in given.values() if name not in EARLY]))
    if unknown:
        variables = sorted(variable for variable, name in given.items() if name in unknown)
        advice = "correct the name: `booklore config show` lists the settings"
        return Check("settings", False, f"no such setting: {', '.join(variables)}", advice)
    changed = sum(value.source != "default" for value in core.settings)
    return Check("settings", True, f"{changed} differ from the defaults" if changed else "all at their defaults")


def unknown_names(core: "Core", names: Iterable[str]) -> list[str]:
    """Those of names that nobody declared, nor a plugin that is not loaded."""
    known = {value.name.lower() for value in core.settings}
    unloaded = {name.lower() for name, plugin in core.plugins.plugins.items() if plugin.module is None}
    return sorted(name for name in names if name.lower() not in known and name.partition(".")[0] not in unloaded)


def check_values(core: "Core") -> Iterator[Check]:
    """A line for each value that does not fit; the next source's holds instead."""
    for fault in core.settings.faults():
        unset = f"`booklore config unset {fault.name}`"
        advice = f"correct it in {WHERE[fault.source]}" if fault.source in WHERE else unset
        yield Check(f"setting {fault.name}", False, fault.text, advice)


def check_plugins(core: "Core") -> Iterator[Check]:
    """A line per plugin: its errors, and the events that wait for it. What is left of a removed one comes last."""
    plugins = core.plugins.plugins
    yield from (check_plugin(core, plugin) for _, plugin in sorted(plugins.items()))
    for name, (count, _) in core.derive.failing().items():
        if name not in plugins:
            advice = "install it again, or leave them: they harm nobody"
            yield Check(f"plugin {name}", False, f"not installed; {count} events wait for it", advice)


def check_plugin(core: "Core", plugin: Plugin) -> Check:
    name, origin = f"plugin {plugin.name}", f"{plugin.version} from {plugin.source}"
    count, error = core.derive.failing().get(plugin.name, (0, ""))
    if not plugin.enabled:
        return Check(name, True, f"off, {origin}")
    if plugin.module is None:
        return Check(name, False, plugin.error or "not loaded", f"update or remove {plugin.source}")
    if count:
        detail = f"{count} event{'' if count == 1 else 's'} wait for it; the last error: {error}"
        return Check(name, False, detail, f"update {plugin.source}; they are tried again at the next hand-over")
    if plugin.error:
        return Check(name, False, plugin.error, f"update {plugin.source}, or switch the plugin off")
    return Check(name, True, "; ".join([f"works, {origin}", *plugin.notes]))


def check_queue(core: "Core") -> Check:
    pending = core.pending()
    if not pending:
        return Check("queue", True, "nothing waits")
    rejected = core.database.row(REJECTED) or {}
    if rejected.get("count"):
        detail = f"{core.kinds.in_words(pending)} waiting, {rejected['count']} of them rejected: {rejected['reason']}"
        return Check("queue", False, detail, "see `booklore status`")
    return Check("queue", True, f"{core.kinds.in_words(pending)} waiting")


def check_quarantine(core: "Core") -> Iterator[Check]:
    """The lines that could not be taken in, the last few in full."""
    count, lines = core.quarantine.count(), core.quarantine.lines(SHOWN_LINES)
    if not lines:
        yield Check("quarantine", True, "every line could be taken in")
        return
    is_old = max(line.seen_at for line in lines) < (core.clock() - FRESH).timestamp()
    advice = "`booklore quarantine retry` tries them again, `booklore quarantine dismiss` puts them away"
    yield Check("quarantine", is_old, f"{lines_in_words(count)} could not be taken in", advice)
    for line in lines:
        text = line.line[:SHOWN_LETTERS] + ("…" if len(line.line) > SHOWN_LETTERS else "")
        detail = f"{day(line.seen_at)} {line.source}: {line.field}: {line.reason}: {text}"
        yield Check("line in quarantine", True, detail)


def list_remarks(core: "Core") -> Iterator[Check]:
    """Why something that was read is not sent, in the plugins' own words."""
    for row in core.database.rows(REMARKS):
        yield Check("remark", True, f"{day(row['made_at'])} {row['plugin']}: {row['remark']}")


def day(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}"


DOCTOR = Action("doctor", "Doctor", doctor, "Looks at everything and says what to do.", order=9, menu=ADVANCED)
