"""Whether the books of the server that the Lua plugin had found are the reader's, as far as that can be told.

It took the first book for an ISBN, numbers of books that are long gone, and those of others for books without a digest
(lua-plugin-behaviour §10 A7, B9, B10). Nothing that is sent to a wrong book can be taken back.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from booklore_core import BookRef, Declined, Match
from booklore_targets.booklore.book_types import type_of_file
from booklore_targets.booklore.candidates import stem_of
from booklore_targets.booklore.library import Listed, title_keys
from booklore_targets.booklore.lua_plugin.cached_books import CachedBook
from booklore_targets.booklore.lua_plugin.loose_values import one_line
from booklore_targets.booklore.proofs import Copy, Proofs
from booklore_targets.booklore.run import Run
from booklore_targets.booklore.titles import authors_agree, title_key

NAME, HOW = "booklore", "lua plugin"
SURE = 0.9
PROVING_SECONDS = 120
"""After that titles have to do."""

GONE = "The server has no book of number {} any more, with which the plugin had matched {}."
OTHER = "The server's book “{}” ({}) is another than {}, with which the plugin had matched it."
BETTER = "{} is “{}” ({}) on the server, and not number {}, as the plugin had it."

Tell = Callable[[int, int], object]
Wanted = Mapping[str, tuple[CachedBook, BookRef]]


@dataclass
class Checked:
    """By partial MD5. matches: those that hold. left_out: why the plugin's does not, in sentences. reason: why nothing
    could be checked, "" when it was."""

    matches: dict[str, Match] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    reason: str = ""


def check_matches(core: Any, wanted: Wanted, is_same_library: bool, tell: Tell) -> Checked:
    """wanted: partial MD5 → the plugin's book, and as we know it. Where the server cannot be asked its matches are
    believed, unless they are another server's."""
    checked = Checked()
    if not wanted:
        return checked
    try:
        with closing(Run(core.settings.section(NAME), core.store(NAME), time.time, time.sleep)) as run:
            run.connect()
            MatchCheck(run, checked, tell).check(wanted)
    except Declined as error:
        checked.reason = error.reason
        for md5, (book, _) in wanted.items() if is_same_library else ():
            if md5 not in checked.matches and len(book.ids) == 1:
                checked.matches[md5] = Match(book.ids[0], HOW, SURE, book.title)
    return checked


class MatchCheck:
    """Asks the server. First each book's own file is read, then the library is searched for those that are another's,
    and what is still in doubt has to have the book's name."""

    def __init__(self, run: Run, checked: Checked, tell: Tell) -> None:
        self._run, self._checked, self._tell = run, checked, tell
        self._proofs = Proofs(run.connection)
        self._until = time.monotonic() + PROVING_SECONDS

    def check(self, wanted: Wanted) -> None:
        """Raises Declined, with what was found until then."""
        listed = self._run.library.shelf().by_id
        doubtful: dict[str, tuple[CachedBook, BookRef]] = {}
        for done, (md5, (book, ref)) in enumerate(wanted.items()):
            self._tell(done, len(wanted))
            known = [listed[int(one)] for one in book.ids if int(one) in listed]
            proven = next((one for one in known if self._is_proven(ref, one)), None)
            if proven:
                self._take(md5, proven, "digest", 1.0)
            else:
                doubtful[md5] = (book, ref)
        self._proofs.remember()
        certain = self._run.matcher.match([ref for book, ref in doubtful.values() if not book.is_stand_in])
        for md5, (book, ref) in doubtful.items():
            self._judge(book, ref, [listed[int(one)] for one in book.ids if int(one) in listed], certain.get(md5))

    def _judge(self, book: CachedBook, ref: BookRef, known: list[Listed], certain: Match | None) -> None:
        named = [one for one in known if is_called(one, ref)]
        if certain and certain.how == "digest":
            self._checked.matches[book.md5] = certain
            told = (book.shown, one_line(certain.title or ""), certain.remote_id, book.ids[0])
            self._checked.left_out[book.md5] = BETTER.format(*told)
        elif named:
            self._take(book.md5, named[0], HOW, SURE)
        elif known:
            self._checked.left_out[book.md5] = OTHER.format(known[0].shown_title, known[0].id, book.shown)
        else:
            self._checked.left_out[book.md5] = GONE.format(book.ids[0], book.shown)

    def _take(self, md5: str, listed: Listed, how: str, sure: float) -> None:
        self._run.identities.note(listed, md5)
        self._checked.matches[md5] = Match(str(listed.id), how, sure, listed.title)

    def _is_proven(self, ref: BookRef, listed: Listed) -> bool:
        """Whether one of the book's files is the reader's very file."""
        book_type = type_of_file(ref.file)
        copies = [Copy(listed, file) for file in listed.files if book_type in (None, file.book_type)]
        return time.monotonic() < self._until and any(self._proofs.holds(ref, copy) for copy in copies)


def is_called(listed: Listed, ref: BookRef) -> bool:
    """Whether a book of the server has the name that the reader's goes by. The server may have written its own title
    and more into the file, so that its digest is another (contract §17)."""
    names = {title_key(ref.title), title_key(stem_of(ref))} - {""}
    return bool(names & title_keys(listed)) and authors_agree(listed.authors, ref.authors)
