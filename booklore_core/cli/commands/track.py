"""`booklore track`: the switch of a single book."""

from enum import StrEnum
from typing import Annotated

import typer

from booklore_core.cli.acting import perform
from booklore_core.cli.opening import opened
from booklore_core.cli.options import BOOK, Json
from booklore_core.cli.output import printable, show, show_json


class Switch(StrEnum):
    ON = "on"
    OFF = "off"


def track(
    book: Annotated[str, typer.Argument(help=BOOK.capitalize())],
    switch: Annotated[Switch, typer.Argument(metavar="on|off", help="Whether its reading is recorded from now on.")],
    as_json: Json = False,
) -> None:
    """Record the reading of a book, or stop doing so."""
    with opened() as core:
        result = perform(core, "track_book", book, {"on": switch is Switch.ON})
    if as_json:
        show_json(result.data)
    else:
        show(printable(result.message))
