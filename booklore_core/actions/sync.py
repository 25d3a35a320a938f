"""Sync Pending Now, for all books or one; what a sync came to, in words and as data."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from booklore_core.actions.match import wanted_book
from booklore_core.actions.own import LONG_PRESS, SYNC_AND_CACHE, action, counted
from booklore_core.core import Core, Report
from booklore_core.flows import Request, Result
from booklore_core.kinds import quantity
from booklore_core.storage.counts import MAX_WAITING, WAITING, read_asked

NAMED = 3
"""So many books, or reasons, are told; `booklore status` has them all."""


@action(
    lambda core: counted("Sync Pending Now", core.kinds.short_counts(core.pending())),
    "Sends everything that waits.", order=1, menu=SYNC_AND_CACHE, enabled=lambda core: bool(core.pending()),
    dispatcher="BookLore Sync: sync pending items",
)  # fmt: skip
def sync_pending(core: Core, request: Request) -> Result:
    """Sync Pending Now. args: target, the only one; book, the only one (its digest or the start of it)."""
    asked = request.args.get("book")
    book = wanted_book(core, Request(str(asked))).partial_md5 if asked else None
    return outcome(core, core.sync(request.args.get("target"), request.progress, book), book)


@action("Sync this book", "Sends what waits of this book.", order=3, menu=LONG_PRESS)
def sync_book(core: Core, request: Request) -> Result:
    """Sync this book: sends what waits of one book and of no other. args: book, where the request is about none."""
    book = wanted_book(core, request).partial_md5
    return replace(outcome(core, core.sync(progress=request.progress, book=book), book), ok=True)


def outcome(core: Core, report: Report, book: str | None = None) -> Result:
    """book: the partial MD5 of the only one that is told about."""
    asked = sum(any(book in (None, row["md5"]) for row in one.rows) for one in read_asked(core.database))
    why = reasons(core, report, book)
    told = [f"{quantity(asked, 'question waits', 'questions wait')} for your answer"] if asked else []
    text = "\n".join([summary(core, report, why), *told])
    return Result(text, ok=report.is_complete and not asked, data={**report_json(report, why), "asked": asked})


def summary(core: Core, report: Report, why: Sequence[str], is_news: bool = True) -> str:
    """A toast about a sync: what arrived, what did not, and why (seed sync-and-cache). is_news: whether anything went
    wrong that has not been told: what is rejected is tried again at every sync."""
    arrived, waiting = report.total("delivered"), report.total("waiting")
    rejected = report.total("rejected") if is_news else {}
    told = {"synced": arrived, "waits" if sum(waiting.values()) == 1 else "wait": waiting, "rejected": rejected}
    parts = [f"{core.kinds.in_words(counts)} {verb}" for verb, counts in told.items() if counts]
    why = why if waiting or rejected or report.unavailable else []
    return "\n".join([", ".join(parts), *why]).strip() or "Nothing to sync"


def reasons(core: Core, report: Report, book: str | None = None) -> list[str]:
    """Why not everything arrived, each reason once: nobody was there, a book is not known there, an item failed."""
    lacking, failed = defaultdict[str, dict[str, None]](dict), dict[str, None]()
    waiting = core.database.rows(WAITING, limit=MAX_WAITING)
    for row in (row for row in waiting if book in (None, row["md5"])):
        if row["state"] == "unmatched" and row["target"] not in report.unavailable:
            lacking[row["target"]][f"“{row['book']}”"] = None
        elif row["state"] != "new" and row["target"] not in report.unavailable:
            failed[f"“{row['book']}”: {row['reason']}"] = None
    told = [f"{target}: {reason}" for target, reason in report.unavailable.items()]
    for target, books in lacking.items():
        named = ", ".join(list(books)[:NAMED])
        more = f" and {len(books) - NAMED} more" if len(books) > NAMED else ""
        told.append(f"{target} does not know {named}{more} yet")
    return told + list(failed)[:NAMED]


def report_json(report: Report, why: Sequence[str]) -> dict[str, Any]:
    """The shape that `booklore sync --json` prints."""
    names = ("delivered", "waiting", "rejected")
    targets = {run.target: {name: getattr(run, name) for name in (*names, "unavailable")} for run in report.runs}
    told = {"unavailable": list(report.unavailable), "reasons": [] if report.is_complete else why}
    return {**{name: report.total(name) for name in names}, **told, "requests": report.requests, "targets": targets}
