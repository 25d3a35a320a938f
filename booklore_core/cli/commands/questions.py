"""`booklore answer`: what a person is asked before it is synced."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from booklore_core.cli.acting import STILL_WAITING, perform
from booklore_core.cli.errors import Refused
from booklore_core.cli.opening import opened
from booklore_core.cli.options import Json
from booklore_core.cli.output import printable, show, show_json
from booklore_core.cli.terminal import is_interactive

if TYPE_CHECKING:
    from booklore_core.flows import Question


def answer(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Say yes to every question.")] = False,
    no: Annotated[bool, typer.Option("--no", "-n", help="Say no to every question.")] = False,
    as_json: Json = False,
) -> None:
    """Answer what you are asked before it is synced, such as whether most of a book's highlights shall go.

    Yes sends it with the next sync, no drops it for good, Return alone lets it wait.

    --json prints {"taken": n, "dropped": n, "waiting": n}: changes that are synced and dropped, questions that wait.
    Without --yes, --no and a person it answers none; it ends with 3 when some wait.
    """

    def settled(question: "Question") -> Any:
        if as_json and not (yes or no):
            return None
        if yes == no:
            raise Refused(f"{question.text} Give --yes or --no")
        return 0 if yes else 1

    with opened() as core:
        result = perform(core, "answer_questions", reply=None if is_interactive() and not (yes or no) else settled)
    if not as_json:
        show(printable(result.message))
        return
    show_json(result.data)
    if result.data["waiting"]:
        raise typer.Exit(STILL_WAITING)
