"""Sync Pending Now, for all books or one; what a sync came to, in words and as data; the switches of syncing."""

from typing import TYPE_CHECKING, Any

from booklore_core.actions.match import wanted_book
from booklore_core.actions.submenus import LONG_PRESS, SYNC_AND_CACHE
from booklore_core.flows import Action, Flow, Request, Result

if TYPE_CHECKING:
    from booklore_core.core import Core, Report


def sync_pending(core: "Core", request: Request) -> Flow:
    """Sync Pending Now. args: target, the only one; book, the only one (its digest or the start of it)."""
    yield from ()
    asked = request.args.get("book")
    book = wanted_book(core, Request(str(asked))).partial_md5 if asked else None
    report = core.sync(request.args.get("target"), request.progress, book)
    return Result(summary(core, report), ok=report.is_complete, data=report_json(report))


def sync_book(core: "Core", request: Request) -> Flow:
    """Sync this book: sends what waits of one book and of no other."""
    yield from ()
    report = core.sync(progress=request.progress, book=wanted_book(core, request).partial_md5)
    return Result(summary(core, report), data=report_json(report))


def summary(core: "Core", report: "Report") -> str:
    """A toast about a sync: what arrived, what did not, and why (seed sync-and-cache)."""
    counts = (("delivered", "synced"), ("waiting", "waiting"), ("rejected", "rejected"))
    told = [(core.kinds.short_counts(report.total(name)), word) for name, word in counts]
    parts = [f"{count} {word}" for count, word in told if count]
    parts += [f"{target}: {reason}" for target, reason in report.unavailable.items()]
    return "\n".join(parts) or "Nothing to sync"


def report_json(report: "Report") -> dict[str, Any]:
    """The shape that `booklore sync --json` prints."""
    names = ("delivered", "waiting", "rejected")
    per_target = {
        run.target: {**{name: getattr(run, name) for name in names}, "unavailable": run.unavailable}
        for run in report.runs
    }
    totals = {name: report.total(name) for name in names}
    return {
        **totals,
        "unavailable": list(report.unavailable),
        "requests": report.requests,
        "targets": per_target,
    }


def sync_label(core: "Core") -> str:
    counts = core.kinds.short_counts(core.pending())
    return f"Sync Pending Now ({counts})" if counts else "Sync Pending Now"


SYNC_ACTIONS = (
    Action(
        "sync_pending", sync_label, sync_pending, "Sends everything that waits.", order=1, menu=SYNC_AND_CACHE,
        enabled=lambda core: bool(core.pending()), dispatcher="BookLore Sync: sync pending items",
    ),
    Action("sync_book", "Sync this book", sync_book, "Sends what waits of this book.", order=3, menu=LONG_PRESS),
)  # fmt: skip
