"""`booklore ingest`: takes spool files in."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from booklore_core.cli.errors import Refused
from booklore_core.cli.opening import opened
from booklore_core.cli.options import Json
from booklore_core.cli.output import say, show, show_json
from booklore_core.cli.progress import Move, bar
from booklore_core.cli.spool import Line, SpoolFile

if TYPE_CHECKING:
    from booklore_core.core import Core


def ingest(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Spool files, - for standard input.")],
    as_json: Json = False,
) -> None:
    """Take spool files in. Taking the same lines twice changes nothing. Ends with 1 when lines were rejected."""
    check_readable(files)
    outcome: dict[str, Any] = {"accepted": 0, "repeated": 0, "rejected": []}
    with opened() as core, bar() as move:
        for name in files:
            take_file(core, name, outcome, move)
    if len(files) == 1:
        for one in outcome["rejected"]:
            del one["file"]
    if as_json:
        show_json(outcome)
    else:
        show_outcome(outcome)
    if outcome["rejected"]:
        raise typer.Exit(1)


def check_readable(names: list[str]) -> None:
    """Raises Refused before anything is taken when one of the files cannot be read."""
    for name in names:
        if name == "-":
            continue
        try:
            Path(name).open("rb").close()
        except OSError as error:
            raise Refused(f"{name}: {error.strerror}") from error


def take_file(core: "Core", name: str, outcome: dict[str, Any], move: Move) -> None:
    with SpoolFile(name) as spool:
        for chunk in spool.chunks():
            take_chunk(core, name, chunk, outcome)
            move(name, *spool.progress)
    if spool.torn:
        say(f"{name}: line {spool.torn} is torn off; it is kept for the next hand-over")


def take_chunk(core: "Core", name: str, chunk: list[Line], outcome: dict[str, Any]) -> None:
    taken = core.take([line.text for line in chunk], name)
    outcome["accepted"] += len(taken.events)
    outcome["repeated"] += taken.repeated
    for rejected in taken.rejected:
        line = chunk[rejected.line - 1]
        outcome["rejected"].append({"file": name, "line": line.number, "error": line.fault or rejected.error})


def show_outcome(outcome: dict[str, Any]) -> None:
    show(f"{outcome['accepted']} lines taken, {outcome['repeated']} known already")
    for one in outcome["rejected"]:
        say(f"{one['file'] + ', ' if 'file' in one else ''}line {one['line']} rejected: {one['error']}")
