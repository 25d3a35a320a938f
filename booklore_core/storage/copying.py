"""Copies a database to an empty one, all or nothing: what arrived is compared row by row before it is kept."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice, zip_longest
from typing import Any

from sqlalchemy import Integer, MetaData, Table

from booklore_core.kinds import Kind
from booklore_core.storage.database import Database
from booklore_core.storage.engine import PROGRAM
from booklore_core.storage.faults import DatabaseUnusable
from booklore_core.storage.migration import migrate
from booklore_core.storage.schema import MIGRATIONS
from booklore_core.storage.tables import stored
from booklore_core.storage.views import declare_views

MADE_ANEW = ("schema_version", "kind_views")
"""Tables that come with the schema and with the views."""

SIZE = 500
"""So many rows are on their way at a time."""

OTHERS = f"""SELECT COUNT(DISTINCT application_name) FROM pg_stat_activity WHERE datname = current_database()
    AND application_name LIKE '{PROGRAM}%' AND application_name <> current_setting('application_name')"""
LAST_ID = {
    "sqlite": "SELECT seq FROM sqlite_sequence WHERE name = '{0}'",
    "postgresql": "SELECT last_value FROM pg_sequences WHERE schemaname || '.' || sequencename ="
    " REPLACE(pg_get_serial_sequence('{0}', 'id'), '\"', '')",
}
SET_LAST_ID = {
    "sqlite": ("DELETE FROM sqlite_sequence WHERE name = '{0}'", "INSERT INTO sqlite_sequence VALUES ('{0}', {1})"),
    "postgresql": ("SELECT setval(pg_get_serial_sequence('{0}', 'id'), {1})",),
}
"""A row that was removed at the end leaves its number used."""


def copy_all(
    source: Database, url: str, kinds: Iterable[Kind], tell: Callable[[str, int, int], None]
) -> dict[str, int]:
    """Copies every table to the database at url, compares all rows and declares the views of kinds. Returns table →
    rows. tell: told how far it is, a label, done, total.

    Nobody writes to the source meanwhile; until all is there and was compared, nothing is. Raises DatabaseUnusable
    where the other one is not empty, or the source in use by another computer, and Differs.
    """
    target = Database(url, migrations=None)
    try:
        refuse_unless_empty(target)
        with source.writing(), target.writing():
            if source.dialect == "postgresql" and source.value(OTHERS):
                raise DatabaseUnusable(source.url, "another process, maybe of another computer, uses it; stop it first")
            refuse_unless_empty(target)  # somebody may have been quicker
            migrate(target, MIGRATIONS)
            return fill(source, target, kinds, tell)
    finally:
        target.close()


def refuse_unless_empty(target: Database) -> None:
    if found := [name for names in target.names() for name in names]:
        raise DatabaseUnusable(target.url, f"is not empty, it has {found[0]}; nothing was copied")


def fill(
    source: Database, target: Database, kinds: Iterable[Kind], tell: Callable[[str, int, int], None]
) -> dict[str, int]:
    tables = [table for table in tables_of(target) if table.name not in MADE_ANEW]
    counts = {table.name: int(source.value(f"SELECT COUNT(*) FROM {table.name}")) for table in tables}
    total, copied, compared = sum(counts.values()), 0, 0
    for table in tables:
        found = source.stream(selected(table, source))
        while rows := list(islice(found, SIZE)):
            target.run_many(insertion(table), rows)
            copied += len(rows)
            tell("copied", copied, total)
        keep_last_id(source, target, table)
    for table in tables:
        for _ in compared_rows(source, target, table):
            compared += 1
            if compared % SIZE == 0 or compared == total:
                tell("compared", compared, total)
    list(declare_views(target, kinds))
    return counts


class Differs(Exception):
    """A row did not arrive as it was; nothing was copied."""


def compared_rows(source: Database, target: Database, table: Table) -> Iterator[dict[str, Any]]:
    """Each row of a table, which is the same in both. Raises Differs."""
    both = zip_longest(*(one.stream(selected(table, one)) for one in (source, target)))
    for given, found in both:
        if given is None or found is None or stored(given) != stored(found):
            key = {column.name: (given or found)[column.name] for column in table.primary_key}
            raise Differs(f"table {table.name}, row {key}: it did not arrive as it was; nothing was copied")
        yield found


def tables_of(database: Database) -> list[Table]:
    """All of them, one before those that refer to it."""
    meta = MetaData()
    with database.working(writes=False):
        meta.reflect(bind=database.connection)
    return meta.sorted_tables


def selected(table: Table, database: Database) -> str:
    """The rows in an order that is the same in both kinds of databases."""
    binary = ' COLLATE "C"' if database.dialect == "postgresql" else ""
    order = (f"{one.name}{binary * (not isinstance(one.type, Integer))}" for one in table.primary_key)
    return f"SELECT {names_of(table)} FROM {table.name} ORDER BY {', '.join(order)}"


def insertion(table: Table) -> str:
    marks = ", ".join(f":{one.name}" for one in table.columns)
    return f"INSERT INTO {table.name} ({names_of(table)}) VALUES ({marks})"


def names_of(table: Table) -> str:
    return ", ".join(one.name for one in table.columns)


def keep_last_id(source: Database, target: Database, table: Table) -> None:
    if "id" in table.columns and isinstance(table.columns["id"].type, Integer):
        last = source.value(LAST_ID[source.dialect].format(table.name))
        for sql in SET_LAST_ID[target.dialect] if last else ():
            target.run(sql.format(table.name, last))
