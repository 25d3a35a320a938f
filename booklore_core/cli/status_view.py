"""The status as JSON or for people, read without loading the core or the command line."""

import sqlite3

from booklore_core.cli.output import plural, show, show_json, show_table
from booklore_core.storage.counts import LETTERS, MAX_WAITING, Glance, Rows, Status, read_status
from booklore_core.storage.places import Places

SHOWN = 20
NAMES_WIDTH = len("Synced progress")
TOTAL = "SELECT COUNT(*) AS total FROM due"


def show_at_once(as_json: bool) -> bool:
    """Shows the status if the database can be read as it is. Returns whether it could."""
    found = look(MAX_WAITING if as_json else SHOWN)
    if found is not None:
        show_status(*found, as_json)
    return found is not None


def look(limit: int) -> tuple[Status, int] | None:
    """The status and how many deliveries wait in all; None for no file, no SQLite, or another schema version."""
    file = Places.from_environment().database_file
    if file is None or not file.is_file():
        return None
    try:
        return read(Glance(file), limit)
    except sqlite3.Error:
        return None


def read(source: Rows, limit: int) -> tuple[Status, int]:
    return read_status(source, limit), source.rows(TOTAL)[0]["total"]


def show_status(found: Status, total: int, as_json: bool) -> None:
    if as_json:
        show_json(found.as_json())
        return
    kinds = [*LETTERS, *(kind for kind in found.pending if kind not in LETTERS)]
    show_section("Book cache", {name.capitalize(): count for name, count in found.books.items()})
    show_section("Pending uploads", {plural(kind).capitalize(): found.pending.get(kind, 0) for kind in kinds})
    show_section("Progress history", {"Synced progress": found.synced.get("progress", 0)})
    if found.waiting:
        waiting = [(one.kind, one.title or one.md5, one.target, one.attempts, one.reason) for one in found.waiting]
        show_table(waiting, "KIND", "BOOK", "TARGET", "TRIES#", "WHY")
    if total > len(found.waiting):
        show(f"… and {total - len(found.waiting)} more")


def show_section(title: str, counts: dict[str, int]) -> None:
    width = max(NAMES_WIDTH, *map(len, counts))
    show(title, *(f"  {name:{width}} {count:5}" for name, count in counts.items()), "")
