"""`booklore track`: the switch of a single book."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from booklore_core.cli.errors import Refused
from booklore_core.cli.opening import opened
from booklore_core.cli.options import Json
from booklore_core.cli.output import show, show_json

if TYPE_CHECKING:
    from booklore_core.core import Core
    from booklore_core.items import BookRef


class Switch(StrEnum):
    ON = "on"
    OFF = "off"


def track(
    md5: Annotated[str, typer.Argument(help="The book's partial MD5, or the start of it.")],
    switch: Annotated[Switch, typer.Argument(metavar="on|off", help="Whether its reading is recorded from now on.")],
    as_json: Json = False,
) -> None:
    """Record the reading of a book, or stop doing so."""
    with opened() as core:
        book = find_book(core, md5)
        core.books.track(book.partial_md5, switch is Switch.ON)
    if as_json:
        show_json({"book": book.partial_md5, "title": book.title, "tracked": switch is Switch.ON})
    else:
        show(f"{book.title or book.partial_md5}: {'recorded' if switch is Switch.ON else 'not recorded'} from now on")


def find_book(core: "Core", start: str) -> "BookRef":
    """The one book whose partial MD5 begins with start. Raises Refused when there is none, or more than one."""
    found = core.books.find(start) if start.isalnum() else []
    if not found:
        raise Refused(f"no book is known whose partial MD5 begins with {start!r}")
    if len(found) > 1:
        raise Refused(f"{len(found)} books or more begin with {start!r}; give more digits")
    return found[0]
