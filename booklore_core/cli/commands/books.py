"""`booklore books` and `booklore unmatch`: what is known of your books, and how to have a match forgotten."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from booklore_core.cli.acting import given, insist, perform
from booklore_core.cli.opening import opened
from booklore_core.cli.options import BOOK, Json
from booklore_core.cli.output import printable, say, show, show_json, show_table

if TYPE_CHECKING:
    from booklore_core.kinds import Kinds


def books(
    text: Annotated[
        str, typer.Argument(metavar="TEXT", help="A part of the title, of an author's name or of the path.")
    ] = "",
    unmatched: Annotated[bool, typer.Option("--unmatched", help="Only books that wait for a match.")] = False,
    as_json: Json = False,
) -> None:
    """List your books: what each is matched to and how, what was read of it, and what waits."""
    from booklore_core.actions.books import list_books

    with opened() as core:
        found, kinds = list_books(core, text, unmatched), core.kinds
    if as_json:
        show_json(found)
    elif found:
        show_table([row(book, kinds) for book in found], "BOOK", "MATCHED TO", "KNOWN", "WAITING", "LAST READ")
    else:
        say(nothing_found(text, unmatched))


def nothing_found(text: str, unmatched: bool) -> str:
    if text:
        return f"no {'unmatched ' if unmatched else ''}book has {text!r} in its title, author or path"
    if unmatched:
        return "no book waits for a match"
    return "no book is known yet: open one on a device that `booklore bridge` has set up, or `booklore ingest` a spool"


def row(book: Mapping[str, Any], kinds: "Kinds") -> tuple[str, ...]:
    marks = [] if book["tracked"] else ["not tracked"]
    marks += ["deleted"] if book["deleted"] else []
    title = book["title"] or book["file"] or book["partial_md5"]
    name = " – ".join(filter(None, (title, ", ".join(book["authors"]))))
    matches = [
        f"{one['title'] or 'book'} ({one['id']}) at {target}, by {one['how']}"
        for target, one in book["matches"].items()
    ]
    known = kinds.in_words({kind.name: book[kind.many] for kind in kinds.values()})
    last = f"{datetime.fromisoformat(book['last_read']).astimezone():%Y-%m-%d}" if book["last_read"] else ""
    label = f"{name} ({', '.join(marks)})" if marks else name
    return label, "\n".join(matches) or "-", known or "-", kinds.in_words(book["waiting"]) or "-", last or "-"


def unmatch(
    book: Annotated[str, typer.Argument(metavar="BOOK", help=BOOK.capitalize())],
    target: Annotated[
        str | None, typer.Option("--target", metavar="NAME", help="Forget its match there only.", show_default="all")
    ] = None,
    as_json: Json = False,
) -> None:
    """Forget what a book is matched to. What was sent stays where it is.

    The next sync looks for the book anew; `booklore match BOOK ID` says which one it is.
    """
    with opened() as core:
        result = insist(perform(core, "unmatch_book", book, given(target=target)))
    if as_json:
        show_json(result.data)
    else:
        show(printable(result.message))
