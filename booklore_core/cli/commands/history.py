"""`booklore history`: years of past reading out of a file, once, and to the server (Import & Matching)."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from booklore_core.cli.acting import STILL_WAITING, insist, perform
from booklore_core.cli.errors import Refused
from booklore_core.cli.opening import opened
from booklore_core.cli.options import Json, Yes
from booklore_core.cli.output import printable, say, show, show_json
from booklore_core.cli.terminal import agreed, is_interactive, person
from booklore_core.kinds import quantity

if TYPE_CHECKING:
    from booklore_core.core import Core
    from booklore_core.flows import Result

NOTHING_YET = (
    "no past reading was taken in yet: `booklore history extract FILE` takes it out of KOReader's statistics, "
    "`booklore import-lua-plugin FILE` out of the BookLore plugin's database"
)
BY_ID = "run it in a terminal, or match each by its number on the server: `booklore match BOOK ID`"

app = typer.Typer(no_args_is_help=True, help="Import past reading: extract, match, then look at the statistics.")


@app.command()
def extract(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="KOReader's statistics.sqlite3, or a copy of it.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what is new.")] = False,
    as_json: Json = False,
    yes: Yes = False,
) -> None:
    """Take in what KOReader's statistics tell of past reading. The file is only read.

    Time that is known already, from the e-reader or from an earlier import, is not counted again. --json prints
    {"new": {kind: n}, "books": n, "added": n, "first", "last", "remarks": [text]}.
    """
    finish(run("extract_history", yes, {"path": str(file), "dry_run": dry_run}), as_json)


@app.command()
def match(
    auto: Annotated[bool, typer.Option("--auto", help="Match what is certain, ask nothing.")] = False,
    as_json: Json = False,
    yes: Yes = False,
) -> None:
    """Send what is matched, then match the other books: those that are certain first, then by hand.

    Ends with 3 when items still wait.
    """
    finish(run("match_history", yes, {"auto": auto or yes}, of_past=True), as_json, may_wait=True)


@app.command()
def stats(as_json: Json = False) -> None:
    """How much of the past reading is matched and synced.

    --json prints {"total", "matched", "unmatched", "synced"}: sessions.
    """
    finish(run("history_stats"), as_json)


@app.command()
def resync(as_json: Json = False, yes: Yes = False) -> None:
    """Ask the server for all that was synced of the past, and send what it does not have any more.

    For when its library was reset. Ends with 3 when items still wait.
    """
    outcome = run("resync_history", yes, of_past=True)
    if not outcome[0].data["asked"]:
        say("nothing of your past reading stood as synced any more; what waited was sent as by `booklore sync`")
    finish(outcome, as_json, may_wait=True)


@app.command("sync-rematched")
def sync_rematched(as_json: Json = False) -> None:
    """Send what waited for its book to be matched anew. Ends with 3 when items still wait."""
    finish(run("sync_rematched", of_past=True), as_json, may_wait=True)


ASKS = "`booklore history manual-match` asks about each"
LOOKS = "`booklore history match` looks for what is certain, and asks about the others"


@app.command("manual-match")
def manual_match(as_json: Json = False) -> None:
    """Match every book that has no match, one after the other, by title or id. Ends with 3 when items still wait."""
    finish(run("manual_match"), as_json, may_wait=True)


def run(
    action: str, yes: bool = False, args: dict[str, Any] | None = None, of_past: bool = False
) -> tuple["Result", str]:
    """What an action comes to, and what waits after it. of_past: whether it is about past reading that was taken in;
    where there is none, that is said. Raises Refused when it could not do its work."""
    with opened() as core:
        if of_past and not core.outbox.has_imports():
            say(NOTHING_YET)
            yes = True  # there is nothing to agree to
        if action == "manual_match" and not yes:
            refuse_without_a_person(core)
        result = perform(core, action, args=args, reply=agreed if yes else person(option="--yes"))
        unmatched = core.count_books()["unmatched"]
        waiting = core.kinds.in_words(core.pending())
        is_asked = not (result.data or {}).get("unavailable")
        if waiting and unmatched and is_asked and action != "manual_match":
            have = "1 book has" if unmatched == 1 else f"{unmatched} books have"
            say(f"{have} no match yet: {ASKS if action == 'match_history' else LOOKS}")
        return (result if result.data is not None else insist(result)), waiting


def refuse_without_a_person(core: "Core") -> None:
    """Raises Refused where books are to be matched by hand and nobody is there to choose."""
    unmatched = core.count_books()["unmatched"]
    if not unmatched:
        say("no book is without its match")
    elif not is_interactive():
        raise Refused(f"{quantity(unmatched, 'book')} to match, and nobody is here to choose; {BY_ID}")


def finish(outcome: tuple["Result", str], as_json: bool, may_wait: bool = False) -> None:
    result, waiting = outcome
    if as_json:
        show_json(result.data)
    else:
        show(printable(result.message))
    for target, reason in (result.data.get("unavailable") or {}).items() if may_wait and as_json else ():
        say(f"{target}: {reason}")
    if may_wait and waiting:
        say(f"{waiting} still waiting; see `booklore status`")
        raise typer.Exit(STILL_WAITING)
