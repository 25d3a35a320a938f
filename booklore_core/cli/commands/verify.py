"""`booklore verify`: what was sent, compared with what the server holds."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from booklore_core.cli.commands.track import find_book
from booklore_core.cli.errors import Refused
from booklore_core.cli.opening import opened
from booklore_core.cli.options import Json
from booklore_core.cli.output import say, show, show_json, show_table
from booklore_core.cli.progress import busy

if TYPE_CHECKING:
    from booklore_core.actions.verify import Verification
    from booklore_core.core import Core


def verify(
    book: Annotated[str | None, typer.Option(metavar="MD5", help="One book: its partial MD5, or the start.")] = None,
    resend: Annotated[bool, typer.Option("--resend", help="Let the next sync send what is missing.")] = False,
    as_json: Json = False,
) -> None:
    """Compare what was sent with what the server holds: is something missing, there twice, or overlapping?

    --json prints {"missing": […], "duplicate": […], "overlapping": […], "checked": n, "unavailable": {target: why}},
    and with --resend "resent": n. Ends with 1 when something was found or a target could not be asked.
    """
    with opened() as core:
        verification = compare(core, book)
        resent = send_again(core, verification) if resend else None
    if as_json:
        show_json({**verification.as_json(), **({} if resent is None else {"resent": resent})})
    else:
        show_findings(verification)
    for target, reason in verification.unavailable.items():
        say(f"{target}: {reason}")
    if resent is not None:
        say(f"the next `booklore sync` sends {resent} again")
    if not verification.is_clean:
        raise typer.Exit(1)


def compare(core: "Core", start: str | None) -> "Verification":
    """Raises Refused when no target can be looked into."""
    from booklore_core.actions.verify import verify as compare_all
    from booklore_core.targets import AuditableTarget

    if not any(isinstance(target, AuditableTarget) for target in core.targets.values()):
        raise Refused("no enabled target can be looked into; see `booklore plugins list`")
    md5 = find_book(core, start).partial_md5 if start else None
    with busy():
        return compare_all(core, md5)


def send_again(core: "Core", verification: "Verification") -> int:
    from booklore_core.actions.verify import resend

    return resend(core, verification)


def show_findings(verification: "Verification") -> None:
    if verification.findings:
        show_table(rows(verification), "FOUND", "TARGET", "KIND", "BOOK", "DETAIL")
        show("")
    counts = {what: len(found) for what, found in verification.as_json().items() if isinstance(found, list)}
    items = "1 item" if verification.checked == 1 else f"{verification.checked} items"
    show(f"{items} compared: " + ", ".join(f"{count} {what}" for what, count in counts.items()))


def rows(verification: "Verification") -> Iterator[tuple[str, ...]]:
    """Advice stands below what was found."""
    for target, finding in verification.findings:
        advice = f"→ {finding.advice}" if finding.advice else ""
        detail = "\n".join(filter(None, (finding.detail, advice)))
        yield finding.what, target, finding.kind, finding.book.title or finding.book.partial_md5, detail
