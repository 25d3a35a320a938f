"""Books by partial MD5: the files they were seen as, the tracking switch, the stars, and their matches per target."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from booklore_core.events import Book
from booklore_core.items import BookRef
from booklore_core.storage.database import Database
from booklore_core.targets import Match

KEEP = """
INSERT INTO books
    (partial_md5, title, authors, isbn, size, language, pages, tracked, stars_known, created_at, updated_at)
VALUES (:partial_md5, :title, :authors, :isbn, :size, :language, :pages, 1, 0, :now, :now)
ON CONFLICT (partial_md5) DO UPDATE SET
    title = COALESCE(excluded.title, books.title), isbn = COALESCE(excluded.isbn, books.isbn),
    authors = CASE WHEN excluded.authors = '[]' THEN books.authors ELSE excluded.authors END,
    size = COALESCE(excluded.size, books.size), language = COALESCE(excluded.language, books.language),
    pages = COALESCE(excluded.pages, books.pages), updated_at = excluded.updated_at
"""
SEEN = """
INSERT INTO files (device, path, book_md5, size, seen_at, gone) VALUES (:device, :path, :book_md5, :size, :at, :gone)
ON CONFLICT (device, path) DO UPDATE SET book_md5 = excluded.book_md5, size = excluded.size,
    seen_at = excluded.seen_at, gone = excluded.gone WHERE excluded.seen_at >= files.seen_at
"""
GONE = "UPDATE files SET gone = 1 WHERE device = :device AND book_md5 = :book_md5"
FILE = """(SELECT f.path FROM files f WHERE f.book_md5 = b.partial_md5
    ORDER BY f.gone, f.seen_at DESC, f.id DESC LIMIT 1)"""
BOOK = f"SELECT b.*, {FILE} AS file FROM books b"
LISTED = f"""SELECT b.*, {FILE} AS file, (SELECT MIN(f.gone) FROM files f WHERE f.book_md5 = b.partial_md5) AS gone,
    (SELECT MAX(e.at) FROM events e WHERE e.book_md5 = b.partial_md5) AS told_at,
    (SELECT MAX(i.occurred_at) FROM items i WHERE i.book_md5 = b.partial_md5) AS happened_at FROM books b"""
UNTRACKED = "SELECT partial_md5 FROM books WHERE tracked = 0 ORDER BY updated_at DESC LIMIT 500"
SEEN_AS = "SELECT partial_md5, title, size FROM books WHERE partial_md5 IN :ids"
MOST_FOUND = 12
OTHER_BOOK = "the digest is that of “{}” ({} bytes), and this line is about “{}” ({} bytes), which is another file"
STARS = "SELECT partial_md5, tracked, stars_shown FROM books WHERE partial_md5 IN :ids"
KEEP_STARS = "UPDATE books SET stars_shown = :shown WHERE partial_md5 = :md5"
OWED = "b.partial_md5 IN (SELECT book_md5 FROM owed WHERE target = :target)"
UNMATCHED_ANYWHERE = """(b.partial_md5 NOT IN (SELECT book_md5 FROM matches)
    AND b.partial_md5 IN (SELECT book_md5 FROM files WHERE gone = 0 AND b.tracked = 1
        UNION SELECT book_md5 FROM owed))"""
UNMATCHED = """ WHERE b.partial_md5 NOT IN (SELECT book_md5 FROM matches WHERE target = :target) AND {which}
    ORDER BY b.updated_at DESC, b.id DESC"""
MATCHED = f"""SELECT b.*, {FILE} AS file, m.remote_id AS match, m.how AS how, m.sure AS sure, m.title AS match_title
    FROM matches m JOIN books b ON b.partial_md5 = m.book_md5 WHERE m.target = :target ORDER BY b.updated_at DESC"""
MATCH = """
INSERT INTO matches (book_md5, target, remote_id, how, sure, title, matched_at)
VALUES (:book_md5, :target, :remote_id, :how, :sure, :title, :now)
ON CONFLICT (book_md5, target) DO UPDATE SET remote_id = excluded.remote_id, how = excluded.how, sure = excluded.sure,
    title = excluded.title, matched_at = excluded.matched_at
"""
GIVEN = """SELECT i.kind AS kind, COUNT(*) AS count FROM items i JOIN deliveries d ON d.item_id = i.id
    WHERE i.book_md5 = :md5 AND d.target = :target AND d.state = 'delivered'
    AND COALESCE(d.given_to, :remote_id) = :remote_id GROUP BY i.kind"""


def book_ref(row: dict[str, Any]) -> BookRef:
    """The book that a row of books holds."""
    authors, isbns = tuple(json.loads(row["authors"])), tuple((row["isbn"] or "").split())
    isbn, file, match = isbns[0] if isbns else None, row.get("file"), row.get("match")
    return BookRef(row["partial_md5"], row["title"], authors, isbn, file, row["size"], match, isbns)


Shown = list[Any]
"""The order of a line, when it was written, unix seconds, None where it deletes the copy, and the stars it shows."""


class BookStars(NamedTuple):
    """What is known of a book's stars: what the copy of each device has shown, of equal ones in a row two."""

    tracked: bool = True
    shown: Mapping[str, Sequence[Shown]] = {}

    @property
    def given(self) -> tuple[float | None, bool]:
        """The stars that were given last, on whichever device, and whether nobody knows when: a change is one between
        two lines of one copy. What its first line shows may be of any age, and counts where there is no change. The
        device that told first goes on from what another program, of no device, has known."""
        begun = min((told[0] for device, told in self.shown.items() if device), key=lambda one: one[0], default=None)
        before = {id(begun): self.shown.get("", [[]])[-1]}
        pairs = [(device, pairwise([before.get(id(told[0]), []), *told])) for device, told in self.shown.items()]
        both = [(device, *pair) for device, some in pairs for pair in some]
        first = [(at, device, stars) for device, last, (_, at, stars) in both if stars and not last]
        changes = [(at, device, stars) for device, last, (_, at, stars) in both if at and last and last[2] != stars]
        given = max(reversed(changes), key=lambda one: one[:2]) if changes else min(first, default=(None,))
        return given[-1], not changes

    def after(self, device: str, line: Shown) -> "BookStars":
        """What is known after a line, which may come late."""
        told = sorted([*self.shown.get(device, ()), line], key=lambda one: one[0])
        around = zip([[], *told], told, [*told[1:], []], strict=False)
        kept = [one for before, one, after in around if not before[2:] == one[2:] == after[2:]]
        return self._replace(shown={**self.shown, device: kept})


class Books:
    """The books that the devices told of. Identity is the partial MD5; paths come and go."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def see(self, seen: Iterable[tuple[str, Book, bool, datetime]], now: datetime) -> None:
        """Notes books and the files that devices saw them as, or deleted. What is not told stays as it was, and so does
        a file of which something later is known. seen: device, book, whether its file is gone, and when that was."""
        told = dict[tuple[str, Book, bool], float]()
        for device, book, is_gone, at in seen:  # of what is told twice the last
            last = told.pop((device, book, is_gone), 0)
            told[device, book, is_gone] = max(last, min(at, now).timestamp())
        self._database.run_many(KEEP, [book_row(one.ref, now, one.language, one.pages) for _, one, _ in told])
        files = [
            {"device": device, "path": one.file, "book_md5": one.partial_md5, "size": one.size, "at": at,
             "gone": int(is_gone)} for (device, one, is_gone), at in told.items() if one.file
        ]  # fmt: skip
        self._database.run_many(SEEN, files)

    def lose(self, lost: Iterable[tuple[str, str]]) -> None:
        """Notes that devices have no file of a book any more, wherever it lay. lost: device, partial MD5."""
        self._database.run_many(GONE, [{"device": device, "book_md5": md5} for device, md5 in lost])

    def keep(self, refs: Iterable[BookRef], now: datetime) -> None:
        """Makes sure that books are known."""
        self._database.run_many(KEEP, [book_row(ref, now) for ref in dict.fromkeys(refs)])

    def get(self, md5: str) -> BookRef | None:
        row = self._database.row(BOOK + " WHERE b.partial_md5 = :md5", md5=md5)
        return book_ref(row) if row else None

    def find(self, text: str) -> list[BookRef]:
        """The books that a person may mean by a partial MD5 or its beginning, a title or a part of it, or a path.

        At most a few, the last seen first; what is named in full goes before what is named in part. A path may be that
        of another place where the same file name lies.
        """
        wanted, known = plain(text), self.get(text.strip().lower())
        if known or not wanted:
            return [known] if known else []
        in_full, in_part = list[BookRef](), list[BookRef]()
        for book in map(book_ref, self._database.rows(BOOK + " ORDER BY b.updated_at DESC")):
            path = PurePosixPath(book.file or "")
            title = plain(book.title or path.stem)
            if wanted == title or text == book.file:
                in_full.append(book)
            elif wanted in title or book.partial_md5.startswith(wanted) or path.name == PurePosixPath(text).name:
                in_part.append(book)
        return (in_full or in_part)[:MOST_FOUND]

    def is_tracked(self, md5: str) -> bool:
        """Whether reading of the book is recorded. A book never heard of is."""
        return bool(self._database.value("SELECT tracked FROM books WHERE partial_md5 = :md5", md5=md5) != 0)

    def track(self, md5: str, on: bool) -> None:
        self._database.run("UPDATE books SET tracked = :on WHERE partial_md5 = :md5", on=int(on), md5=md5)

    def untracked(self) -> list[str]:
        """The last five hundred books whose reading is not recorded, by partial MD5."""
        return [row["partial_md5"] for row in self._database.rows(UNTRACKED)]

    def strangers(self, told: Mapping[int, tuple[Book, bool]]) -> Iterator[tuple[int, str]]:
        """Which books, in this order, have a digest that stands for another one, and why: title and size both differ.

        KOReader keeps a digest when another book is written to the same path. told: each book, and whether its file was
        deleted, so that it cannot tell its size any more.
        """
        rows = self._database.rows(SEEN_AS, ids=list({book.partial_md5 for book, _ in told.values()}))
        seen = {row["partial_md5"]: (row["title"], row["size"]) for row in rows}
        for number, (book, is_gone) in told.items():
            title, size = seen.get(book.partial_md5, (None, None))
            has_other_title = title and book.title and plain(title) != plain(book.title)
            has_other_size = size and (size != book.size if book.size else is_gone)
            if has_other_title and has_other_size:
                yield number, OTHER_BOOK.format(title, size, book.title, book.size or "unknown")
            else:
                seen[book.partial_md5] = (book.title or title, book.size or size)

    def stars(self, md5s: Iterable[str]) -> dict[str, BookStars]:
        """partial MD5 → whether it is tracked, and the stars known last. A book never heard of is tracked."""
        known: dict[str, BookStars] = defaultdict(BookStars)
        for row in self._database.rows(STARS, ids=list(md5s)):
            known[row["partial_md5"]] = BookStars(row["tracked"] != 0, json.loads(row["stars_shown"] or "{}"))
        return known

    def keep_stars(self, known: Mapping[str, BookStars]) -> None:
        self._database.run_many(KEEP_STARS, [{"md5": md5, "shown": json.dumps(known[md5].shown)} for md5 in known])

    def match(self, md5: str, target: str, match: Match, now: datetime) -> None:
        """Remembers a target's id for a book."""
        self._database.run(MATCH, book_md5=md5, target=target, **asdict(match), now=now.timestamp())

    def given(self, md5: str, target: str, remote_id: str) -> dict[str, int]:
        """kind → how many of the book's items the target has taken for a book of its own."""
        rows = self._database.rows(GIVEN, md5=md5, target=target, remote_id=remote_id)
        return {row["kind"]: row["count"] for row in rows}

    def forget_match(self, md5: str, target: str) -> None:
        self._database.run("DELETE FROM matches WHERE book_md5 = :md5 AND target = :target", md5=md5, target=target)

    def forget_matches(self) -> int:
        """Every target finds every book anew. Returns how many matches there were."""
        return self._database.run("DELETE FROM matches")

    def matched(self, target: str) -> list[tuple[BookRef, Match]]:
        """The books that the target has an id of, and how it was found."""
        rows = self._database.rows(MATCHED, target=target)
        return [(book_ref({**row, "match": None}), Match(row["match"], row["how"], row["sure"], row["match_title"]))
                for row in rows]  # fmt: skip

    def forget_files(self) -> int:
        """Forgets where books lie; the next opening tells again. Returns how many files were known."""
        return self._database.run("DELETE FROM files")

    def matches(self, target: str) -> dict[str, str]:
        """partial MD5 → the target's id, of all matched books."""
        return {row["book_md5"]: row["remote_id"] for row in self._database.table("matches").find(target=target)}

    def match_of(self, md5: str, target: str) -> str | None:
        """The target's id of a book."""
        row = self._database.table("matches").find_one(book_md5=md5, target=target)
        return str(row["remote_id"]) if row else None

    def unmatched(self, target: str, owed_only: bool = False) -> Sequence[BookRef]:
        """The books that the target is owed something of, or that nobody has matched, and that it has no id of.

        The last read comes first.
        """
        which = OWED if owed_only else f"({OWED} OR {UNMATCHED_ANYWHERE})"
        return [book_ref(row) for row in self._database.rows(BOOK + UNMATCHED.format(which=which), target=target)]


def plain(title: str) -> str:
    return " ".join(title.casefold().split())


def book_row(ref: BookRef, now: datetime, language: str | None = None, pages: int | None = None) -> dict[str, Any]:
    """isbn: all that the book carries, a blank between two."""
    texts = {"authors": json.dumps(list(ref.authors), ensure_ascii=False), "isbn": " ".join(ref.isbns) or None}
    return {**asdict(ref), **texts, "isbns": None, "language": language, "pages": pages, "now": now.timestamp()}
