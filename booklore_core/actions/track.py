"""Whether the reading of one book is recorded."""

from booklore_core.actions.by_hand import title_of
from booklore_core.actions.match import wanted_book
from booklore_core.actions.own import LONG_PRESS, action
from booklore_core.core import Core
from booklore_core.flows import Request, Result


@action("Enable or disable tracking", "Whether reading of this book is recorded.", order=2, menu=LONG_PRESS)
def track_book(core: Core, request: Request) -> Result:
    """Enable or disable tracking of one book. args: on, without it the switch flips."""
    book = wanted_book(core, request)
    wanted = bool(request.args.get("on", not core.books.is_tracked(book.partial_md5)))
    core.books.track(book.partial_md5, wanted)
    data = {"book": book.partial_md5, "title": book.title, "tracked": wanted}
    return Result(f"{title_of(book)} is {'tracked' if wanted else 'not tracked'} from now on", data=data)
