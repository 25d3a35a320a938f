"""Why the database cannot be used, in words that a person can act on."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import exc
from sqlalchemy.engine import make_url

from booklore_core.storage.schema import TYPES

ADVICE = {
    "not a database": "this is no SQLite file; it was left as it is: move it away or restore a backup",
    "malformed": "the file is damaged; it was left as it is: restore a backup, or recover it with `sqlite3 … .recover`",
    "unable to open": "check that the folder exists and may be written",
    "readonly": "check who may write to the file and its folder",
    "full": "free some space; nothing that was acknowledged is lost",
    "No space left": "free some space on the server; nothing that was acknowledged is lost",
    "locked": "another program holds it for long; try again",
    "lock timeout": "another program holds it for long; try again",
    "I/O": "the disk reports errors or is full; nothing that was acknowledged is lost",
    "no password supplied": "give it in the address, by BOOKLORE_DATABASE_URL_FILE, ~/.pgpass or PGPASSWORD",
    "does not exist": "check the name; `createdb` makes a database",
    "authentication": "check the user name and password in the address",
    "onnection": "check the address, and that the server runs",
}
SQLITE_ERROR = 1
"""SQLite's code for a mistake in a statement: a bug, which shows a traceback."""


class DatabaseUnusable(Exception):
    """The database cannot be opened, read or written; the text says why and what to do. Nothing was changed."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"{redact(url)}: {reason}")


def backend(url: str) -> str:
    """`sqlite` or `postgresql`. Raises DatabaseUnusable for any other address."""
    try:
        address = make_url(url)
        name = address.get_backend_name()
        if name not in TYPES:
            raise DatabaseUnusable(url, f"expected an address with sqlite:// or postgresql://, got {name}://")
        address.get_dialect().import_dbapi()
    except (exc.ArgumentError, ValueError) as error:
        raise DatabaseUnusable(url, "not a database address such as sqlite:///file.sqlite") from error
    except ModuleNotFoundError as error:
        raise DatabaseUnusable(url, f"needs the Python package {error.name}; install it") from error
    return name


@contextmanager
def explained(url: str) -> Iterator[None]:
    """Turns the driver's errors about the database as a whole into one a person understands."""
    try:
        yield
    except (exc.DBAPIError, exc.TimeoutError) as error:
        reason = reason_of(error)
        if reason is None:
            raise
        advice = next((what for words, what in ADVICE.items() if words in reason), "see `booklore doctor`")
        raise DatabaseUnusable(url, f"{reason}; {advice}") from error


def reason_of(error: exc.DBAPIError | exc.TimeoutError) -> str | None:
    """The driver's words about the database as a whole; None for a mistake in one statement or its values."""
    if isinstance(error, exc.TimeoutError):
        return "every connection is busy"
    about_all = isinstance(error, exc.OperationalError | exc.InterfaceError) or type(error) is exc.DatabaseError
    is_mistake = getattr(error.orig, "sqlite_errorcode", None) == SQLITE_ERROR
    return str(error.orig).strip() if about_all and not is_mistake else None


def redact(url: str) -> str:
    """url without its passwords."""
    try:
        parts = make_url(url)
    except (exc.ArgumentError, ValueError):
        return f"{url.partition(':')[0]}:…"
    query = {key: "***" if "pass" in key.lower() else value for key, value in parts.query.items()}
    return parts.set(query=query).render_as_string(hide_password=True).replace("%2A", "*")
