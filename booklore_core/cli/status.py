"""`booklore status`: what is known, what waits, and why."""

import sqlite3
from typing import Annotated

import typer

from booklore_core.cli.opening import find_places, opened
from booklore_core.cli.options import Json
from booklore_core.cli.output import plural, show, show_json, show_table
from booklore_core.status import LETTERS, MAX_WAITING, Glance, Rows, Status, read_status

SHOWN = 20
TOTAL = "SELECT COUNT(*) AS total FROM due"


def status(
    as_json: Json = False,
    limit: Annotated[int, typer.Option(min=0, help="How many waiting items --json lists.")] = MAX_WAITING,
) -> None:
    """Show what is known, what waits to be synced, and why."""
    found, total = look(limit if as_json else SHOWN)
    if as_json:
        show_json(found.as_json())
    else:
        show_status(found, total)


def look(limit: int) -> tuple[Status, int]:
    """The status, and how many deliveries wait in all."""
    file = find_places().database_file
    if file is not None and file.is_file():
        try:
            return read(Glance(file), limit)
        except sqlite3.Error:
            pass  # another schema version, or no database: the core upgrades it or says what is wrong
    with opened() as core:
        return read(core.database, limit)


def read(source: Rows, limit: int) -> tuple[Status, int]:
    return read_status(source, limit), source.rows(TOTAL)[0]["total"]


def show_status(found: Status, total: int) -> None:
    show("Book cache")
    show_table([(f"  {name.capitalize()}", count) for name, count in found.books.items()], "", "#")
    show("", "Pending uploads")
    kinds = [*LETTERS, *(kind for kind in found.pending if kind not in LETTERS)]
    rows = [(f"  {plural(kind).capitalize()}", found.pending.get(kind, 0)) for kind in kinds]
    show_table(rows, "", "#")
    show("", "Progress history")
    show_table([("  Synced progress", found.synced.get("progress", 0))], "", "#")
    if not found.waiting:
        return
    show("")
    waiting = [(one.kind, one.title or one.md5, one.target, one.attempts, one.reason) for one in found.waiting]
    show_table(waiting, "KIND", "BOOK", "TARGET", "TRIES#", "WHY")
    if total > len(found.waiting):
        show(f"… and {total - len(found.waiting)} more")
