"""Which remote book is which: automatic where it is certain, by hand where a person has to say."""

from collections.abc import Callable, Container, Generator, Mapping, Sequence
from typing import Any

from booklore_core.actions.by_hand import (
    Cancelled,
    Steps,
    choose_match,
    match_by_hand,
    name_of,
    offer_by_isbn,
    one_line,
    take_match,
)
from booklore_core.actions.own import LONG_PRESS, SYNC_AND_CACHE, action, counted
from booklore_core.core import Core
from booklore_core.flows import Choose, Confirm, Flow, Question, Request, Result
from booklore_core.items import BookRef
from booklore_core.kinds import quantity
from booklore_core.pipeline.gateway import Gateway
from booklore_core.settings import BadSetting
from booklore_core.targets import Declined, Match, MatchingTarget, SearchableTarget

WAYS = "give its title or a part of it, its partial MD5 or the beginning of it, or its path"


def targets_with(core: Core, part: type, name: str | None = None) -> list[Gateway]:
    """The enabled targets that have an optional part, or the one of that name if it has."""
    return [target for target in core.targets.values() if target.has(part) and name in (None, target.name)]


def ask_each(
    core: Core, part: type, ask: Callable[[Gateway], Steps]
) -> Generator[Question, Any, tuple[dict[str, int], dict[str, str]]]:
    """What each target that has a part comes to, and why those that declined did: after one the next is asked."""
    found, unavailable = dict[str, int](), dict[str, str]()
    for target in targets_with(core, part):
        try:
            with target.session():
                found[target.name] = yield from ask(target)
        except Declined as error:
            unavailable[target.name] = error.reason
    return found, unavailable


@action(
    lambda core: counted("Match Unmatched Books", core.count_books()["unmatched"]),
    "Finds your books on the server.", order=3, menu=SYNC_AND_CACHE,
    enabled=lambda core: core.count_books()["unmatched"] > 0,
)  # fmt: skip
def match_unmatched(core: Core, request: Request) -> Flow:
    """Match Unmatched Books: automatic first, then, if wanted, one book after the other by hand.

    args: auto, true for the automatic ones only.
    """
    found, unavailable = yield from ask_each(core, MatchingTarget, lambda target: match_at(core, target, request))
    left = {name: len(core.books.unmatched(name)) for name in found}
    lines = [f"{name}: {count} matched, {left[name]} still unmatched" for name, count in found.items()]
    lines += [f"{name}: {reason}" for name, reason in unavailable.items()]
    data = outcome(core, found, unavailable)
    ok = bool(found) and not unavailable and data["books"]["unmatched"] == 0
    return Result("\n".join(lines) or "No enabled target matches books", ok=ok, data=data)


def outcome(core: Core, found: Mapping[str, int], unavailable: Mapping[str, str]) -> dict[str, Any]:
    """What a matching came to. targets: how many were asked."""
    matched, targets = sum(found.values()), len(found) + len(unavailable)
    return {"matched": matched, "books": core.count_books(), "unavailable": unavailable, "targets": targets}


def match_at(core: Core, target: Gateway, request: Request, wanted: Container[str] | None = None) -> Steps:
    """Matches one target's books. wanted: the partial MD5s of the only ones; these are asked about without a question
    whether. Returns how many were matched. Raises Declined."""
    unmatched = unmatched_at(core, target, wanted)
    certain = target.match(unmatched) if unmatched else {}
    for md5, match in certain.items():
        core.books.match(md5, target.name, match, core.clock())
    found = len(certain)
    if found:
        core.sync(target.name, request.progress)
    left = unmatched_at(core, target, wanted)
    if not left or request.args.get("auto") or not target.has(SearchableTarget):
        return found
    if wanted is not None:
        return found + (yield from match_by_hand(core, target, left, offer_by_isbn))
    news = f"{quantity(found, 'book')} matched" if found else "No new matches found"
    question = f"{news} ({len(left)} still unmatched). Do you want to match the books by hand?"
    if not (yield Confirm(question, ok="Yes", cancel="No")):
        return found
    return found + (yield from match_by_hand(core, target, left))


def unmatched_at(core: Core, target: Gateway, wanted: Container[str] | None) -> list[BookRef]:
    return [book for book in core.books.unmatched(target.name) if wanted is None or book.partial_md5 in wanted]


def what_stays(core: Core, target: Gateway, book: BookRef, match: Match | None) -> str:
    """What the book of this match keeps when another one takes its place: nothing that was sent moves."""
    kept = core.books.given(book.partial_md5, target.name, match.remote_id) if match else {}
    verb = "stays" if sum(kept.values()) == 1 else "stay"
    return f"{core.kinds.in_words(kept)} {verb} with {title_of_match(match)}" if match and kept else ""


def title_of_match(match: Match) -> str:
    return one_line(match.title or f"book {match.remote_id}")


@action("Match book", "Matches this book by title or id.", order=1, menu=LONG_PRESS)
def match_book(core: Core, request: Request) -> Flow:
    """Match one book. args: id, the remote's, or a person chooses; target, its name; book, where there is no other."""
    book = wanted_book(core, request)
    possible = places_for(core, book, request.args.get("target"))
    if not possible:
        return Result("No enabled target can be searched", ok=False)
    question = f"Where do you want to match {name_of(book)}?"
    chosen = (yield Choose(question, [one.name for one in possible])) if len(possible) > 1 else 0
    if chosen is None:
        return Result("Not matched", ok=False)
    target = possible[chosen]
    try:
        with target.session():
            return (yield from match_one(core, target, book, request.args.get("id")))
    except (Cancelled, Declined) as error:
        return Result(str(error), ok=False)


def places_for(core: Core, book: BookRef, name: Any) -> Sequence[Gateway]:
    """The targets at which a person may match a book: the one that is named, else those that have no match of it yet.

    All of them when every one has. Raises BadSetting for a name that is none of theirs.
    """
    known = targets_with(core, SearchableTarget)
    named = [one for one in known if one.name == name]
    if name is not None and not named:
        names = ", ".join(one.name for one in known) or "none"
        raise BadSetting(f"no target {name!r} can be searched; those that can: {names}")
    return named or [one for one in known if book.partial_md5 not in core.books.matches(one.name)] or known


def match_one(core: Core, target: Gateway, book: BookRef, remote_id: Any) -> Flow:
    """What stays with the book that was matched before is told. Raises Cancelled, Declined."""
    known = match_of(core, target, book)
    if remote_id is None:
        question = f"{name_of(book)} is matched already at {target.name}. Re-match it?"
        if known and not (yield Confirm(question, ok="Re-match")):
            return Result("", data={"matched": 0})
        done = yield from choose_match(core, target, book, name_of(book))
        text = f"Matched at {target.name}" if done else "Not matched"
    else:
        candidate = target.book(str(remote_id))
        if candidate is None:
            return Result(f"{target.name} has no book {remote_id}", ok=False)
        done = take_match(core, target, book, candidate)
        text = f"{name_of(book)} is matched to {one_line(candidate.title)} ({candidate.remote_id}) at {target.name}"
    lines, matches = [text], core.books.matches(target.name)
    matched = matches.get(book.partial_md5)
    if known and matched != known.remote_id:
        lines += filter(None, [what_stays(core, target, book, known)])
    if done:
        lines += [f"{name_of(other)} is matched to it, too" for other in others_of(core, target, book, matched)]
    return Result("\n".join(lines), ok=bool(done), data={"matched": done})


def others_of(core: Core, target: Gateway, book: BookRef, remote_id: str | None) -> list[BookRef]:
    """The other books that are matched to the same one: what is read of each goes there."""
    others = [other for other, match in core.books.matched(target.name) if match.remote_id == remote_id]
    return [other for other in others if other.partial_md5 != book.partial_md5]


@action("Forget match", "Forgets which of the server's books this one is.", order=4, menu=LONG_PRESS)
def unmatch_book(core: Core, request: Request) -> Result:
    """Forget what a book is matched to. args: target, the only one; book, where there is no other."""
    book, name = wanted_book(core, request), request.args.get("target")
    known = {one: match_of(core, one, book) for one in core.targets.values() if name in (None, one.name)}
    told = []
    for target, match in known.items():
        if match:
            told += [f"{name_of(book)} is no longer matched to {title_of_match(match)} at {target.name}"]
            told += filter(None, [what_stays(core, target, book, match)])
            core.books.forget_match(book.partial_md5, target.name)
    data = {"book": book.partial_md5, "title": book.title, "unmatched": [one.name for one in known if known[one]]}
    where = f"at {name}" if name else "anywhere"
    return Result("\n".join(told) or f"{name_of(book)} is not matched {where}", ok=bool(told), data=data)


def match_of(core: Core, target: Gateway, book: BookRef) -> Match | None:
    """How a target's id of a book was found."""
    matched = core.books.matched(target.name)
    return next((match for other, match in matched if other.partial_md5 == book.partial_md5), None)


def wanted_book(core: Core, request: Request) -> BookRef:
    """The book that a request is about, as `Books.find` knows it. Raises BadSetting, listing them, for several."""
    text = str(request.book or request.args.get("book") or "")
    found = core.books.find(text)
    if len(found) == 1:
        return found[0]
    if found:
        listed = "; ".join(f"{name_of(book)}, {book.partial_md5}" for book in found)
        raise BadSetting(f"{text!r} may be one of several books, told apart by their partial MD5: {listed}")
    raise BadSetting(f"{f'no book is known as {text!r}: ' if text else 'which book? '}{WAYS}")
