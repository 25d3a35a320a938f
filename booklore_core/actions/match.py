"""Which remote book is which: automatic where it is certain, by hand where a person has to say."""

import logging
from collections.abc import Generator, Sequence
from pathlib import PurePosixPath
from typing import Any

from booklore_core.core import Core, close
from booklore_core.flows import Action, Ask, Choose, Confirm, Flow, Question, Request, Result
from booklore_core.items import BookRef
from booklore_core.pipeline.gateway import check_matches
from booklore_core.settings import BadSetting
from booklore_core.targets import Candidate, Declined, Match, MatchingTarget, SearchableTarget

log = logging.getLogger(__name__)

Steps = Generator[Question, Any, int]
CANDIDATES = 5
CACHED = "SELECT (SELECT COUNT(*) FROM matches) AS matches, (SELECT COUNT(*) FROM files) AS files"
EDIT, SKIP, CANCEL = "Edit title or enter an id", "Skip this book", "Cancel matching"
SYNC_AND_CACHE = ("Sync & Cache",)
ADVANCED = (*SYNC_AND_CACHE, "Advanced")
LONG_PRESS = ("Long press",)
"""Actions of this menu appear when a file is held, not in the main menu."""


class Cancelled(Exception):
    """The person ended the matching."""


def matching_targets(core: Core) -> list[MatchingTarget]:
    return [target for target in core.targets.values() if isinstance(target, MatchingTarget)]


def match_certain(core: Core, target: MatchingTarget) -> int:
    """Matches what can be matched without a doubt. Returns how many books that are. Raises Declined."""
    books = core.books.unmatched(target.name)
    found = check_matches(target.match(books), books) if books else {}
    for md5, match in found.items():
        core.books.match(md5, target.name, match, core.clock())
    return len(found)


def match_unmatched(core: Core, request: Request) -> Flow:
    """Match Unmatched Books: automatic first, then, if wanted, one book after the other by hand.

    One target out of reach does not keep the others from it.
    """
    lines, unavailable = [], {}
    for target in matching_targets(core):
        try:
            lines.append((yield from match_at(core, target, bool(request.args.get("auto")))))
        except Declined as error:
            unavailable[target.name] = error.reason
            lines.append(f"{target.name}: {error.reason}")
        finally:
            close(target)
    books = core.status().books
    text = "\n".join(lines) or "No enabled target matches books"
    ok = bool(lines) and not unavailable and books["unmatched"] == 0
    return Result(text, ok=ok, data={"books": books, "unavailable": unavailable})


def match_at(core: Core, target: MatchingTarget, only_certain: bool) -> Generator[Question, Any, str]:
    """Matches one target's books. Returns what to tell. Raises Declined."""
    found = match_certain(core, target)
    if found:
        core.sync(target.name, keep_open=True)
    by_hand = yield from ask_by_hand(core, target, found, only_certain)
    return f"{target.name}: {found + by_hand} matched, {len(core.books.unmatched(target.name))} still unmatched"


def ask_by_hand(core: Core, target: MatchingTarget, found: int, only_certain: bool) -> Steps:
    """Whether to go on by hand, and if so, book by book. Returns how many were matched so."""
    left = core.books.unmatched(target.name)
    if not left or only_certain or not isinstance(target, SearchableTarget):
        return 0
    news = f"{found} books matched" if found else "No new matches found"
    question = f"{news} ({len(left)} still unmatched). Do you want to match the books by hand?"
    if not (yield Confirm(question, ok="Yes", cancel="No")):
        return 0
    return (yield from match_by_hand(core, target, left))


def match_by_hand(core: Core, target: SearchableTarget, books: Sequence[BookRef]) -> Steps:
    """One book after the other. Returns how many were matched."""
    matched = 0
    try:
        for number, book in enumerate(books, start=1):
            matched += yield from choose_match(core, target, book, f"{number} of {len(books)}: {name_of(book)}")
    except Cancelled:
        log.info("matching was cancelled after %d matches", matched)
    return matched


def choose_match(core: Core, target: SearchableTarget, book: BookRef, heading: str) -> Steps:
    """Up to five candidates for one book, until one is chosen or the book is skipped. Returns 1 or 0."""
    text = title_of(book)
    while True:
        candidates = list(target.search(text, CANDIDATES))
        options = [*map(candidate_label, candidates), EDIT, SKIP, CANCEL]
        question = heading if candidates else f"{heading}\nNothing found for “{text}”"
        answer = yield Choose(question, options, default=len(options) - 2)
        choice = CANCEL if answer is None else options[answer]
        if choice == CANCEL:
            raise Cancelled
        if choice == SKIP:
            return 0
        if choice != EDIT:
            return take_match(core, target, book, candidates[answer])
        wanted = yield Ask(f"Title or id for “{name_of(book)}”", value=text)
        found = find_by_id(target, wanted)
        if found:
            return take_match(core, target, book, found)
        text = wanted or text


def take_match(core: Core, target: SearchableTarget, book: BookRef, candidate: Candidate) -> int:
    """Remembers a person's choice and sends what waited for it."""
    match = Match(candidate.remote_id, "person", 1.0, candidate.title)
    core.books.match(book.partial_md5, target.name, match, core.clock())
    core.sync(target.name, keep_open=True)
    return 1


def find_by_id(target: SearchableTarget, text: str | None) -> Candidate | None:
    return target.book(text.strip()) if text and text.strip().isdigit() else None


def candidate_label(candidate: Candidate) -> str:
    author = f"\n{', '.join(candidate.authors)}" if candidate.authors else ""
    return f"{one_line(candidate.title)} ({candidate.score:.0%}){author}"


def title_of(book: BookRef) -> str:
    return one_line(book.title or "") or PurePosixPath(book.file or "").stem or book.partial_md5


def name_of(book: BookRef) -> str:
    return f"{title_of(book)} – {', '.join(book.authors)}" if book.authors else title_of(book)


def one_line(text: str) -> str:
    """Titles hold newlines and runs of spaces (contract §2.5)."""
    return " ".join(text.split())


def match_book(core: Core, request: Request) -> Flow:
    """Match one book: by the id in `args`, or by choosing."""
    book = wanted_book(core, request)
    targets = [target for target in matching_targets(core) if isinstance(target, SearchableTarget)]
    if not targets:
        return Result("No enabled target can be searched", ok=False)
    target, remote_id = targets[0], request.args.get("id")
    try:
        if remote_id is None:
            known = core.books.matches(target.name).get(book.partial_md5)
            if known and not (yield Confirm(f"{name_of(book)} is matched already. Re-match it?", ok="Re-match")):
                return Result("")
            done = yield from choose_match(core, target, book, name_of(book))
            return Result("Matched" if done else "Not matched", ok=bool(done))
        candidate = target.book(str(remote_id))
        if candidate is None:
            return Result(f"{target.name} has no book {remote_id}", ok=False)
        take_match(core, target, book, candidate)
        return Result(f"{name_of(book)} is matched to {one_line(candidate.title)} ({candidate.remote_id})")
    except Cancelled:
        return Result("Not matched", ok=False)
    except Declined as error:
        return Result(f"{target.name}: {error.reason}", ok=False)
    finally:
        close(target)


def wanted_book(core: Core, request: Request) -> BookRef:
    """The book that a request is about: a partial MD5 or its beginning. Raises BadSetting unless it means one book."""
    start = str(request.book or request.args.get("book") or "")
    found = core.books.find(start) if start else []
    if len(found) > 1:
        raise BadSetting(f"more than one book begins with {start!r}: give more digits")
    if not found:
        raise BadSetting(f"no book is known whose partial MD5 begins with {start!r}" if start else "which book?")
    return found[0]


def rematch_all(core: Core, request: Request) -> Flow:
    """Re-match All Books in Cache: forget every match, then find them anew."""
    yield from ()
    core.books.forget_matches()
    try:
        found = sum(match_certain(core, target) for target in matching_targets(core))
    except Declined as error:
        return Result(f"All matches were forgotten; they are found anew at the next sync ({error.reason})", ok=False)
    core.sync()
    return Result(f"{found} books matched anew", data=core.status().books)


def clear_cache(core: Core, request: Request) -> Flow:
    """Clear Cache: forgets matches and file paths. Identities, queues and what was synced stay."""
    yield from ()
    cleared = core.database.row(CACHED)
    core.books.forget_matches()
    core.books.forget_files()
    return Result("Cache cleared", data=cleared)


def match_label(core: Core) -> str:
    count = core.status().books["unmatched"]
    return f"Match Unmatched Books ({count})" if count else "Match Unmatched Books"


MATCH_ACTIONS = (
    Action(
        "match_unmatched", match_label, match_unmatched, "Finds your books on the server.", order=3,
        menu=SYNC_AND_CACHE, enabled=lambda core: core.status().books["unmatched"] > 0,
    ),
    Action(
        "clear_cache", "Clear Cache", clear_cache, "Forgets matches and file paths; nothing that waits is lost.",
        order=5, menu=SYNC_AND_CACHE, enabled=lambda core: core.status().books["total"] > 0,
    ),
    Action(
        "rematch_all", "Re-match All Books in Cache", rematch_all,
        "For when the server's library was built anew and its ids changed.", order=1, menu=ADVANCED,
        enabled=lambda core: core.status().books["total"] > 0,
    ),
    Action("match_book", "Match book", match_book, "Matches this book by title or id.", order=1, menu=LONG_PRESS),
)  # fmt: skip
