"""`booklore sync`: one delivery run."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from booklore_core.cli.acting import STILL_WAITING, given, perform
from booklore_core.cli.opening import opened
from booklore_core.cli.options import BOOK, Json
from booklore_core.cli.output import say, show, show_json, show_table

if TYPE_CHECKING:
    from booklore_core.core import Core
    from booklore_core.kinds import Kinds

Report = Mapping[str, Any]
"""What `booklore sync --json` prints."""


def sync(
    target: Annotated[str | None, typer.Option(help="Sync with this target only.", show_default="all")] = None,
    book: Annotated[str | None, typer.Option(metavar="BOOK", help=f"Sync one book: {BOOK}")] = None,
    as_json: Json = False,
) -> None:
    """Send everything that waits.

    Ends with 3 when something still waits, a question to you included, or was rejected, with 1 when a setting's value
    does not fit and was passed over.
    """
    with opened() as core:
        result = perform(core, "sync_book" if book else "sync_pending", book, given(target=target))
        faults, kinds, asked = core.settings.faults(), core.kinds, result.data["asked"]
        lacking = lacks(core)
    is_left = result.data["waiting"] or result.data["rejected"]
    runs = result.data["targets"].values()
    is_idle = runs and not any(run[what] for run in runs for what in (*COUNTED, "unavailable"))
    if as_json:
        show_json(result.data)
    elif not (is_idle and lacking):
        show_report(result.data, kinds)
    if is_idle and lacking:
        say(lacking)
    elif is_idle:
        say("nothing waited for a server, so none was asked" if asked else "nothing waited, so no server was asked")
    if is_left:
        say(f"{what_is_left(result.data, kinds)}; see `booklore status`")
    if asked:
        waits = f"{asked} questions wait" if asked > 1 else "1 question waits"
        say(f"{waits} for your answer before anything is sent of it; `booklore answer` asks")
    for fault in faults:
        say(fault.text)
    if is_left or asked or faults:
        raise typer.Exit(1 if faults else STILL_WAITING)


COUNTED = ("delivered", "waiting", "rejected")


def lacks(core: "Core") -> str:
    """What is missing where no target can do anything yet; "" where one can."""
    from booklore_core.actions.plugins import idle_note

    notes = {one.name: idle_note(core, core.plugins.plugins[one.plugin]) for one in core.targets.values() if one.kinds}
    told = "; ".join(f"{name} {note.removeprefix('it ')}" for name, note in notes.items())
    return f"nothing can be synced yet: {told}" if notes and all(notes.values()) else ""


def show_report(report: Report, kinds: "Kinds") -> None:
    if not report["targets"]:
        show("No target is enabled; see `booklore plugins list`.")
        return
    rows = [
        (
            name,
            *(kinds.in_words(run[what]) or "-" for what in COUNTED),
            run["unavailable"] or "-",
        )
        for name, run in report["targets"].items()
    ]
    show_table(rows, "TARGET", "DELIVERED", "WAITING", "REJECTED", "UNAVAILABLE")


def what_is_left(report: Report, kinds: "Kinds") -> str:
    """In one line, and why."""
    left, rejected = kinds.in_words(report["waiting"]), kinds.in_words(report["rejected"])
    parts = [f"{left} still waiting" if report["waiting"] else "", f"{rejected} rejected" if report["rejected"] else ""]
    return "; ".join([", ".join(filter(None, parts)), *report["reasons"]])
