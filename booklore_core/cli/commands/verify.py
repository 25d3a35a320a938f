"""`booklore verify`: what was sent, compared with what the server holds."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer

from booklore_core.cli.acting import perform
from booklore_core.cli.errors import Refused
from booklore_core.cli.opening import opened
from booklore_core.cli.options import BOOK, Json
from booklore_core.cli.output import say, show, show_json, show_table


def verify(
    book: Annotated[str | None, typer.Option(metavar="BOOK", help=f"One book: {BOOK}")] = None,
    target: Annotated[str | None, typer.Option("--target", metavar="TARGET", help="One target.")] = None,
    resend: Annotated[bool, typer.Option("--resend", help="Let the next sync send what is missing.")] = False,
    as_json: Json = False,
) -> None:
    """Compare what was sent with what the server holds: is something missing, there twice, or overlapping?

    --json prints {"missing": […], "duplicate": […], "overlapping": […], "checked": n, "unavailable": {target: why}},
    with --resend "resent": n, "elsewhere": {target: [text]} where books were matched with others before, and
    "uncompared": {target: {kind: n}} for what cannot be compared. Ends with 1 when something was found or a target
    could not be asked.
    """
    with opened() as core:
        result = perform(core, "verify", book, {"resend": resend, "target": target})
    if result.data is None:
        raise Refused(result.message)
    if as_json:
        show_json(result.data)
    else:
        show_findings(result.data)
        show(result.message.partition("\n")[0])
    for note in result.message.splitlines()[1:]:
        say(note)
    if result.data.get("resent"):
        say(f"the next `booklore sync` sends {result.data['resent']} again")
    elif result.data.get("missing") and not resend:
        say("`booklore verify --resend` lets the next sync send again what is missing")
    if not result.ok:
        raise typer.Exit(1)


def show_findings(found: Mapping[str, Any]) -> None:
    rows = list(finding_rows(found))
    if rows:
        show_table(rows, "FOUND", "TARGET", "KIND", "BOOK…", "DETAIL")
        show("")


def finding_rows(found: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Advice stands below what was found, below the last one where it is the same for several."""
    rows = [(what, one) for what, those in found.items() if isinstance(those, list) for one in those]
    for index, (what, one) in enumerate(rows, start=1):
        is_last = index == len(rows) or rows[index][1]["advice"] != one["advice"]
        advice = f"→ {one['advice']}" if one["advice"] and is_last else ""
        detail = "\n".join(filter(None, (one["detail"], advice)))
        yield what, one["target"], one["kind"], one["book"], detail
