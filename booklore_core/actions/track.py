"""Whether the reading of one book is recorded."""

from booklore_core.actions.books import WAITING, counts
from booklore_core.actions.by_hand import title_of
from booklore_core.actions.match import wanted_book
from booklore_core.actions.own import LONG_PRESS, action
from booklore_core.core import Core
from booklore_core.flows import Confirm, Flow, Request, Result


@action("Enable or disable tracking", "Whether reading of this book is recorded.", order=2, menu=LONG_PRESS)
def track_book(core: Core, request: Request) -> Flow:
    """Enable or disable tracking of one book. args: on, without it the switch flips; discard, true for a book
    of which nothing is ever to be sent: what waits of it is cleared, and nobody asks for its match any more."""
    book = wanted_book(core, request)
    is_never = bool(request.args.get("discard"))
    if is_never:
        waits = core.kinds.in_words(counts(core, WAITING)[book.partial_md5])
        text = f"Never send anything of {title_of(book)}? What waits is discarded, for good: {waits or 'nothing'}."
        if not (yield Confirm(text, ok="Never")):
            return Result("Nothing was changed", ok=False)
        core.outbox.clear(book.partial_md5, core.clock(), by="book_md5")
    wanted = not is_never and bool(request.args.get("on", not core.books.is_tracked(book.partial_md5)))
    core.books.track(book.partial_md5, wanted)
    data = {"book": book.partial_md5, "title": book.title, "tracked": wanted}
    return Result(f"{title_of(book)} is {'tracked' if wanted else 'not tracked'} from now on", data=data)
