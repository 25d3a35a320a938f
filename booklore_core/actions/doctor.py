"""What works and what to do where it does not: at the targets, or everywhere."""

import os
import re
import shutil
import stat
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict, replace
from datetime import timedelta

from booklore_core.actions.own import ADVANCED, AUTHENTICATION, action
from booklore_core.actions.plugins import check_plugins
from booklore_core.actions.settings import GIVEN_IN
from booklore_core.core import WAL_VARIABLE, Core
from booklore_core.flows import Request, Result
from booklore_core.items import utc
from booklore_core.kinds import quantity
from booklore_core.pipeline.gateway import Gateway
from booklore_core.pipeline.quarantine import UNTIMED
from booklore_core.storage.database import redact
from booklore_core.storage.places import Places
from booklore_core.storage.preset import read_config
from booklore_core.targets import Check, Declined

REMARKS = "SELECT plugin, remark, made_at FROM remarks ORDER BY made_at DESC, key LIMIT 5"
UNKNOWN = "SELECT COUNT(DISTINCT book_md5) AS count FROM due WHERE state = 'unmatched'"
REJECTED = "SELECT COUNT(DISTINCT item_id) AS count, MAX(reason) AS reason FROM due WHERE state = 'rejected'"

SHOWN_LINES, SHOWN_LETTERS = 3, 80
UNREADABLE = "line"
"""The field of lines that no version of this program will ever read."""

PLACE = "`booklore quarantine place {} --at TIME` takes in what was written at a TIME such as 2026-11-20T21:30"
RETRY_ALL = "`booklore quarantine retry` tries them again, as every newer version does"
RETRY = "`booklore quarantine retry {}` tries it again"
DISMISS = "`booklore quarantine dismiss {}` gives up what it tells"
"""What to do about lines that could not be taken in: those of which nobody knows when they were written, others, and
what loses reading."""

ROOM = 100 * 1024 * 1024
"""Bytes that should be free where the data lies."""

FRESH = timedelta(days=7)
"""A line that was put into quarantine longer ago is no news; it is still told."""

VARIABLE = re.compile(r"BOOKLORE_([A-Z0-9_]+?)__([A-Z0-9_]+)")


@action(
    "Test Connection", "A line for each thing that has to work.", order=50, menu=AUTHENTICATION,
    dispatcher="BookLore Sync: test connection",
)  # fmt: skip
def test_connection(core: Core, request: Request) -> Result:
    """Test Connection: what works at each target that can be tested. args: none."""
    return result_of("Test Connection", check_targets(core))


def check_targets(core: Core) -> Sequence[Check]:
    found = [check for target in core.targets.values() for check in check_target(target)]
    return found or [Check("targets", False, "no target is enabled", "run `booklore plugins enable NAME`")]


def check_target(target: Gateway) -> Iterator[Check]:
    try:
        yield from target.check()
    except Declined as error:
        yield Check(target.name, False, error.reason)


def result_of(title: str, checks: Sequence[Check], headline: str = "") -> Result:
    """An examination as a result that stays on the screen; its data are the checks."""
    lines = [line_of(check) for check in checks]
    message = "\n".join([headline, *lines] if headline else lines)
    return Result(message, ok=all(check.ok for check in checks), title=title, data=[asdict(check) for check in checks])


def line_of(check: Check) -> str:
    """What was found, and below it what to do where that is not said yet."""
    told = check.detail or check.advice
    advice = f"\n→ {check.advice}" if check.advice and check.advice not in told else ""
    return f"{'✓' if check.ok else '✗'} {check.check}: {told}{advice}"


@action("Doctor", "Looks at everything and says what to do.", order=9, menu=ADVANCED)
def doctor(core: Core, request: Request) -> Result:
    """Looks at everything. args: only, `plugins` for those alone."""
    found = check_plugins(core) if request.args.get("only") == "plugins" else examine(core)
    return result_of("Doctor", list(found))


def examine(core: Core) -> Iterator[Check]:
    yield from check_places(core.places)
    yield check_database(core)
    yield check_file(core)
    yield check_environment(core)
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


def check_database(core: Core) -> Check:
    """Raises DatabaseUnusable when it cannot even be asked."""
    version = core.database.value("SELECT MAX(version) AS version FROM schema_version")
    detail = f"{redact(core.database.url)}, schema {version}"
    found = core.database.value("PRAGMA quick_check(1)") if core.database.dialect == "sqlite" else "ok"
    if found != "ok":
        return Check(
            "database", False, f"{detail}: {found}", "restore a backup, or recover it with `sqlite3 … .recover`"
        )
    return Check("database", True, detail)


def check_file(core: Core) -> Check:
    """config.toml, which nobody else tells when it holds a name that there is not."""
    path = core.places.config
    if not path.is_file():
        return Check("config file", True, f"{path} is not there")
    tables = {section: table if isinstance(table, dict) else {} for section, table in read_config(path).items()}
    names = [f"{section}.{key}" for section, table in tables.items() for key in table]
    strange = [section for section, table in tables.items() if not table and section not in sections(core)]
    fine = Check("config file", True, f"{path}, {quantity(len(names), 'setting')}")
    return check_names(core, {name: name for name in [*names, *strange]}, f"{path}: ", fine)


def check_environment(core: Core) -> Check:
    """Whether every variable is known."""
    matches = [match for match in map(VARIABLE.fullmatch, os.environ) if match and match[0] != WAL_VARIABLE]
    changed = sum(value.source != "default" for value in core.settings)
    fine = Check("settings", True, f"{changed} differ from the defaults" if changed else "all at their defaults")
    return check_names(core, {match[0]: f"{match[1]}.{match[2]}" for match in matches}, "", fine)


def check_names(core: Core, names: Mapping[str, str], where: str, fine: Check) -> Check:
    """fine, unless a name is nobody's. In a section that nobody here has it may be for a plugin of another place.

    names: as they are written → as they are declared, in any case of letters.
    """
    secret = {f"{value.name}_file".lower() for value in core.settings if value.setting.secret and not where}
    known = {value.name.lower() for value in core.settings} | secret
    unloaded = {name.lower() for name, plugin in core.plugins.plugins.items() if plugin.module is None}
    wrong = {written: name.lower().partition(".")[0] for written, name in names.items() if name.lower() not in known}
    unknown = sorted(written for written, section in wrong.items() if section in sections(core) - unloaded)
    strange = sorted(written for written, section in wrong.items() if section not in sections(core) | unloaded)
    advice = "correct the name: `booklore config show` lists the settings"
    if unknown:
        return Check(fine.check, False, f"{where}no such setting: {', '.join(unknown)}", advice)
    told = f"{fine.detail}; nobody here knows {', '.join(strange)}"
    return replace(fine, detail=told, advice=advice) if strange else fine


def sections(core: Core) -> AbstractSet[str]:
    return {value.name.partition(".")[0].lower() for value in core.settings}


def check_values(core: Core) -> Iterator[Check]:
    """A line for each value that does not fit; the next source's holds instead."""
    for fault in core.settings.faults():
        where = GIVEN_IN.get(fault.source)
        advice = f"correct it in {where}" if where else f"`booklore config unset {fault.name}`"
        yield Check(f"setting {fault.name}", False, fault.text, advice)


def check_queue(core: Core) -> Check:
    pending = core.pending()
    if not pending:
        return Check("queue", True, "nothing waits")
    [rejected] = core.database.rows(REJECTED)
    if rejected["count"]:
        detail = f"{core.kinds.in_words(pending)} waiting, {rejected['count']} of them rejected: {rejected['reason']}"
        return Check("queue", False, detail, "see `booklore status`")
    unmatched = core.database.value(UNKNOWN)
    advice = f"{quantity(unmatched, 'book')} not matched yet: run `booklore match`" if unmatched else ""
    return Check("queue", True, f"{core.kinds.in_words(pending)} waiting", advice)


def check_quarantine(core: Core) -> Iterator[Check]:
    """The lines that could not be taken in, the last few in full."""
    count, lines = core.quarantine.count(), core.quarantine.lines()
    if not lines:
        yield Check("quarantine", True, "every line could be taken in")
        return
    is_old = max(line.seen_at for line in lines) < (core.clock() - FRESH).timestamp()
    told = {UNTIMED: PLACE.format("ID…"), UNREADABLE: DISMISS.format("ID…")}
    ways = sorted({told.get(line.field, RETRY_ALL) for line in lines}, reverse=True)
    detail = f"{quantity(count, 'line')} could not be taken in"
    yield Check("quarantine", is_old, detail, "; ".join([*ways, "`booklore quarantine list` shows them"]))
    for line in lines[:SHOWN_LINES]:
        text = line.line[:SHOWN_LETTERS] + ("…" if len(line.line) > SHOWN_LETTERS else "")
        detail = f"{utc(line.seen_at):%Y-%m-%d} {line.source}: {line.reason}: {text}"
        way = {UNTIMED: PLACE, UNREADABLE: ""}.get(line.field, RETRY).format(line.id)
        yield Check("line in quarantine", True, detail, f"{way}; {DISMISS.format(line.id)}".removeprefix("; "))


def list_remarks(core: Core) -> Iterator[Check]:
    """Why something that was read is not sent, in the plugins' own words."""
    for row in core.database.rows(REMARKS):
        # as advice, too: it is no failure, and a person should know
        yield Check("remark", True, f"{utc(row['made_at']):%Y-%m-%d} {row['plugin']}: {row['remark']}", row["remark"])
