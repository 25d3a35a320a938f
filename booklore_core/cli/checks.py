"""Shows the lines of an examination, and ends the command with 1 when one of them failed."""

from collections.abc import Iterable, Mapping
from typing import Any

import typer

from booklore_core.cli.output import show_json, show_table

Line = Mapping[str, Any]
"""check, ok, detail, advice."""


def report(checks: Iterable[Line], as_json: bool) -> None:
    """Raises Exit with 1 unless all went well."""
    listed = list(checks)
    show_checks(listed, as_json)
    if not all(check["ok"] for check in listed):
        raise typer.Exit(1)


def show_checks(checks: Iterable[Line], as_json: bool) -> None:
    if as_json:
        show_json(list(checks))
    else:
        show_table(map(as_row, checks), "", "CHECK", "DETAIL")


def as_row(check: Line) -> tuple[str, str, str]:
    """Advice stands below; what is no failure and has some is a note that waits for a person."""
    is_needed = check["advice"] and check["advice"] not in check["detail"]
    advice = f"→ {check['advice']}" if is_needed else ""
    mark = "FAIL" if not check["ok"] else "note" if check["advice"] else "ok"
    return mark, check["check"], "\n".join(filter(None, (check["detail"], advice)))
