"""Brings a database's schema up to date, all or nothing, and leaves alone what is not ours to change."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy.exc import OperationalError, ProgrammingError

from booklore_core.storage.faults import DatabaseUnusable
from booklore_core.storage.schema import TYPES
from booklore_core.storage.views import create_core_views, drop_views

if TYPE_CHECKING:
    from booklore_core.storage.database import Database


def bring_up_to_date(database: "Database", migrations: Sequence[str], journal: str) -> None:
    """journal: SQLite's journal mode. Raises DatabaseUnusable; then nothing was changed."""
    version = check_version(database, len(migrations))
    if database.dialect == "sqlite":
        set_journal(database, journal)
    if version < len(migrations):
        try:
            with database.writing():
                migrate(database, migrations)
        except ProgrammingError as error:
            raise DatabaseUnusable(database.url, f"{error.orig}; nothing was changed") from error


def check_version(database: "Database", newest: int) -> int:
    """The schema's version, 0 for an empty database. Raises DatabaseUnusable for one that is not ours to change."""
    tables, _ = database.names()
    is_ours = "schema_version" in tables
    known = int(database.value("SELECT MAX(version) FROM schema_version") or 0) if is_ours else 0
    if known > newest:
        reason = f"written by a newer version (schema {known}, this program knows {newest}); upgrade booklore-sync"
        raise DatabaseUnusable(database.url, reason)
    if not known and tables and database.dialect == "sqlite":
        reason = "belongs to another program; it was left as it is: choose another file with BOOKLORE_DATABASE_URL"
        raise DatabaseUnusable(database.url, reason)
    return known


def migrate(database: "Database", migrations: Sequence[str]) -> None:
    version = check_version(database, len(migrations))  # another process may have been quicker
    drop_views(database)
    for number, script in enumerate(migrations[version:], version + 1):
        for part in filter(str.strip, script.format(**TYPES[database.dialect]).split(";")):
            database.run(part)
        database.run("INSERT INTO schema_version (version) VALUES (:version)", version=number)
    create_core_views(database)


def set_journal(database: "Database", mode: str) -> None:
    """The write-ahead log is a property of the file. While others use it the mode stays what it is."""
    with database.engine.connect() as connection:
        if connection.exec_driver_sql("PRAGMA journal_mode").scalar() == mode:
            return
        try:
            connection.exec_driver_sql(f"PRAGMA journal_mode={mode}").scalar()
        except OperationalError as error:
            if "locked" not in str(error.orig):
                raise
