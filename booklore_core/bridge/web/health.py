"""Home and the queue: whether all is in step, and what waits, why, and with which button that ends."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fastapi import APIRouter, Request, Response

from booklore_core.actions.clear import clear_pending
from booklore_core.actions.doctor import test_connection
from booklore_core.actions.login import log_in
from booklore_core.actions.match import match_unmatched
from booklore_core.actions.questions import answer_questions
from booklore_core.actions.sync import sync_pending
from booklore_core.bridge.newcomers import is_newcomer, listed
from booklore_core.bridge.web.asking import Shared, button
from booklore_core.bridge.web.frame import render
from booklore_core.bridge.web.route import PageRoute
from booklore_core.core import Core
from booklore_core.kinds import quantity
from booklore_core.storage.counts import (
    ASIDE,
    MAX_WAITING,
    SUPERSEDED,
    TARGETS,
    WAITING,
    WAITING_TOTAL,
    count_pending_at,
    in_utc,
    read_asked,
)
from booklore_core.targets import AccountTarget

NAMED = 3
"""So many reasons are told of each target."""

MOST_LINES, MOST_SUPERSEDED = 200, 50

calls = APIRouter(route_class=PageRoute, include_in_schema=False)


@calls.get("/")
def home(request: Request, bridge: Shared) -> Response:
    """A line for each target and device, and what to do next."""
    core = bridge.core
    with core.database.transaction():
        targets, devices, books = target_lines(core), device_lines(core), core.count_books()
        asked = button(core, answer_questions) if core.questions() else None
        [aside] = core.database.rows(ASIDE)
    return render(
        request, "home.html", title="Home", targets=targets, devices=devices, books=books, asked=asked, aside=aside
    )


def target_lines(core: Core) -> list[dict[str, Any]]:
    """How each target stands: in_step, or what waits there and why; and the button that helps."""
    waiting = defaultdict[str, list[dict[str, Any]]](list)
    for row in core.database.rows(WAITING, limit=MAX_WAITING):
        waiting[row["target"]].append(row)
    return [target_line(core, in_utc(row), waiting[row["name"]]) for row in core.database.rows(TARGETS)]


def target_line(core: Core, row: dict[str, Any], waiting: Sequence[dict[str, Any]]) -> dict[str, Any]:
    counts = count_pending_at(core.database, row["name"])
    total = Counter(counts["waiting"]) + Counter(counts["rejected"])
    target = core.targets.get(row["name"])
    about = (target.about if target else "") or row["about"]
    told = reasons(one for one in waiting if one["reason"] != row["unavailable"])
    more = {"about": about, "words": core.kinds.in_words(total), "waits": "waits" if total.total() == 1 else "wait"}
    helps = way_out(core, row, waiting) if total or row["unavailable"] else None
    return {**row, **more, "reasons": told, "button": helps}


def way_out(core: Core, row: dict[str, Any], waiting: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The action that helps a target on, as a button with its text."""
    target = core.targets.get(row["name"])
    if target and row["unavailable"] and not target.address and target.has(AccountTarget):
        text = f"Log in to {target.name}"
        return {**button(core, log_in), "args": json.dumps({"target": target.name}), "text": text}
    is_unmatched = any(one["state"] == "unmatched" for one in waiting)
    helps = test_connection if row["unavailable"] else match_unmatched if is_unmatched else sync_pending
    return {**(found := button(core, helps)), "text": found["label"]}


def reasons(waiting: Iterable[dict[str, Any]]) -> list[str]:
    """Why something waits, the most frequent first, each with a book that it is so of."""
    books = defaultdict[str, dict[str, None]](dict)
    for one in waiting:
        books[one["reason"]][one["book"]] = None
    often = sorted(books.items(), key=lambda one: -len(one[1]))[:NAMED]
    return [f"{reason}: {next(iter(named))}{others(len(named) - 1)}" for reason, named in often]


def others(count: int) -> str:
    return f" and {quantity(count, 'other book')}" if count else ""


def device_lines(core: Core) -> list[dict[str, Any]]:
    return [{**one, "is_new": is_newcomer(one["id"])} for one in listed(core)]


@calls.get("/queue")
def queue(request: Request, bridge: Shared) -> Response:
    """What waits, by kind and book, with its reason; what a person is asked; what was given up."""
    core = bridge.core
    with core.database.transaction():
        rows, asked = core.database.rows(WAITING, limit=MAX_WAITING), read_asked(core.database)
        superseded = core.database.rows(SUPERSEDED, limit=MOST_SUPERSEDED)
        total, pending = core.database.value(WAITING_TOTAL), core.pending()
        buttons = [button(core, one) for one in (sync_pending, match_unmatched, answer_questions, clear_pending)]
        [aside] = core.database.rows(ASIDE)
    groups = by_kind(core, rows, pending)
    left = (
        total - sum(line["count"] for group in groups for line in group["lines"]) - sum(len(one.rows) for one in asked)
    )
    return render(
        request, "queue.html", title="Queue", groups=groups, asked=asked, superseded=superseded, left=max(0, left),
        words=core.kinds.in_words(pending), buttons=buttons, aside=aside, kinds=core.kinds,
    )  # fmt: skip


def by_kind(core: Core, rows: Sequence[dict[str, Any]], pending: Mapping[str, int]) -> list[dict[str, Any]]:
    """The kinds that wait, each with how many items of it do, and a line for all that is alike of a book."""
    names = ("book", "md5", "target", "reason", "state", "attempts")
    alike = Counter((row["kind"], *(row[name] for name in names)) for row in rows)
    lines = defaultdict[str, list[dict[str, Any]]](list)
    for (kind, *told), count in list(alike.items())[:MOST_LINES]:
        lines[kind].append({**dict(zip(names, told, strict=True)), "count": count})
    counts = {kind: pending.get(kind, sum(line["count"] for line in found)) for kind, found in lines.items()}
    return [
        {"kind": kind, "title": kind.many.capitalize(), "count": count, "lines": lines[kind.name]}
        for kind, count in core.kinds.counted(counts)
    ]
