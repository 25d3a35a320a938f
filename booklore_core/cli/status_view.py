"""The status as JSON or for people, read without loading the core or the command line."""

import sqlite3
from typing import Any

from booklore_core.cli.output import plural, show, show_json, show_table
from booklore_core.storage.counts import LETTERS, MAX_WAITING, Glance, read_status
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


def look(limit: int) -> tuple[dict[str, Any], int] | None:
    """The status and how many deliveries wait in all; None for no file, no SQLite, or another schema version."""
    file = Places.from_environment().database_file
    if file is None or not file.is_file():
        return None
    try:
        source = Glance(file)
        return read_status(source, limit).as_json(), source.rows(TOTAL)[0]["total"]
    except sqlite3.Error:
        return None


def show_status(status: dict[str, Any], total: int, as_json: bool) -> None:
    if as_json:
        show_json(status)
        return
    pending, waiting = status["pending"], status["waiting"]
    kinds = [*LETTERS, *(kind for kind in pending if kind not in LETTERS)]
    show_section("Book cache", {name.capitalize(): count for name, count in status["books"].items()})
    show_section("Pending uploads", {plural(kind).capitalize(): pending.get(kind, 0) for kind in kinds})
    show_section("Progress history", {"Synced progress": status["synced"].get("progress", 0)})
    if waiting:
        rows = [[one[name] for name in ("kind", "book", "target", "attempts", "reason")] for one in waiting]
        show_table(rows, "KIND", "BOOK", "TARGET", "TRIES#", "WHY")
    if total > len(waiting):
        show(f"… and {total - len(waiting)} more")


def show_section(title: str, counts: dict[str, int]) -> None:
    width = max(NAMES_WIDTH, *map(len, counts))
    show(title, *(f"  {name:{width}} {count:5}" for name, count in counts.items()), "")
