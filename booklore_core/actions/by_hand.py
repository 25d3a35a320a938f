"""Matching by hand: up to five of a target's books beside one of the reader's, until a person has chosen."""

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import product
from pathlib import PurePosixPath
from typing import Any

from booklore_core.core import Core
from booklore_core.flows import Ask, Choose, Question
from booklore_core.items import BookRef
from booklore_core.pipeline.gateway import Gateway
from booklore_core.targets import Candidate, Match

Steps = Generator[Question, Any, int]
By = Callable[[Core, Gateway, BookRef, str], Steps]
"""Matches one book below a heading. Returns 1 or 0."""

CANDIDATES = 5
EDIT, SKIP, CANCEL = "Edit title or enter an id", "Skip this book", "Cancel matching"
PROCEED, MANUAL = "Proceed", "Manual Match"
PERSON = "person"
"""How a match was found that a person has chosen."""


class Cancelled(Exception):
    """The person ended the matching."""


def match_by_hand(core: Core, target: Gateway, books: Sequence[BookRef], match: By | None = None) -> Steps:
    """One book after the other. match: how, by default from a list. Returns how many were matched."""
    matched = 0
    with suppress(Cancelled):
        for number, book in enumerate(books, start=1):
            heading = f"{number} of {len(books)}: {name_of(book)}"
            matched += yield from (match or choose_match)(core, target, book, heading)
    return matched


def offer_by_isbn(core: Core, target: Gateway, book: BookRef, heading: str) -> Steps:
    """The book of the same ISBN, if there is one, before those of a like title (seed import-and-matching)."""
    exact = (one for isbn in book.isbns for one in target.search(isbn, 1) if one.score == 1)
    found = next(exact, None)
    if found is None:
        return (yield from choose_match(core, target, book, heading))
    question = f"{heading}\nOf the same ISBN: {', '.join(map(one_line, (found.title, *found.authors)))}"
    answer = yield Choose(question, [PROCEED, MANUAL, SKIP], default=2, cancel=CANCEL)
    if answer is None:
        raise Cancelled("Not matched")
    if answer == 1:
        return (yield from choose_match(core, target, book, heading))
    return take_match(core, target, book, found) if answer == 0 else 0


def ask_title(core: Core, target: Gateway, book: BookRef, heading: str) -> Steps:
    """What to search for comes first: the title, which may be edited, or an id."""
    text = yield Ask(heading, value=title_of(book), skip=SKIP)
    if text is None:
        raise Cancelled("Not matched")
    return (yield from choose_match(core, target, book, heading, text)) if text.strip() else 0


def choose_match(core: Core, target: Gateway, book: BookRef, heading: str, text: str = "") -> Steps:
    """Up to five candidates for one book, until one is chosen or the book is skipped. text: what to search for, by
    default its title; a number that is not its title is an id. Returns 1 or 0."""
    while True:
        text = text.strip() or title_of(book)
        found = target.book(text) if text.isdigit() and text != title_of(book) else None
        if found:
            return take_match(core, target, book, found)
        candidates = beside(book, target.search(text, CANDIDATES))
        options = [*map(candidate_label, candidates), EDIT, SKIP, CANCEL]
        question = heading if candidates else f"{heading}\nNothing found for “{text}”"
        books = [(target.name, one.remote_id) for one in candidates]
        answer = yield Choose(question, options, default=len(options) - 2, cancel="", books=books)
        choice = CANCEL if answer is None else options[answer]
        if choice == CANCEL:
            raise Cancelled("Not matched")
        if choice == SKIP:
            return 0
        if choice != EDIT:
            return take_match(core, target, book, candidates[answer])
        text = (yield Ask(f"Title or id for “{name_of(book)}”", value=text)) or text


def beside(book: BookRef, candidates: Iterable[Candidate]) -> Sequence[Candidate]:
    """The candidates with what their authors say of them: other names cost up to a quarter of a score."""
    from rapidfuzz import fuzz, utils

    scored = []
    for one in candidates:
        pairs = product(book.authors, one.authors)
        alike = [fuzz.token_set_ratio(*pair, processor=utils.default_process) for pair in pairs]
        scored.append(replace(one, score=one.score * (0.75 + max(alike, default=100) / 400)))
    return sorted(scored, key=lambda one: -one.score)


def take_match(core: Core, target: Gateway, book: BookRef, candidate: Candidate) -> int:
    """Remembers a person's choice and sends what waited for it."""
    target.choose(replace(book, match=candidate.remote_id))
    match = Match(candidate.remote_id, PERSON, 1.0, candidate.title)
    core.books.match(book.partial_md5, target.name, match, core.clock())
    core.sync(target.name, book=book.partial_md5)
    return 1


def candidate_label(candidate: Candidate) -> str:
    """The score in front; the authors have a line of their own, whose direction may be another."""
    authors = f"\n{', '.join(map(one_line, candidate.authors))}" if candidate.authors else ""
    return f"{candidate.score * 100:.0f} % · {one_line(candidate.title)}{authors}"


def title_of(book: BookRef) -> str:
    return one_line(book.title or "") or PurePosixPath(book.file or "").stem or book.partial_md5


def name_of(book: BookRef) -> str:
    return f"{title_of(book)} – {', '.join(book.authors)}" if book.authors else title_of(book)


def one_line(text: str) -> str:
    """Titles hold newlines and runs of spaces (contract §2.5)."""
    return " ".join(text.split())
