"""Books: found by title, author or path; what each is matched to, what is known of it; matched by hand."""

import json
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, HTTPException, Path, Query, Request, Response

from booklore_core.actions import all_actions
from booklore_core.actions.books import counts, is_meant
from booklore_core.actions.match import match_book, match_unmatched, unmatch_book
from booklore_core.actions.own import LONG_PRESS
from booklore_core.actions.status import local
from booklore_core.actions.track import track_book
from booklore_core.bridge.web.asking import Shared, button
from booklore_core.bridge.web.covers import cover_of, kind_of
from booklore_core.bridge.web.frame import render
from booklore_core.bridge.web.route import PageRoute
from booklore_core.core import Core
from booklore_core.items import utc
from booklore_core.pipeline.books import plain
from booklore_core.storage.counts import UNMATCHED

calls = APIRouter(route_class=PageRoute, include_in_schema=False)

ON_A_VIEW = 50
MD5 = Annotated[str, Path(pattern="^[0-9a-f]{32}$")]

LISTED = """
SELECT b.partial_md5 AS partial_md5, b.title AS title, b.authors AS authors, b.tracked AS tracked,
    (SELECT f.path FROM files f WHERE f.book_md5 = b.partial_md5 ORDER BY f.gone, f.seen_at DESC, f.id DESC LIMIT 1)
        AS file,
    (SELECT MIN(f.gone) FROM files f WHERE f.book_md5 = b.partial_md5) AS gone,
    COALESCE((SELECT MAX(e.at) FROM events e WHERE e.book_md5 = b.partial_md5), b.updated_at) AS told_at
FROM books b
"""
MATCHES = """SELECT book_md5, target, remote_id, how, title FROM matches WHERE book_md5 IN :ids ORDER BY target"""
MATCHED = "SELECT DISTINCT book_md5 FROM matches"
TOLD = """SELECT book_md5, kind, COUNT(*) AS count FROM items WHERE book_md5 IN :ids
    AND body NOT LIKE '%"removed"_true%' GROUP BY book_md5, kind"""
WAITING = """SELECT book_md5, kind, COUNT(DISTINCT item_id) AS count FROM owed WHERE book_md5 IN :ids
    GROUP BY book_md5, kind"""
REASONS = """SELECT due.kind AS kind, due.target AS target, COALESCE(due.reason, s.obstacle, 'not sent yet') AS reason,
    COUNT(*) AS count FROM due LEFT JOIN subscriptions s ON s.target = due.target AND s.kind = due.kind
    WHERE due.book_md5 = :md5 GROUP BY 1, 2, 3 ORDER BY 1 LIMIT 50"""


@calls.get("/books")
def books(
    request: Request, bridge: Shared, q: Annotated[str, Query(max_length=200)] = "", unmatched: bool = False,
    start: Annotated[int, Query(ge=0, le=10**9)] = 0,
) -> Response:  # fmt: skip
    """The books whose title, author or path has the text, the last read first."""
    core = bridge.core
    with core.database.transaction():
        found = meant(core, q, unmatched)
        start = min(start, max(0, len(found) - 1) // ON_A_VIEW * ON_A_VIEW)
        shown = with_facts(core, found[start : start + ON_A_VIEW])
        matching = button(core, match_unmatched)
        total = core.count_books()["total"]
    more = f"books?q={quote(q, '')}&unmatched={int(unmatched)}&start="
    told = {"q": q, "unmatched": unmatched, "start": start, "books": shown, "found": len(found), "total": total}
    ends = {"before": more + str(max(0, start - ON_A_VIEW)) if start else "", "here_again": more + str(start)}
    ends["after"] = more + str(start + ON_A_VIEW) if start + ON_A_VIEW < len(found) else ""
    return render(request, "books.html", title="Books", matching=matching, kinds=core.kinds, **told, **ends)


def meant(core: Core, text: str, unmatched: bool) -> list[dict[str, Any]]:
    """Those that `booklore books` would list, without what is known of each."""
    rows = [row for row in core.database.rows(LISTED) if is_meant(row, plain(text))]
    if unmatched:
        lacking = {row["book_md5"] for row in core.database.rows(UNMATCHED)}
        matched = {row["book_md5"] for row in core.database.rows(MATCHED)}
        rows = [
            row for row in rows if row["partial_md5"] in lacking or not (row["gone"] or row["partial_md5"] in matched)
        ]
    return sorted(rows, key=lambda row: row["told_at"] or 0, reverse=True)


def with_facts(core: Core, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those of a view, with what each is matched to, what is known of it and what waits."""
    ids = [row["partial_md5"] for row in rows]
    told, waiting = (counts(core, sql, ids=ids) for sql in (TOLD, WAITING))
    matches: dict[str, list[dict[str, Any]]] = {}
    for match in core.database.rows(MATCHES, ids=ids):
        matches.setdefault(match["book_md5"], []).append(match)
    return [
        {
            **row,
            "name": row["title"] or row["file"] or row["partial_md5"],
            "authors": ", ".join(json.loads(row["authors"])),
            "told": told[row["partial_md5"]],
            "waiting": waiting[row["partial_md5"]],
            "matches": matches.get(row["partial_md5"], []),
            "read": local(utc(row["told_at"]).isoformat()) if row["told_at"] else "",
        }
        for row in rows
    ]


@calls.get("/books/{md5}")
def book(md5: MD5, request: Request, bridge: Shared) -> Response:
    """One book: what is known, what waits and why, and what can be done."""
    core = bridge.core
    with core.database.transaction():
        rows = core.database.rows(LISTED + " WHERE b.partial_md5 = :md5", md5=md5)
        if not rows:
            raise HTTPException(404, "No such book is known here.")
        [known] = with_facts(core, rows)
        reasons = core.database.rows(REASONS, md5=md5)
        others = [
            button(core, action)
            for action in all_actions(core).values()
            if action.menu == LONG_PRESS and action.name not in (match_book.name, unmatch_book.name)
        ]
        match, unmatch, never = (button(core, one) for one in (match_book, unmatch_book, track_book))
    told = {"book": known, "reasons": reasons, "buttons": others, "match": match, "unmatch": unmatch, "never": never}
    return render(request, "book.html", title=known["name"], kinds=core.kinds, **told)


@calls.get("/covers/{target}/{remote_id}")
def cover(target: str, remote_id: Annotated[str, Path(max_length=200)], bridge: Shared) -> Response:
    """A cover as the target has it, through the core: the browser asks nobody else."""
    body = cover_of(bridge.core, target, remote_id)
    kind = kind_of(body) if body else None
    if not (body and kind):
        raise HTTPException(404, "There is no cover.")
    return Response(body, media_type=kind, headers={"Cache-Control": "private, max-age=86400"})
