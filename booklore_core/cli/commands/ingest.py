"""`booklore ingest`: takes spool files in."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import typer

from booklore_core.cli.acting import GOES_ON
from booklore_core.cli.errors import Stopped
from booklore_core.cli.opening import opened
from booklore_core.cli.options import Json
from booklore_core.cli.output import say, show, show_json
from booklore_core.cli.progress import Activity
from booklore_core.kinds import quantity

if TYPE_CHECKING:
    from booklore_core.cli.spool_files import SpoolLine
    from booklore_core.core import Core
    from booklore_core.pipeline.ingest import Taken

MAX_LISTED = 1000
"""Rejected lines that are listed; every one is counted."""


@dataclass(frozen=True)
class RejectedLine:
    """A line that could not be taken in; lines count from 1."""

    file: str
    line: int
    field: str
    reason: str

    def as_json(self, name_file: bool) -> dict[str, Any]:
        return {
            **({"file": self.file} if name_file else {}),
            "line": self.line,
            "error": f"{self.field}: {self.reason}",
        }


@dataclass
class Tally:
    """What became of the lines. listed: the first of the rejected ones."""

    accepted: int = 0
    repeated: int = 0
    rejected: int = 0
    listed: list[RejectedLine] = field(default_factory=list)


def ingest(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE...", help="Spool files or folders of them, - for standard input.")
    ],
    as_json: Json = False,
) -> None:
    """Take spool files in; a folder stands for its files in their order. Taking the same lines twice changes nothing,
    after a `reset` neither: what a target has from before is looked for there.

    --json prints {"accepted": n, "repeated": n, "rejected": [{"line", "error"}]}, of several files each with its
    "file". Ends with 1 when lines were rejected; they are in quarantine, and the first 1,000 are listed.
    """
    from booklore_core.bridge.standing import note_targets
    from booklore_core.cli.spool_files import spool_files

    spools = spool_files(files)
    tally = Tally()
    activity = Activity()
    try:
        with opened() as core, activity.shown():
            for spool in spools:
                take_spool(core, spool, tally, activity)
            note_targets(core)
    except KeyboardInterrupt:
        taken = f"{quantity(tally.accepted, 'line')} taken, {tally.repeated} known already"
        raise Stopped(f"stopped: {taken}; {GOES_ON}") from None
    show_tally(tally, as_json, name_files=sum(map(len, spools)) > 1)
    if tally.rejected:
        raise typer.Exit(1)


def take_spool(core: "Core", names: list[str], tally: Tally, activity: Activity) -> None:
    """Takes in what one device wrote: a file, or the files of its folder."""
    from booklore_core.cli.spool_files import SpoolFile, stamps_in

    devices: dict[str, str] = {}
    known = core.boots_of(stamps_in(names))
    for name in names:
        with SpoolFile(name) as file:
            for chunk in file.chunks():
                taken = core.take([line.text for line in chunk], name, devices, known)
                devices = taken.devices
                count(taken, name, chunk, tally)
                activity.tell(name, *file.progress)
        if file.torn:
            say(f"{name}: line {file.torn} is torn off; it is kept for the next hand-over")


def count(taken: "Taken", name: str, chunk: "list[SpoolLine]", tally: Tally) -> None:
    tally.accepted += taken.accepted
    tally.repeated += taken.repeated
    tally.rejected += len(taken.rejected)
    for rejected in taken.rejected[: MAX_LISTED - len(tally.listed)]:
        line = chunk[rejected.line - 1]
        tally.listed.append(RejectedLine(name, line.number, rejected.field, line.fault or rejected.reason))


def show_tally(tally: Tally, as_json: bool, name_files: bool) -> None:
    if as_json:
        rejected = [one.as_json(name_files) for one in tally.listed]
        show_json({"accepted": tally.accepted, "repeated": tally.repeated, "rejected": rejected})
    else:
        show(f"{quantity(tally.accepted, 'line')} taken, {tally.repeated} known already")
        for one in tally.listed:
            say(f"{one.file + ', ' if name_files else ''}line {one.line} rejected: {one.reason}")
    if tally.rejected > len(tally.listed):
        more = quantity(tally.rejected - len(tally.listed), "more line was", "more lines were")
        say(f"{more} rejected, {tally.rejected} in all")
