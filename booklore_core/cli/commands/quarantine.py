"""`booklore quarantine`: lines that could not be taken in."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from booklore_core.cli.acting import given, perform
from booklore_core.cli.errors import Refused
from booklore_core.cli.opening import opened
from booklore_core.cli.options import Json, Yes
from booklore_core.cli.output import say, show, show_json, show_table
from booklore_core.cli.status_view import local
from booklore_core.cli.terminal import chosen, is_interactive

Ids = Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="A line's number in the list.")]

app = typer.Typer(no_args_is_help=True, help="Look at lines that could not be taken in, try them again, put them away.")


@app.command("list")
def list_lines(as_json: Json = False) -> None:
    """List the lines that could not be taken in, the newest first.

    --json prints [{"id", "source", "device", "line", "field", "reason", "seen_at"}].
    """
    with opened() as core:
        result = perform(core, "list_quarantine")
    if as_json:
        show_json(result.data["lines"])
        return
    if not result.data["lines"]:
        show(result.message)
        return
    lines = [{**one, "seen_at": local(one["seen_at"])} for one in result.data["lines"]]
    rows = [[one[name] for name in ("id", "seen_at", "source", "field", "reason")] for one in lines]
    show_table(rows, "ID", "SEEN", "SOURCE", "FIELD", "WHAT IS WRONG")
    if any(one["field"] == "at" for one in result.data["lines"]):
        say("`booklore quarantine place ID… --at TIME` says when lines were written by a clock that was wrong")


@app.command()
def retry(ids: Ids = None, as_json: Json = False) -> None:
    """Try to take lines in again: those that are named, or all. They are also tried by every newer version.

    --json prints {"taken": n, "left": n}. Ends with 1 when one of them could not be taken in again.
    """
    end(run_on("retry_quarantine", ids), as_json)


@app.command()
def place(
    ids: Annotated[list[str], typer.Argument(metavar="ID...", help="Lines' numbers in the list.")],
    at: Annotated[
        str, typer.Option("--at", metavar="TIME", help="When the first was written, such as 2026-11-20T21:30.")
    ],
    insist: Annotated[bool, typer.Option("--insist", help="Take them in whatever other lines say.")] = False,
    as_json: Json = False,
) -> None:
    """Take lines in whose time nobody knows: the first was written at TIME, the others keep their distances to it.

    TIME is this computer's local time, unless a zone is given or a Z for UTC. Lines that were taken in before may have
    been written by a wrong clock: where they contradict TIME, --insist says that TIME is right all the same.

    --json prints {"taken": n, "left": n}. Ends with 1 when one of them cannot have been written then.
    """
    end(run_on("place_quarantine", ids, at=at, insist=insist or None), as_json)


@app.command()
def dismiss(
    ids: Ids = None,
    everything: Annotated[bool, typer.Option("--all", help="Put every line away.")] = False,
    as_json: Json = False,
    yes: Yes = False,
) -> None:
    """Put lines away for good: what they tell is lost. --json prints {"dismissed": n}."""
    if not ids and not everything:
        raise Refused("which lines? Give their IDs, see `booklore quarantine list`, or --all")
    if not ids and not (yes or is_interactive()):
        raise Refused("every line is put away for good: give --yes to say so")
    end(run_on("dismiss_quarantine", None if everything else ids, agrees=yes), as_json)


def run_on(action: str, ids: Sequence[str] | None, agrees: bool = False, **more: Any) -> Any:
    args = given(ids=[*map(as_number, ids)] if ids else None, **more)
    with opened() as core:
        return perform(core, action, args=args, reply=chosen if agrees else None)


def as_number(text: str) -> int:
    """Raises Refused for what is no line's number."""
    if not text.isdecimal() or len(text) > 18:
        raise Refused(f"{text}: expected a line's number, see `booklore quarantine list`")
    return int(text)


def end(result: Any, as_json: bool) -> None:
    if as_json:
        show_json(result.data)
    elif result.ok:
        show(result.message)
    if not result.ok:
        say(result.message)
        raise typer.Exit(1)
