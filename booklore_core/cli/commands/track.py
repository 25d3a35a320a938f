"""`booklore track`: the switch of a single book."""

from enum import StrEnum
from typing import Annotated

import typer

from booklore_core.cli.acting import insist, perform
from booklore_core.cli.errors import Refused
from booklore_core.cli.opening import opened
from booklore_core.cli.options import BOOK, Json, Yes
from booklore_core.cli.output import printable, show, show_json
from booklore_core.cli.terminal import agreed, person


class Switch(StrEnum):
    ON = "on"
    OFF = "off"


def track(
    book: Annotated[str, typer.Argument(help=BOOK.capitalize())],
    switch: Annotated[Switch, typer.Argument(metavar="on|off", help="Whether its reading is recorded from now on.")],
    discard: Annotated[
        bool, typer.Option("--discard", help="Never send anything of it: what waits is discarded, too.")
    ] = False,
    as_json: Json = False,
    yes: Yes = False,
) -> None:
    """Record the reading of a book, or stop doing so.

    Nobody asks for the match of a book any more that is off and of which nothing waits.
    """
    if discard and switch is Switch.ON:
        raise Refused("--discard goes with off")
    with opened() as core:
        args = {"on": switch is Switch.ON, "discard": discard}
        result = insist(perform(core, "track_book", book, args, agreed if yes else person(option="--yes")))
    if as_json:
        show_json(result.data)
    else:
        show(printable(result.message))
