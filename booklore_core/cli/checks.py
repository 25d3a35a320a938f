"""Shows the lines of a test, and ends the command with 1 when one of them failed."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import typer

from booklore_core.cli.output import show_json, show_table

if TYPE_CHECKING:
    from booklore_core.targets import Check


def report(checks: Iterable["Check"], as_json: bool) -> None:
    """Raises Exit with 1 unless all went well."""
    listed = list(checks)
    show_checks(listed, as_json)
    if not all(check.ok for check in listed):
        raise typer.Exit(1)


def show_checks(checks: Iterable["Check"], as_json: bool) -> None:
    if as_json:
        from booklore_core.actions import check_json

        show_json([check_json(check) for check in checks])
    else:
        show_table(map(row, checks), "", "CHECK", "DETAIL")


def row(check: "Check") -> tuple[str, str, str]:
    """Advice stands below what failed."""
    is_needed = check.advice and not check.ok and check.advice not in check.detail
    advice = f"→ {check.advice}" if is_needed else ""
    return "ok" if check.ok else "FAIL", check.check, "\n".join(filter(None, (check.detail, advice)))
