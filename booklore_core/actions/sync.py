"""Sync Pending Now, for all books or one; what a sync came to, in words and as data."""

from dataclasses import replace
from typing import Any

from booklore_core.actions.match import wanted_book
from booklore_core.actions.own import LONG_PRESS, SYNC_AND_CACHE, action, counted
from booklore_core.core import Core, Report
from booklore_core.flows import Request, Result
from booklore_core.kinds import quantity


@action(
    lambda core: counted("Sync Pending Now", core.kinds.short_counts(core.pending())),
    "Sends everything that waits.", order=1, menu=SYNC_AND_CACHE, enabled=lambda core: bool(core.pending()),
    dispatcher="BookLore Sync: sync pending items",
)  # fmt: skip
def sync_pending(core: Core, request: Request) -> Result:
    """Sync Pending Now. args: target, the only one; book, the only one (its digest or the start of it)."""
    asked = request.args.get("book")
    book = wanted_book(core, Request(str(asked))).partial_md5 if asked else None
    return outcome(core, core.sync(request.args.get("target"), request.progress, book))


@action("Sync this book", "Sends what waits of this book.", order=3, menu=LONG_PRESS)
def sync_book(core: Core, request: Request) -> Result:
    """Sync this book: sends what waits of one book and of no other. args: book, where the request is about none."""
    report = core.sync(progress=request.progress, book=wanted_book(core, request).partial_md5)
    return replace(outcome(core, report), ok=True)


def outcome(core: Core, report: Report) -> Result:
    asked = len(core.questions())
    told = f"{quantity(asked, 'question')} {'waits' if asked == 1 else 'wait'} for your answer" if asked else ""
    text = "\n".join(filter(None, (summary(core, report), told)))
    return Result(text, ok=report.is_complete and not asked, data=report_json(report))


def summary(core: Core, report: Report, is_news: bool = True) -> str:
    """A toast about a sync: what arrived, what did not, and why (seed sync-and-cache). is_news: whether anything went
    wrong that has not been told: what is rejected is tried again at every sync."""
    counts = {"delivered": "synced", "waiting": "waiting", **({"rejected": "rejected"} if is_news else {})}
    told = [(core.kinds.short_counts(report.total(name)), word) for name, word in counts.items()]
    parts = [f"{count} {word}" for count, word in told if count]
    parts += [f"{target}: {reason}" for target, reason in report.unavailable.items()]
    return "\n".join(parts) or "Nothing to sync"


def report_json(report: Report) -> dict[str, Any]:
    """The shape that `booklore sync --json` prints."""
    names = ("delivered", "waiting", "rejected")
    targets = {run.target: {name: getattr(run, name) for name in (*names, "unavailable")} for run in report.runs}
    totals = {name: report.total(name) for name in names}
    return {**totals, "unavailable": list(report.unavailable), "requests": report.requests, "targets": targets}
