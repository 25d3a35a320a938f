"""Re-match All Books in Cache: every match is found anew, and nothing is lost by it."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from booklore_core.actions.by_hand import PERSON, Steps, name_of
from booklore_core.actions.match import ask_each, outcome, title_of_match, what_stays
from booklore_core.actions.own import ADVANCED, action
from booklore_core.core import Core
from booklore_core.flows import Flow, Request, Result
from booklore_core.items import BookRef
from booklore_core.kinds import quantity
from booklore_core.pipeline.gateway import Gateway
from booklore_core.targets import Match, MatchingTarget, RematchingTarget, SearchableTarget

Known = Sequence[tuple[BookRef, Match]]


@action(
    "Re-match All Books in Cache", "For when the server's library was built anew and its ids changed.", order=1,
    menu=ADVANCED, enabled=lambda core: core.count_books()["total"] > 0,
)  # fmt: skip
def rematch_all(core: Core, request: Request) -> Flow:
    """Re-match All Books in Cache: finds every match anew; what a person matched stays while the server has that book.

    How many matches by hand stay is told, which are gone, and what stays with a book that was matched before. Nothing
    is forgotten at a target before it has answered. args: none.
    """
    lines: list[str] = []
    found, unavailable = yield from ask_each(core, MatchingTarget, lambda target: rematch_at(core, target, lines))
    core.sync(progress=request.progress)
    data = outcome(core, found, unavailable)
    lines += [f"{name}: {why}; its matches stay" for name, why in unavailable.items()]
    anew = f"{quantity(data['matched'], 'book')} matched anew"
    lines = [anew, *lines] if data["matched"] or not unavailable else lines
    return Result("\n".join(lines), ok=not unavailable, data=data)


def rematch_at(core: Core, target: Gateway, lines: list[str]) -> Steps:
    """Returns how many books are matched anew; what a person should know comes to lines. Raises Declined, with every
    match as it was."""
    yield from ()
    known = core.books.matched(target.name)
    still = still_matched(target, known)
    kept = {book.partial_md5 for book, match in known if match.how == PERSON} & still
    books = [book for book, _ in known if book.partial_md5 not in kept] + list(core.books.unmatched(target.name))
    anew = target.match(books) if books else {}
    lines += news(core, target, known, still, anew)
    if kept:
        by_hand = "1 match by hand stays" if len(kept) == 1 else f"{len(kept)} matches by hand stay"
        lines.append(f"{target.name}: {by_hand}")
    with core.database.writing():
        for book in books:
            if book.partial_md5 in anew:
                core.books.match(book.partial_md5, target.name, anew[book.partial_md5], core.clock())
            elif book.partial_md5 not in still:
                core.books.forget_match(book.partial_md5, target.name)
    return len(anew)


def still_matched(target: Gateway, known: Known) -> set[str]:
    """The partial MD5s of those books that the remote still has under their id. A target that cannot tell is asked for
    those that a person matched, one by one. Raises Declined."""
    if target.has(RematchingTarget):
        return target.begin_rematch([replace(book, match=match.remote_id) for book, match in known])
    by_hand = [(book, match) for book, match in known if match.how == PERSON]
    can_tell = target.has(SearchableTarget)
    return {book.partial_md5 for book, match in by_hand if not can_tell or target.book(match.remote_id)}


def news(core: Core, target: Gateway, known: Known, still: Collection[str], anew: Mapping[str, Match]) -> Iterator[str]:
    """What a person should know: which books that they chose are gone, and what stays with books that another one takes
    the place of."""
    for book, match in known:
        is_moved = anew.get(book.partial_md5, match).remote_id != match.remote_id
        if book.partial_md5 not in still and match.how == PERSON:
            other = f"has no book or another one as number {match.remote_id} than before"
            yield f"{target.name} {other}; {name_of(book)} was matched to that by hand, as {title_of_match(match)}"
        elif book.partial_md5 in still and is_moved and (stays := what_stays(core, target, book, match)):
            yield f"{name_of(book)} is matched to another book now; {stays}"
