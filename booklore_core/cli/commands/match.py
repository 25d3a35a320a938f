"""`booklore match`: which of the server's books is which of yours."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from booklore_core.cli.acting import STILL_WAITING, given, insist, perform
from booklore_core.cli.errors import Refused
from booklore_core.cli.opening import opened
from booklore_core.cli.options import BOOK, Json, Yes
from booklore_core.cli.output import printable, say, show, show_json
from booklore_core.cli.terminal import is_interactive, person

if TYPE_CHECKING:
    from booklore_core.core import Core
    from booklore_core.flows import Result


BY_HAND = ", and `booklore match BOOK ID` for a book that you know on the server"


@dataclass(frozen=True)
class Matching:
    """What a matching came to. matched: how many books. waiting: what still waits. failed: it could not be done."""

    message: str
    matched: int
    books: dict[str, int]
    waiting: str
    failed: bool


def match(
    book: Annotated[str | None, typer.Argument(metavar="BOOK", help=f"One book: {BOOK}")] = None,
    remote_id: Annotated[
        str | None, typer.Argument(metavar="ID", help="The server's id of that book; without it you choose.")
    ] = None,
    target: Annotated[
        str | None, typer.Option("--target", metavar="NAME", help="Where to match BOOK, when several can be meant.")
    ] = None,
    auto: Annotated[bool, typer.Option("--auto", help="Match what is certain, ask nothing.")] = False,
    as_json: Json = False,
    yes: Yes = False,
) -> None:
    """Match books with the server's: those that are certain first, then the others by hand.

    Items of a matched book are sent at once. Without a terminal, and with --auto or --yes, only certain books are
    matched. --json prints {"matched": n, "unmatched": n, "books": {"total", "matched", "unmatched"}}: how many this
    run matched, how many still are not, and the whole.

    Ends with 3 when items still wait, with 1 when the server is out of reach or has no such book.
    """
    may_ask = not (auto or yes)
    with opened() as core:
        if book:
            matching = match_one(core, book, given(id=remote_id, target=target), may_ask and is_interactive())
        else:
            matching = match_all(core, auto, may_ask)
    show_matching(matching, as_json)


def match_all(core: "Core", auto: bool, may_ask: bool) -> Matching:
    result = perform(core, "match_unmatched", args={"auto": auto}, reply=person(may_ask=may_ask))
    return conclude(core, result, failed=bool(result.data["unavailable"]) or not result.data["targets"])


def match_one(core: "Core", book: str, args: dict[str, str], may_ask: bool) -> Matching:
    """Raises Refused when the book is not matched."""
    from booklore_core.actions.by_hand import name_of
    from booklore_core.actions.match import wanted_book
    from booklore_core.flows import Request

    if "id" not in args and not may_ask:
        known = wanted_book(core, Request(book))
        advice = f"give its id there: `booklore match {known.partial_md5} ID`"
        raise Refused(f"which book of the server is {name_of(known)}? Without a terminal, {advice}")
    return conclude(core, insist(perform(core, "match_book", book, args, person() if may_ask else needs_target)))


def needs_target(question: Any) -> Any:
    """With the id given there is one question left. Raises Refused with the option that answers it."""
    raise Refused(f"{question.text} Give --target: {' or '.join(question.options)}")


def conclude(core: "Core", result: "Result", failed: bool = False) -> Matching:
    waiting = core.kinds.in_words(core.pending())
    return Matching(result.message, result.data["matched"], core.count_books(), waiting, failed)


def show_matching(matching: Matching, as_json: bool) -> None:
    """Ends the command with 1 when its work could not be done, with 3 when items still wait."""
    if as_json:
        show_json({"matched": matching.matched, "unmatched": matching.books["unmatched"], "books": matching.books})
    elif matching.message and not matching.failed:
        show(printable(matching.message))
    if matching.failed:
        say(matching.message)
        raise typer.Exit(1)
    if matching.waiting:
        say(f"{matching.waiting} still waiting; see `booklore status`{BY_HAND if matching.books['unmatched'] else ''}")
        raise typer.Exit(STILL_WAITING)
