"""The queues as SQL views, so that every query of the manuals runs as printed: the core's own, and those of the kinds.

`pending_items`: what some target waits for, one row an item. `delivered_items`: what some target has taken. Both have
id, kind, key, book_md5, body (JSON), occurred_at, created_at (unix seconds), book_cache_id, book_title, book_id (the
remote's, by match) · the first also retry_count, last_retry_at · the second remote_id, synced_at.
Source: the seed pages, and the columns of the existing plugin's database (lua-plugin-behaviour §2).
"""

import sqlite3
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from booklore_core.kinds import NAME, Kind

if TYPE_CHECKING:
    from booklore_core.storage.database import Database

ITEM = """i.id AS id, i.kind AS kind, i.key AS key, i.book_md5 AS book_md5, i.body AS body,
    {int:i.occurred_at} AS occurred_at, {int:i.created_at} AS created_at, b.id AS book_cache_id, b.title AS book_title,
    (SELECT {id:MIN(m.remote_id)} FROM matches m WHERE m.book_md5 = i.book_md5) AS book_id"""

CORE_VIEWS: dict[str, str] = {
    "due": """
SELECT o.item_id AS item_id, i.kind AS kind, i.book_md5 AS book_md5, i.revision AS revision, o.target AS target,
       d.state AS state, COALESCE(d.retry_count, 0) AS retry_count, d.reason AS reason, d.tried_at AS tried_at,
       COALESCE(d.maybe_sent, 0) AS maybe_sent, d.remote_id AS remote_id
FROM owed o JOIN items i ON i.id = o.item_id
LEFT JOIN deliveries d ON d.item_id = o.item_id AND d.target = o.target""",
    "pending_items": f"""SELECT {ITEM}, q.retry_count AS retry_count, {{int:q.tried_at}} AS last_retry_at
        FROM (SELECT item_id, MAX(retry_count) AS retry_count, MAX(tried_at) AS tried_at FROM due GROUP BY item_id) q
        JOIN items i ON i.id = q.item_id JOIN books b ON b.partial_md5 = i.book_md5""",
    "delivered_items": f"""SELECT {ITEM}, q.remote_id AS remote_id, {{int:q.tried_at}} AS synced_at
        FROM (SELECT item_id, MAX(tried_at) AS tried_at, MIN(remote_id) AS remote_id FROM deliveries
              WHERE state = 'delivered' GROUP BY item_id) q
        JOIN items i ON i.id = q.item_id JOIN books b ON b.partial_md5 = i.book_md5""",
    "book_cache": """SELECT b.id AS id, f.path AS file_path, b.partial_md5 AS file_hash,
        (SELECT {id:MIN(m.remote_id)} FROM matches m WHERE m.book_md5 = b.partial_md5) AS book_id, b.title AS title,
        b.authors AS author, {int:b.updated_at} AS last_accessed, {int:b.created_at} AS created_at,
        {int:b.updated_at} AS updated_at, NULL AS isbn10, SUBSTR(b.isbn, 1, 13) AS isbn13, NULL AS hardcover_id,
        b.tracked AS tracking_enabled
        FROM books b LEFT JOIN files f ON f.book_md5 = b.partial_md5 AND f.gone = 0""",
}
"""`due`: what still has to be brought to which target; every reader of the queue reads this one view."""

SQLITE = {
    "text": "json_extract(body, '$.{}')", "real": "CAST({} AS REAL)",
    "int": "CAST({} AS INTEGER)", "id": "CAST({} AS INTEGER)",
}  # fmt: skip
POSTGRESQL = {
    "text": r"(REPLACE(body, '\u0000', '\ufffd')::jsonb ->> '{}')", "real": "CAST({} AS DOUBLE PRECISION)",
    "int": "CAST(TRUNC(CAST({} AS NUMERIC)) AS BIGINT)",
    "id": "CAST('0' || LEFT(SUBSTRING({} FROM '^[0-9]*'), 18) AS BIGINT)",
}  # fmt: skip


def create_core_views(database: "Database") -> None:
    """Makes the core's views, after a migration; those of the kinds are declared again at the next start."""
    database.run("DELETE FROM kind_views")
    for name, select in CORE_VIEWS.items():
        database.run(f"CREATE VIEW {name} AS {expand(select, database.dialect)}")


def drop_views(database: "Database") -> None:
    """Before a migration: a view would keep the tables it reads from being changed. A server may have others' views."""
    tables, views = database.names()
    cascade = ""
    if database.dialect == "postgresql":
        kinds = database.rows("SELECT name FROM kind_views") if "kind_views" in tables else []
        views, cascade = [*CORE_VIEWS, *(row["name"] for row in kinds)], " CASCADE"
    for name in views:
        database.run(f"DROP VIEW IF EXISTS {name}{cascade}")


def declare_views(database: "Database", kinds: Iterable[Kind]) -> Iterator[tuple[Kind, str]]:
    """Makes the views of the kinds as they are declared now; those that are there already cost one query.

    Yields the kind and the reason of each view that cannot be made; the others are made.
    """
    known, tables = {row["name"]: row for row in database.table("kind_views").find()}, database.names()[0]
    declared = list(kinds)
    for kind in declared:
        others = [(other.name, name) for other in declared if other is not kind for name in other.views]
        taken = {name for other, name in others if name in known and known[name]["kind"] == other}
        for name, select in kind.views.items():
            row = {"name": name, "kind": kind.name, "query": select}
            if known.get(name) != row:
                is_free = NAME.fullmatch(name) and name not in {*CORE_VIEWS, *tables, *taken}
                fault = declare_view(database, row) if is_free else "the name is taken or is none"
                if fault:
                    yield kind, f"view {name}: {fault}"
                else:
                    known[name] = row


def declare_view(database: "Database", row: dict[str, str]) -> str:
    """Makes one view, in place of a former one. Returns why it cannot be made; then nothing is changed."""
    name = row["name"]
    try:
        sql = expand(row["query"], database.dialect)
        with database.savepoint():
            database.run(f"DROP VIEW IF EXISTS {name}")
            database.run(f"CREATE VIEW {name} AS {sql}")
            database.rows(f"SELECT * FROM {name} LIMIT 0")
            database.table("kind_views").upsert(row, ["name"])
    except (SQLAlchemyError, sqlite3.Warning, ValueError) as error:
        return str(getattr(error, "orig", error)).partition("\n")[0]
    return ""


def expand(sql: str, dialect: str) -> str:
    """sql with every {function:argument} written out, innermost first, and its colons no parameters. Raises ValueError
    for another function."""
    functions = SQLITE if dialect == "sqlite" else POSTGRESQL
    while "{" in sql:
        before, _, rest = sql.rpartition("{")
        call, end, after = rest.partition("}")
        name, _, argument = call.partition(":")
        if not end or name not in functions:
            known = ", ".join(f"{{{one}:…}}" for one in functions)
            raise ValueError(f"expected one of {known}, got {{{call}{end}")
        sql = before + functions[name].replace("{}", argument) + after
    return sql.replace(":", "\\:")
