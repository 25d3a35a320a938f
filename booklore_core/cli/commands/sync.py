"""`booklore sync`: one delivery run."""

from typing import TYPE_CHECKING, Annotated

import typer

from booklore_core.cli.acting import STILL_WAITING, given, perform
from booklore_core.cli.at_rest import Rest
from booklore_core.cli.opening import opened
from booklore_core.cli.options import BOOK, Json
from booklore_core.cli.output import say, show_json
from booklore_core.cli.sync_view import Report, is_idle, show_report

if TYPE_CHECKING:
    from booklore_core.core import Core
    from booklore_core.kinds import Kinds


def sync(
    target: Annotated[str | None, typer.Option(help="Sync with this target only.", show_default="all")] = None,
    book: Annotated[str | None, typer.Option(metavar="BOOK", help=f"Sync one book: {BOOK}")] = None,
    as_json: Json = False,
) -> None:
    """Send everything that waits.

    Ends with 3 when something still waits, a question to you included, or was rejected, with 1 when a setting's value
    does not fit and was passed over.
    """
    rest = Rest()
    with opened() as core:
        result = perform(core, "sync_book" if book else "sync_pending", book, given(target=target))
        faults, kinds, asked = core.settings.faults(), core.kinds, result.data["asked"]
        lacking = lacks(core) if is_idle(result.data) else ""
        rest.look_around(core)
    is_left = result.data["waiting"] or result.data["rejected"]
    if as_json:
        show_json(result.data)
    elif not lacking:
        show_report(result.data, kinds)
    told = [lacking or (NOT_YET if asked else NOTHING)] if is_idle(result.data) else []
    if is_left:
        told.append(f"{what_is_left(result.data, kinds)}; see `booklore status`")
    if asked:
        waits = f"{asked} questions wait" if asked > 1 else "1 question waits"
        told.append(f"{waits} for your answer before anything is sent of it; `booklore answer` asks")
    for line in (*told, *(fault.text for fault in faults)):
        say(line)
    if is_left or asked or faults:
        raise typer.Exit(1 if faults else STILL_WAITING)
    if is_idle(result.data) and not (target or book):
        rest.keep(result.data, told[0], is_told=not lacking)


NOTHING = "nothing waited, so no server was asked"
NOT_YET = "nothing waited for a server, so none was asked"


def lacks(core: "Core") -> str:
    """What is missing where no target can do anything yet; "" where one can."""
    from booklore_core.actions.plugins import idle_note

    notes = {one.name: idle_note(core, core.plugins.plugins[one.plugin]) for one in core.targets.values() if one.kinds}
    told = "; ".join(f"{name} {note.removeprefix('it ')}" for name, note in notes.items())
    return f"nothing can be synced yet: {told}" if notes and all(notes.values()) else ""


def what_is_left(report: Report, kinds: "Kinds") -> str:
    """In one line, and why."""
    left, rejected = kinds.in_words(report["waiting"]), kinds.in_words(report["rejected"])
    parts = [f"{left} still waiting" if report["waiting"] else "", f"{rejected} rejected" if report["rejected"] else ""]
    return "; ".join([", ".join(filter(None, parts)), *report["reasons"]])
