"""What `booklore doctor` finds out about the database and what is in it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from booklore_core.cli.check_places import line
from booklore_core.cli.output import in_words

if TYPE_CHECKING:
    from booklore_core.core import Core
    from booklore_core.targets import Check

KEPT_ASIDE = "SELECT COUNT(*) AS count, MAX(seen_at) AS seen_at FROM kept_aside"
LAST_KEPT_ASIDE = "SELECT source, line, field, reason, seen_at FROM kept_aside ORDER BY id DESC LIMIT 3"
REMARKS = "SELECT plugin, remark, made_at FROM remarks ORDER BY made_at DESC, key LIMIT 5"
REJECTED = "SELECT COUNT(DISTINCT item_id) AS count, MAX(reason) AS reason FROM due WHERE state = 'rejected'"
SHOWN_LETTERS = 80

FRESH = timedelta(days=7)
"""A line that was kept aside longer ago is no news; it is still told."""


def check_database(core: "Core") -> "Check":
    """Raises DatabaseUnusable when it cannot even be asked."""
    from booklore_core.storage.database import redact

    version = core.database.value("SELECT MAX(version) AS version FROM schema_version")
    detail = f"{redact(core.database.url)}, schema {version}"
    if core.database.dialect == "sqlite":
        found = str(core.database.value("PRAGMA quick_check(1)"))
        if found != "ok":
            advice = "restore a backup, or recover it with `sqlite3 … .recover`"
            return line("database", False, f"{detail}: {found}", advice)
    return line("database", True, detail)


def check_queue(core: "Core") -> "Check":
    pending = core.pending()
    if not pending:
        return line("queue", True, "nothing waits")
    rejected = core.database.row(REJECTED) or {}
    if rejected.get("count"):
        detail = f"{in_words(pending)} waiting, {rejected['count']} of them rejected: {rejected['reason']}"
        return line("queue", False, detail, "see `booklore status`")
    return line("queue", True, f"{in_words(pending)} waiting")


def check_kept_aside(core: "Core") -> "Iterator[Check]":
    """The lines that could not be taken in, the last few in full."""
    counted = core.database.row(KEPT_ASIDE) or {"count": 0}
    if not counted["count"]:
        yield line("kept aside", True, "every line could be taken in")
        return
    is_old = datetime.fromtimestamp(counted["seen_at"], UTC) < core.clock() - FRESH
    yield line("kept aside", is_old, f"{counted['count']} lines could not be taken in", "the last ones follow")
    for row in core.database.rows(LAST_KEPT_ASIDE):
        text = row["line"][:SHOWN_LETTERS] + ("…" if len(row["line"]) > SHOWN_LETTERS else "")
        detail = f"{day(row['seen_at'])} {row['source']}: {row['field']}: {row['reason']}: {text}"
        yield line("line kept aside", True, detail)


def list_remarks(core: "Core") -> "Iterator[Check]":
    """Why something that was read is not sent, in the plugins' own words."""
    for row in core.database.rows(REMARKS):
        yield line("remark", True, f"{day(row['made_at'])} {row['plugin']}: {row['remark']}")


def day(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}"
