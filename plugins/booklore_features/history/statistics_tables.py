"""KOReader's tables of statistics, in whatever version: by the columns that they have, not by the version they claim.

`page_stat_data` has a row for each page that was shown, since 2020 (schema 20201010). Before, `page_stat` was such a
table, with `period` for `duration` and without the number of pages at the time; since then it is a view, which deals a
page's seconds out to others and loses some. Source: koreader plugins/statistics.koplugin/main.lua.
"""

import sqlite3
from dataclasses import dataclass

NEVER = "NULL"
PAGE_TABLES = ("page_stat_data", "page_stat")
SECONDS = ("duration", "period")
IN_TIME = "p.start_time BETWEEN :earliest AND :latest"
COUNTED = f"{IN_TIME} AND p.{{seconds}} BETWEEN 1 AND 9223372036854775807"
"""Numbers only: to SQLite texts are greater than any number, and nothing is equal to NULL."""


@dataclass(frozen=True)
class Tables:
    """The statements by which statistics are read. earliest, latest: unix seconds, of a clock that can be right.

    books: id, title, authors, md5. rows: id of the book, when a page was shown, for how many seconds, its number, of
    how many pages; in the order of time. count: of all rows. wrong: id of the book, how many rows of it no clock can
    have told that was right.
    """

    books: str
    rows: str
    count: str
    wrong: str


def find_tables(connection: sqlite3.Connection, file: str) -> Tables | None:
    """None where there are none of that name. file: its name. Raises ValueError for tables of an unknown form."""
    found = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    table = next((name for name in PAGE_TABLES if name in found), None)
    if table is None or "book" not in found:
        return None
    book, page = columns(connection, "book"), columns(connection, table)
    seconds = next((name for name in SECONDS if name in page), None)
    if seconds is None or "id" not in book or not page >= {"id_book", "start_time"}:
        [(version,)] = connection.execute("PRAGMA user_version")
        fault = f"holds statistics of a form that nobody here knows, of version {version}"
        raise ValueError(f"{file} {fault}: update this program.")
    return tables_of(table, seconds, book, page)


def columns(connection: sqlite3.Connection, table: str) -> set[str]:
    return {name.lower() for _, name, *_ in connection.execute(f"PRAGMA table_info({table})")}


def tables_of(table: str, seconds: str, book: set[str], page: set[str]) -> Tables:
    told = [name if name in book else NEVER for name in ("title", "authors", "md5")]
    number = "p.page" if "page" in page else NEVER
    # Before 2020 a row did not say of how many pages; KOReader took the book's of the day, too, when it moved them.
    total, join = "b.pages" if "pages" in book else NEVER, "LEFT JOIN book b ON b.id = p.id_book"
    if "total_pages" in page:
        total, join = "p.total_pages", ""
    return Tables(
        books=f"SELECT id, {', '.join(told)} FROM book ORDER BY id",
        rows=f"""SELECT p.id_book, p.start_time, p.{seconds}, {number}, {total} FROM {table} p {join}
            WHERE {COUNTED.format(seconds=seconds)} ORDER BY p.start_time""",
        count=f"SELECT COUNT(*) FROM {table}",
        wrong=f"""SELECT id_book, COUNT(*) FROM {table}
            WHERE start_time < :earliest OR start_time > :latest OR start_time IS NULL GROUP BY id_book""",
    )
