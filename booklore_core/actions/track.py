"""Whether the reading of one book is recorded."""

from typing import TYPE_CHECKING

from booklore_core.actions.match import title_of, wanted_book
from booklore_core.actions.submenus import LONG_PRESS
from booklore_core.flows import Action, Flow, Request, Result

if TYPE_CHECKING:
    from booklore_core.core import Core


def track_book(core: "Core", request: Request) -> Flow:
    """Enable or disable tracking of one book; `on` in args says which, without it the switch flips."""
    yield from ()
    book = wanted_book(core, request)
    wanted = bool(request.args.get("on", not core.books.is_tracked(book.partial_md5)))
    core.books.track(book.partial_md5, wanted)
    data = {"book": book.partial_md5, "title": book.title, "tracked": wanted}
    return Result(f"{title_of(book)} is {'tracked' if wanted else 'not tracked'} from now on", data=data)


TRACK_BOOK = Action(
    "track_book", "Enable or disable tracking", track_book, "Whether reading of this book is recorded.", order=2,
    menu=LONG_PRESS,
)  # fmt: skip
