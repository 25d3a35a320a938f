"""`booklore clear`: clears queues, histories and the book cache."""

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from booklore_core.cli.errors import Refused
from booklore_core.cli.opening import opened
from booklore_core.cli.options import Json, Yes
from booklore_core.cli.output import in_words, show, show_json
from booklore_core.cli.terminal import drive, is_interactive, run_flow

if TYPE_CHECKING:
    from booklore_core.core import Core
    from booklore_core.flows import Request, Result

CACHED = "SELECT (SELECT COUNT(*) FROM matches) AS matches, (SELECT COUNT(*) FROM files) AS files"


class Queue(StrEnum):
    SESSION = "session"
    ANNOTATION = "annotation"
    RATING = "rating"
    BOOKMARK = "bookmark"
    PROGRESS = "progress"
    DELETION = "deletion"


class History(StrEnum):
    SESSION = "session"
    ANNOTATION = "annotation"
    BOOKMARK = "bookmark"
    RATING = "rating"
    PROGRESS = "progress"


def kind_option(kinds: type[StrEnum]) -> Any:
    text = f"What to clear: {', '.join(kinds)}. May be repeated; without one you choose."
    return typer.Option("--kind", "-k", metavar="KIND", help=text)


Queues = Annotated[list[Queue] | None, kind_option(Queue)]
Histories = Annotated[list[History] | None, kind_option(History)]

app = typer.Typer(no_args_is_help=True, help="Clear what waits, what was synced, or the book cache.")


@app.command()
def pending(kind: Queues = None, as_json: Json = False, yes: Yes = False) -> None:
    """Discard what waits to be sent. There is no undo, and a later import does not bring it back.

    --yes discards everything, unless --kind says what. --json prints {"cleared": {kind: n}}.
    """
    clear("clear_pending", kind or (), yes, as_json, "cleared")


@app.command()
def synced(kind: Histories = None, as_json: Json = False, yes: Yes = False) -> None:
    """Forget the record of what was synced. The server keeps it, and nothing is sent again.

    --yes forgets everything, unless --kind says what. --json prints {"cleared": {kind: n}}.
    """
    clear("clear_synced", kind or (), yes, as_json, "cleared from the history")


@app.command()
def cache(as_json: Json = False) -> None:
    """Forget which books match and where their files lie. What waits and what was synced stays.

    --json prints {"cleared": {"matches": n, "files": n}}.
    """
    from booklore_core.actions import start
    from booklore_core.flows import Request

    with opened() as core:
        cleared = core.database.row(CACHED)
        result = run_flow(start(core, "clear_cache", Request()))
    if as_json:
        show_json({"cleared": cleared})
    else:
        show(result.message)


def clear(action: str, kinds: Sequence[str], yes: bool, as_json: bool, what: str) -> None:
    """Raises Refused when nobody says what to clear. what: what happened to the items."""
    from booklore_core.flows import Request

    if not (kinds or yes or is_interactive()):
        raise Refused("what shall be cleared? Give --kind, or --yes for everything")
    args = {"kinds": [str(kind) for kind in kinds]} if kinds else {}
    with opened() as core:
        result = carry_out(core, action, Request(args=args), everything=yes)
    if as_json:
        show_json({"cleared": result.data})
    else:
        show(f"{in_words(result.data)} {what}" if any(result.data.values()) else result.message)


def carry_out(core: "Core", action: str, request: "Request", everything: bool) -> "Result":
    """everything: the question what to clear is answered with what is preselected, which is all there is."""
    from booklore_core.actions import start

    flow = start(core, action, request)
    return drive(flow, lambda question: list(getattr(question, "chosen", ()))) if everything else run_flow(flow)
