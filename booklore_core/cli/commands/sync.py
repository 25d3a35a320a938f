"""`booklore sync`: one delivery run."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from booklore_core.cli.commands.track import find_book
from booklore_core.cli.opening import opened
from booklore_core.cli.options import Json
from booklore_core.cli.output import in_words, say, show, show_json, show_table
from booklore_core.cli.progress import bar

if TYPE_CHECKING:
    from booklore_core.core import Report

STILL_WAITING = 3


def sync(
    target: Annotated[str | None, typer.Option(help="Sync with this target only.", show_default="all")] = None,
    book: Annotated[
        str | None, typer.Option(metavar="MD5", help="Sync one book: its partial MD5, or the start.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Send everything that waits. Ends with 3 when something still waits afterwards."""
    with opened() as core, progress() as on_progress:
        md5 = find_book(core, book).partial_md5 if book else None
        report = core.sync(target, on_progress, book=md5)
    show_report(report, as_json)
    if not report.is_complete:
        explain(report)
        raise typer.Exit(STILL_WAITING)


@contextmanager
def progress() -> Iterator[Callable[[str, int, int], None]]:
    with bar() as move:
        yield lambda target, done, total: move(target, done, total)


def show_report(report: "Report", as_json: bool) -> None:
    from booklore_core.actions import report_json

    if as_json:
        show_json(report_json(report))
        return
    if not report.runs:
        show("No target is enabled; see `booklore plugins list`.")
        return
    rows = [
        (run.target, in_words(run.delivered), in_words(run.waiting), in_words(run.rejected), run.unavailable or "-")
        for run in report.runs
    ]
    show_table(rows, "TARGET", "DELIVERED", "WAITING", "REJECTED", "UNAVAILABLE")


def explain(report: "Report") -> None:
    """One line about what is left, and why."""
    left = {kind: count for kind, count in report.total("waiting").items() if count}
    parts = [f"{in_words(left)} still waiting" if left else ""]
    rejected = report.total("rejected")
    parts += [f"{in_words(rejected)} rejected" if rejected else ""]
    reasons = [f"{target}: {reason}" for target, reason in report.unavailable.items()]
    text = "; ".join([", ".join(part for part in parts if part), *reasons])
    say(f"{text}; see `booklore status`")
