"""`booklore ingest`: takes spool files in."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from booklore_core.cli.errors import Refused
from booklore_core.cli.opening import opened
from booklore_core.cli.options import Json
from booklore_core.cli.output import say, show, show_json
from booklore_core.cli.progress import Activity

if TYPE_CHECKING:
    from booklore_core.core import Core
    from booklore_core.pipeline.spool import SpoolLine

MAX_LISTED = 1000
"""Rejected lines that are listed; every one is counted."""


@dataclass(frozen=True)
class RejectedLine:
    """A line that could not be taken in; lines count from 1."""

    file: str
    line: int
    error: str

    def as_json(self, name_file: bool) -> dict[str, Any]:
        return {**({"file": self.file} if name_file else {}), "line": self.line, "error": self.error}


@dataclass
class Tally:
    """What became of the lines. listed: the first of the rejected ones."""

    accepted: int = 0
    repeated: int = 0
    rejected: int = 0
    listed: list[RejectedLine] = field(default_factory=list)


def ingest(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Spool files, - for standard input.")],
    as_json: Json = False,
) -> None:
    """Take spool files in. Taking the same lines twice changes nothing.

    --json prints {"accepted": n, "repeated": n, "rejected": [{"line", "error"}]}, of several files each with its
    "file". Ends with 1 when lines were rejected; they are in quarantine, and the first 1,000 are listed.
    """
    check_readable(files)
    tally = Tally()
    activity = Activity()
    with opened() as core, activity.shown():
        for name in files:
            take_file(core, name, tally, activity)
    show_tally(tally, as_json, name_files=len(files) > 1)
    if tally.rejected:
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


def take_file(core: "Core", name: str, tally: Tally, activity: Activity) -> None:
    from booklore_core.pipeline.spool import SpoolFile

    with SpoolFile(name) as spool:
        for chunk in spool.chunks():
            take_chunk(core, name, chunk, tally)
            activity.tell(name, *spool.progress)
    if spool.torn:
        say(f"{name}: line {spool.torn} is torn off; it is kept for the next hand-over")


def take_chunk(core: "Core", name: str, chunk: "list[SpoolLine]", tally: Tally) -> None:
    taken = core.take([line.text for line in chunk], name)
    tally.accepted += taken.accepted
    tally.repeated += taken.repeated
    tally.rejected += len(taken.rejected)
    for rejected in taken.rejected[: MAX_LISTED - len(tally.listed)]:
        line = chunk[rejected.line - 1]
        tally.listed.append(RejectedLine(name, line.number, line.fault or rejected.error))


def show_tally(tally: Tally, as_json: bool, name_files: bool) -> None:
    if as_json:
        rejected = [one.as_json(name_files) for one in tally.listed]
        show_json({"accepted": tally.accepted, "repeated": tally.repeated, "rejected": rejected})
    else:
        show(f"{tally.accepted} lines taken, {tally.repeated} known already")
        for one in tally.listed:
            say(f"{one.file + ', ' if name_files else ''}line {one.line} rejected: {one.error}")
    if tally.rejected > len(tally.listed):
        say(f"{tally.rejected - len(tally.listed)} more lines were rejected, {tally.rejected} in all")
