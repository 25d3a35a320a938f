"""The status as JSON or for people, read without loading the core or the command line."""

import sqlite3

from booklore_core.cli.output import show, show_json, show_table
from booklore_core.storage.counts import MAX_WAITING, DatabaseFile, Status, read_status
from booklore_core.storage.places import Places

SHOWN = 20
NAMES_WIDTH = 20


def show_at_once(as_json: bool) -> bool:
    """Shows the status if the database can be read as it is. Returns whether it could."""
    found = look(MAX_WAITING if as_json else SHOWN)
    if found is not None:
        show_status(found, as_json)
    return found is not None


def look(limit: int) -> Status | None:
    """The status, with so many waiting items listed; None for no file, no SQLite, or another schema version."""
    file = Places.from_environment().database_file
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
    kinds = status.kinds.all_of({**status.pending, **status.synced})
    show_section("Book cache", {name.capitalize(): count for name, count in status.books.items()})
    show_section("Pending uploads", {kind.many.capitalize(): status.pending.get(kind.name, 0) for kind in kinds})
    show_section("History", {kind.history_name: status.synced.get(kind.name, 0) for kind in kinds})
    if status.waiting:
        rows = [(one.kind, one.book, one.target, one.attempts, one.reason) for one in status.waiting]
        show_table(rows, "KIND", "BOOK", "TARGET", "TRIES#", "WHY")
    if status.total > len(status.waiting):
        show(f"… and {status.total - len(status.waiting)} more")
    if status.superseded:
        given_up = [(one.kind, one.book, one.target, one.reason) for one in status.superseded]
        show_table(given_up, "KIND", "BOOK", "TARGET", "GIVEN UP, FOR")
    if status.aside:
        show(status.aside)


def show_section(title: str, counts: dict[str, int]) -> None:
    width = max([NAMES_WIDTH, *map(len, counts)])
    show(title, *(f"  {name:{width}} {count:5}" for name, count in counts.items()), "")
