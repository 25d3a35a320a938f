"""Brings a database's schema up to date, all or nothing, and leaves alone what is not ours to change."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy.exc import OperationalError, ProgrammingError

from booklore_core.storage.faults import DatabaseUnusable, redact
from booklore_core.storage.schema import TYPES
from booklore_core.storage.views import create_core_views, drop_views

if TYPE_CHECKING:
    from booklore_core.storage.database import Database

MIGRATION_LOCK = 7265601


def bring_up_to_date(database: "Database", migrations: Sequence[str], journal: str) -> None:
    """journal: SQLite's journal mode. Raises DatabaseUnusable; then nothing was changed."""
    version = check_version(database, len(migrations))
    if database.dialect == "sqlite":
        set_journal(database, journal)
    if version == len(migrations):
        return
    try:
        with database.writing():
            migrate(database, migrations)
    except ProgrammingError as error:
        raise DatabaseUnusable(f"{redact(database.url)}: {error.orig}; nothing was changed") from error


def check_version(database: "Database", newest: int) -> int:
    """The schema's version, 0 for an empty database. Raises DatabaseUnusable for one that is not ours to change."""
    tables, _ = database.names()
    is_ours = "schema_version" in tables
    known = int(database.value("SELECT MAX(version) FROM schema_version") or 0) if is_ours else 0
    if known > newest:
        raise DatabaseUnusable(
            f"{redact(database.url)}: written by a newer version (schema {known}, this program knows"
            f" {newest}); upgrade booklore-sync"
        )
    if not known and tables and database.dialect == "sqlite":
        raise DatabaseUnusable(
            f"{redact(database.url)}: belongs to another program; it was left as it is: choose another file with"
            " BOOKLORE_DATABASE_URL"
        )
    return known


def migrate(database: "Database", migrations: Sequence[str]) -> None:
    if database.dialect == "postgresql":
        database.rows(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})")
    version = check_version(database, len(migrations))  # another process may have been quicker
    drop_views(database, database.names()[1])
    for number in range(version, len(migrations)):
        upgrade(database, migrations[number], number + 1)
    create_core_views(database)


def upgrade(database: "Database", script: str, version: int) -> None:
    if version == 1:
        database.run("CREATE TABLE schema_version (version INTEGER PRIMARY KEY)")
    for part in script.format(**TYPES[database.dialect]).split(";"):
        if part.strip():
            database.run(part)
    database.run("INSERT INTO schema_version (version) VALUES (:version)", version=version)


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
