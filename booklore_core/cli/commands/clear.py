"""`booklore clear`: clears queues, histories and the book cache."""

from typing import TYPE_CHECKING, Annotated

import typer

from booklore_core.cli.acting import perform
from booklore_core.cli.errors import Refused
from booklore_core.cli.opening import opened
from booklore_core.cli.options import Json, Yes
from booklore_core.cli.output import show, show_json
from booklore_core.cli.terminal import chosen, is_interactive

if TYPE_CHECKING:
    from booklore_core.flows import Result

Kinds = Annotated[
    list[str] | None,
    typer.Option("--kind", "-k", metavar="KIND", help="What to clear, such as session. May be repeated."),
]

app = typer.Typer(no_args_is_help=True, help="Clear what waits, what was synced, or the book cache.")


@app.command()
def pending(kind: Kinds = None, as_json: Json = False, yes: Yes = False) -> None:
    """Discard what waits to be sent. There is no undo, and a later import does not bring it back.

    --yes discards everything, unless --kind says what. --json prints {"cleared": {kind: n}}.
    """
    clear("clear_pending", kind, yes, as_json)


@app.command()
def synced(kind: Kinds = None, as_json: Json = False, yes: Yes = False) -> None:
    """Forget the record of what was synced. The server keeps it, and nothing is sent again.

    --yes forgets everything, unless --kind says what. --json prints {"cleared": {kind: n}}.
    """
    clear("clear_synced", kind, yes, as_json)


@app.command()
def cache(as_json: Json = False, yes: Yes = False) -> None:
    """Forget which books match and where their files lie. What waits and what was synced stays.

    --json prints {"cleared": {"matches": n, "files": n}}.
    """
    if not (yes or is_interactive()):
        raise Refused("this forgets which books match, also those matched by hand: give --yes to say so")
    with opened() as core:
        result = perform(core, "clear_cache", reply=chosen if yes else None)
    tell(result, as_json)


def clear(action: str, kinds: list[str] | None, yes: bool, as_json: bool) -> None:
    """Raises Refused when nobody says what to clear."""
    if not (kinds or yes or is_interactive()):
        raise Refused("what shall be cleared? Give --kind, or --yes for everything")
    with opened() as core:
        result = perform(core, action, args={"kinds": kinds} if kinds else {}, reply=chosen if yes else None)
    tell(result, as_json)


def tell(result: "Result", as_json: bool) -> None:
    """Ends with 1 when a person has thought better of it."""
    if as_json:
        show_json({"cleared": result.data})
    else:
        show(result.message)
    if not result.ok:
        raise typer.Exit(1)
