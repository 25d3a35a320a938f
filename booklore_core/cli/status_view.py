"""The status as JSON or for people, read without loading the core or the command line."""

import sqlite3
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from booklore_core.cli.opening import find_places
from booklore_core.cli.output import say, show, show_json, show_table
from booklore_core.kinds import quantity
from booklore_core.storage.counts import MAX_WAITING, Status, Undecided, read_status, total_of
from booklore_core.storage.schema import VERSION

SHOWN, SHORT = 20, 8
"""Lines of what waits; digits of a partial MD5, which is enough to name a book by."""


class DatabaseFile:
    """Reads a SQLite file of this schema version without loading the database layer, which takes longer than reading.

    Raises sqlite3.Error, for the caller to open the database properly.
    """

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=30)
        self._connection.row_factory = sqlite3.Row
        version = self.rows("SELECT MAX(version) AS version FROM schema_version")[0]["version"]
        if version != VERSION:
            raise sqlite3.DatabaseError(f"schema version {version}")

    def rows(self, sql: str, **values: Any) -> list[dict[str, Any]]:
        return [dict(row) for row in self._connection.execute(sql, values)]

    def close(self) -> None:
        self._connection.close()


def show_at_once(as_json: bool) -> bool:
    """Shows the status if the database can be read as it is. Returns whether it could."""
    found = look(MAX_WAITING)
    if found is not None:
        show_status(found, as_json)
    return found is not None


def look(limit: int) -> Status | None:
    """The status, with so many waiting items listed; None for no file, no SQLite, or another schema version."""
    file = find_places().database_file
    if file is None or not file.is_file():
        return None
    try:
        return read_status(DatabaseFile(file), limit)
    except sqlite3.Error:
        return None


def show_status(status: Status, as_json: bool) -> None:
    if as_json:
        show_json(status.as_json())
        return
    show_places(status)
    books = status.books
    show(f"{quantity(books['total'], 'book')}: {books['matched']} matched, {books['unmatched']} unmatched")
    show_counts(status)
    show_waiting(status)
    if status.superseded:
        given_up = [(one.kind, one.book, one.target, one.reason) for one in status.superseded]
        show_table(given_up, "KIND", "BOOK…", "TARGET", "GIVEN UP, FOR")
    if status.aside:
        show(status.aside)
    for step in next_steps(status):
        say(step)


def show_counts(status: Status) -> None:
    """Of each kind that there is anything of: what waits, and what was synced."""
    asked = total_of(status.asked)
    kinds = [
        kind for kind, _ in status.kinds.counted(Counter(status.pending) + Counter(status.synced) + Counter(asked))
    ]
    columns = {"WAITING#": status.pending, **({"FOR YOUR ANSWER#": asked} if asked else {}), "SYNCED#": status.synced}
    rows = [
        (kind.many.capitalize(), *(counts.get(kind.name, 0) for counts in columns.values())) for kind in kinds
    ]  # fmt: skip
    if rows:
        show_table(rows, "", *columns)
        show("")


def show_waiting(status: Status) -> None:
    """A line for all that is alike, each with what a person may type for its book; and one for each question."""
    alike = list(Counter(one for one in status.waiting if one.state != "asked").items())[:SHOWN]
    rows: list[tuple[object, ...]] = [asked_row(status, one) for one in status.asked]
    if rows or alike:
        rows += [
            (status.kinds[one.kind].count(count), one.book, one.md5[:SHORT], one.target, one.attempts, one.reason)
            for one, count in alike
        ]
        show_table(rows, "WAITING", "BOOK…", "MD5", "TARGET", "TRIES#", "WHY")
    left = status.total - sum(count for _, count in alike) - sum(len(one.rows) for one in status.asked)
    if left:
        show(f"… and {left} more")


def next_steps(status: Status) -> list[str]:
    """What a person can do now."""
    steps, away = [], {one["name"] for one in status.targets if one["unavailable"]}
    ready = [one["name"] for one in status.targets if is_set_up(one)]
    server = "" if ready else "`booklore login` sets up your server"
    if status.books["total"]:
        steps += [f"nothing can be synced yet: {server}"] if server else []
        steps += ["nothing was synced yet: `booklore sync` does it"] if ready and not status.last_sync else []
    elif status.devices:
        reading = "restart KOReader and read a few pages, with `booklore serve` running"
        steps += [f"nothing was read yet: {', '.join(filter(None, (server, reading)))}"]
    else:
        device = "`booklore bridge install` or `booklore bridge pair` an e-reader"
        steps += [f"nothing was read yet: {', '.join(filter(None, (server, device)))}"]
    if status.asked:
        steps += ["`booklore answer` asks you what is to be answered before it is synced"]
    if any(one.state == "unmatched" and one.target not in away for one in status.waiting):
        steps += ["`booklore match` finds the books that are not matched yet, and at a terminal asks about the others"]
        steps += ["`booklore clear pending` ends what waits for a book that no server is to have"]
    elif status.last_sync and any(one.state != "asked" and one.target in ready for one in status.waiting):
        steps += ["`booklore sync` tries what waits again"]
    return steps


def is_set_up(target: Mapping[str, Any]) -> bool:
    """Whether a target can be synced with: one that cannot yet says which command is to be given first."""
    return bool(target["about"] or target["last_sync"]) and "`booklore " not in target["about"]


def show_places(status: Status) -> None:
    """Where it all goes and comes from."""
    for one in status.targets:
        ended = f", which ended early: {one['unavailable']}" if one["unavailable"] else ""
        synced = f"last sync {local(one['last_sync'])}" if one["last_sync"] else "not synced yet"
        show(f"{one['name']}: {'; '.join(filter(None, (one['about'], synced)))}{ended}")
    for one in status.devices:
        waiting = f"; {quantity(one['waiting'], 'event')} waiting there" if one["waiting"] else ""
        seen = f"last seen {local(one['last_seen'])}" if one["last_seen"] else "installed, not seen yet"
        show(f"{one['name'] or one['id']}: {seen}{waiting}")
    if status.targets or status.devices:
        show("")


def local(moment: str) -> str:
    return f"{datetime.fromisoformat(moment).astimezone():%Y-%m-%d %H:%M}"


def asked_row(status: Status, asked: Undecided) -> tuple[object, ...]:
    books = {(row["book"], row["md5"][:SHORT]) for row in asked.rows}
    book, md5 = books.pop() if len(books) == 1 else (quantity(len(books), "book"), "")
    return status.kinds.in_words(total_of([asked])), book, md5, "", 0, asked.text
