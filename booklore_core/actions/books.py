"""What is known of the books: how each is matched, what was told of it, and what waits."""

import json
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from booklore_core.core import Core
from booklore_core.items import utc
from booklore_core.pipeline.books import LISTED, plain
from booklore_core.storage.counts import UNMATCHED

MATCHES = "SELECT book_md5, target, remote_id AS id, how, title FROM matches ORDER BY target"
TOLD = """SELECT book_md5, kind, COUNT(*) AS count FROM items WHERE body NOT LIKE '%"removed"_true%'
    GROUP BY book_md5, kind"""
WAITING = "SELECT book_md5, kind, COUNT(DISTINCT item_id) AS count FROM owed GROUP BY book_md5, kind"


def list_books(core: Core, text: str = "", unmatched: bool = False) -> list[dict[str, Any]]:
    """The books in the shape of `booklore books --json`, the last read first. text: a part of the title, of an author's
    name or of the path, or the beginning of the digest. unmatched: only those that no target knows, or that something
    waits for a match of."""
    matches = defaultdict[str, dict[str, Any]](dict)
    for row in core.database.rows(MATCHES):
        matches[row.pop("book_md5")][row.pop("target")] = row
    told, waiting = counts(core, TOLD), counts(core, WAITING)
    lacking = {row["book_md5"] for row in core.database.rows(UNMATCHED)}
    books = []
    for row in core.database.rows(LISTED):
        md5, last = row["partial_md5"], max(row["told_at"] or 0, row["happened_at"] or 0)
        if is_meant(row, plain(text)) and (not unmatched or md5 in lacking or not (row["gone"] or matches[md5])):
            books.append({
                **{kind.many: told[md5].get(kind.name, 0) for kind in core.kinds.values()},
                "partial_md5": md5, "title": row["title"], "authors": json.loads(row["authors"]), "file": row["file"],
                "tracked": bool(row["tracked"]), "deleted": bool(row["gone"]), "matches": matches[md5],
                "waiting": waiting[md5], "last_read": f"{utc(last):%Y-%m-%dT%H:%M:%SZ}" if last else None,
            })  # fmt: skip
    return sorted(books, key=lambda book: book["last_read"] or "", reverse=True)


def counts(core: Core, sql: str, **values: Any) -> Mapping[str, dict[str, int]]:
    """partial MD5 → kind → how many."""
    found = defaultdict[str, dict[str, int]](dict)
    for row in core.database.rows(sql, **values):
        found[row["book_md5"]][row["kind"]] = row["count"]
    return found


def is_meant(row: Mapping[str, Any], wanted: str) -> bool:
    texts = (row["title"], *json.loads(row["authors"]), row["file"])
    return row["partial_md5"].startswith(wanted) or any(wanted in plain(text or "") for text in texts)
