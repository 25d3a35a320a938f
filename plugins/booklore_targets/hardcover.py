"""Hardcover, by its GraphQL endpoint: status, progress, rating, and highlights as entries of the reading journal.

What is sent twice is there twice: it is looked for before. Source: reference kosync-and-hardcover §2.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

# isort: off
from booklore_core import (
    NEARLY_READ, BadSetting, Before, BookRef, BookUnmatched, Candidate, Check, Item, ItemFailed, ItemRejected,
    Match, Pushed, RemotePosition, Section, Setting, Store, Superseded, TargetUnavailable, hookimpl,
)  # fmt: skip

URL, ACCOUNT = "https://api.hardcover.app/v1/graphql", "hardcover.app/account/api"
MARK, COPY = "koreader", "/note"
"""The last ends the key of a note's second fact, that beside the book; the first one has all of it."""

WANTED, READING, READ, ON_HOLD = 1, 2, 3, 4
STATUSES = {"reading": READING, "complete": READ, "abandoned": ON_HOLD}
ME = "query { me { id account_privacy_setting_id } }"
EDITIONS = "query ($isbns: [String!]!) { editions(where: {isbn_13: {_in: $isbns}}) { isbn_13 book { id title } } }"
SEARCH = 'query ($text: String!, $n: Int!) { search(query: $text, query_type: "Book", per_page: $n, page: 1) { ids } }'
BOOKS = "query ($ids: [Int!]!) { books(where: {id: {_in: $ids}}) { id title contributions { author { name } } } }"
STANDING = """query ($book: Int!, $user: Int!, $isbns: [String!]!) { books(where: {id: {_eq: $book}}) { id
    own: editions(where: {isbn_13: {_in: $isbns}}) { id pages }
    most: editions(where: {pages: {_gt: 0}}, order_by: {users_count: desc_nulls_last}, limit: 1) { id pages }
    user_books(where: {user_id: {_eq: $user}}) { id status_id privacy_setting_id edition { id pages }
        user_book_reads(order_by: {id: asc}) { id started_at finished_at progress_pages } } } }"""
JOURNAL = """query ($book: Int!, $user: Int!) { reading_journals(where: {book_id: {_eq: $book}, user_id: {_eq: $user},
    event: {_in: ["quote", "note"]}}) { id event entry metadata } }"""
SHELVE = "mutation ($object: UserBookCreateInput!) { insert_user_book(object: $object) { id error } }"
RATE = "mutation ($id: Int!, $object: UserBookUpdateInput!) { update_user_book(id: $id, object: $object) { id error } }"
BEGIN = """mutation ($id: Int!, $read: DatesReadInput!) {
    insert_user_book_read(user_book_id: $id, user_book_read: $read) { id error } }"""
GO_ON = "mutation ($id: Int!, $read: DatesReadInput!) { update_user_book_read(id: $id, object: $read) { id error } }"
WRITE = "mutation ($object: ReadingJournalCreateType!) { insert_reading_journal(object: $object) { id errors } }"
EDIT = """mutation ($id: Int!, $new: ReadingJournalUpdateType!) {
    update_reading_journal(id: $id, object: $new) { id errors } }"""
REMOVE = "mutation ($id: Int!) { delete_reading_journal(id: $id) { id } }"
REFUSALS = dict.fromkeys((401, 403), f"refuses the token, which may have ended: copy a new one from {ACCOUNT}")
REFUSALS |= {429: "takes no more requests for a minute: the next sync goes on"}


@hookimpl
def register_settings() -> Iterator[Setting]:
    yield Setting("token", str, "", f"From {ACCOUNT}", label="Token", secret=True, needed=True, fits=bare_token)
    yield Setting("url", str, URL, "Address of its GraphQL endpoint", label="Endpoint", forgets=("token",))


@hookimpl
def register_targets(settings: Section, store: Store) -> Iterator[Hardcover]:
    if settings["token"]:
        yield Hardcover(settings["url"], settings["token"], store)


def bare_token(text: str) -> str:
    """The token alone: the page shows it behind the word Bearer. Raises BadSetting that does not hold it."""
    token = re.sub(r"(?i)^bearer\s+", "", text.strip())
    if not re.fullmatch(r"[!-~]*", token):
        raise BadSetting(f"expected the token as {ACCOUNT} shows it")
    return token


class Hardcover:
    """An account, which its token tells."""

    name, kinds = "hardcover", frozenset({"rating", "annotation", "progress", "status"})
    about, looked_for = "hardcover.app", frozenset({"annotation", "progress"})

    def __init__(self, url: str, token: str, store: Store) -> None:
        self._url, self._token, self._pushed = url, token, Pushed(store)
        self._client: Any = None
        self._known: dict[object, Any] = {}

    def deliver(self, item: Item, before: Before) -> str | None:
        self._open()
        if item.kind == "annotation":
            return None if item.key.endswith(COPY) else self._write(item, before)
        copy = self._copy(item.book)
        if item.kind == "progress":
            return self._go_on(copy, item)
        self._rate(copy, item) if item.kind == "rating" else self._set_status(copy, item)
        return None

    def find(self, item: Item) -> str | None:
        self._open()
        if item.kind == "annotation":
            return "" if item.key.endswith(COPY) else self._entry_of(item)
        copy = self._copy(item.book)
        is_there = copy["read"].get("progress_pages") == round(item.body["percent"] * copy["pages"])
        return str(copy["read"]["id"]) if copy["read"] and is_there else None

    def match(self, books: Sequence[BookRef]) -> dict[str, Match]:
        """By an ISBN that is of one book there alone."""
        self._open()
        isbns = [isbn for book in books for isbn in book.isbns]
        editions = self._ask(EDITIONS, isbns=isbns) if isbns else ()
        found = [(one["isbn_13"], Match(str(one["book"]["id"]), "isbn", 1.0, one["book"]["title"])) for one in editions]
        known = {book.partial_md5: {match for isbn, match in found if isbn in book.isbns} for book in books}
        return {md5: matches.pop() for md5, matches in known.items() if len(matches) == 1}

    def search(self, text: str, limit: int) -> Sequence[Candidate]:
        self._open()
        found = self._books(self._ask(SEARCH, text=text, n=limit)["ids"] or [], text)
        return sorted(found, key=lambda one: -one.score)[:limit]

    def book(self, remote_id: str) -> Candidate | None:
        self._open()
        return next(self._books([remote_id], ""), None)

    def check(self) -> list[Check]:
        self._open()
        return [Check(self.name, True, f"the token is that of user {self._once(ME)[0]['id']}")]

    def close(self) -> None:
        """A call that is still under way sends nothing more; the core lets nobody in before it is back."""
        client, self._client = self._client, None
        if client:
            client.close()

    def _open(self) -> None:
        from booklore_core.http import Client

        if self._client is None:
            headers = {"Authorization": f"Bearer {self._token}"}
            self._client, self._known = Client(self._url, headers=headers), {}

    def _ask(self, document: str, **variables: Any) -> Any:
        """What the one field of an answer holds. Raises Declined."""
        from booklore_core.http import json_answer

        client, writes = self._client, document.startswith("mutation")
        if client is None:
            raise TargetUnavailable("the run has ended", maybe_sent=False)
        try:
            response = client.send("POST", "", json={"query": document, "variables": variables})
        except TargetUnavailable as error:
            raise TargetUnavailable(error.reason, error.maybe_sent and writes) from error
        status, answer, host = response.status_code, json_answer(response), client.host
        if status in REFUSALS:
            raise TargetUnavailable(f"{host} {REFUSALS[status]}", maybe_sent=False)
        if status != 200 or not isinstance(answer, dict):
            raise TargetUnavailable(f"{host} does not answer as Hardcover does ({status})", writes)
        if answer.get("errors") or not answer.get("data"):
            raise ItemFailed(f"{host}: {reason_of(answer.get('errors'))}", writes)
        (found,) = answer["data"].values()
        if isinstance(found, dict) and (refusal := found.get("error") or found.get("errors")):
            raise ItemRejected(f"{host}: {reason_of(refusal)}")
        return found

    def _once(self, document: str, **variables: Any) -> Any:
        if (key := (document, *variables.values())) not in self._known:
            self._known[key] = self._ask(document, **variables)
        return self._known[key]

    def _books(self, ids: Iterable[Any], text: str) -> Iterator[Candidate]:
        for one in self._ask(BOOKS, ids=[int(id_) for id_ in ids]):
            names, words = [by["author"]["name"] for by in one["contributions"]], set(text.casefold().split())
            score = len(words & set(one["title"].casefold().split())) / max(1, len(words))
            yield Candidate(str(one["id"]), one["title"], tuple(names), score)

    def _copy(self, book: BookRef, is_fresh: bool = True) -> Any:
        """The reader's copy there. id: None for none; pages: 0 where nobody knows; read: the open reading, or {}."""
        me, ask = self._once(ME)[0], self._ask if is_fresh else self._once
        found = ask(STANDING, book=int(book.match or 0), user=me["id"], isbns=book.isbns)
        if not found:
            raise BookUnmatched(f"Hardcover has no book {book.match} any more")
        held = next(iter(found[0]["user_books"]), {"id": None, "status_id": None})
        paged = (one for one in (held.get("edition"), *found[0]["own"], *found[0]["most"]) if one and one["pages"])
        edition, reads = next(paged, {"id": None, "pages": 0}), (held.get("user_book_reads") or [{"finished_at": True}])
        about = {"book_id": found[0]["id"], "edition_id": edition["id"]}
        about["privacy_setting_id"] = held.get("privacy_setting_id") or me["account_privacy_setting_id"]
        read = {} if reads[-1]["finished_at"] else reads[-1]
        return {"id": held["id"], "status": held["status_id"], "pages": edition["pages"], "read": read, "about": about}

    def _shelve(self, copy: Any, status: int) -> Any:
        return self._ask(SHELVE, object={**copy["about"], "status_id": status})["id"]

    def _rate(self, copy: Any, item: Item) -> None:
        rating, id_ = item.body.get("rating"), copy["id"]
        if id_ or rating:
            self._ask(RATE, id=id_ or self._shelve(copy, READING), object={"rating": rating and rating / 2})

    def _set_status(self, copy: Any, item: Item) -> None:
        wanted = STATUSES[item.body["status"]]
        if copy["status"] == READ != wanted:
            raise Superseded("it is read there, and stays so")
        if wanted == READ and copy["read"]:
            self._turn_to(copy, copy["pages"], item, finished_at=f"{item.occurred_at:%Y-%m-%d}")
        if copy["status"] != wanted:
            self._shelve(copy, wanted)

    def _go_on(self, copy: Any, item: Item) -> str | None:
        """Told as it will stand there, in whole pages, so that it is known again."""
        read, page = copy["read"], round(item.body["percent"] * copy["pages"])
        if not copy["pages"]:
            raise ItemRejected("no edition of the book has pages there: no place in it can be told")
        if copy["status"] == READ and not read and item.body["percent"] >= NEARLY_READ:
            return None  # the end of a book that is read is no second reading
        body = {**item.body, "percent": page / copy["pages"], "position": None}
        told = Item(item.kind, item.key, item.book, body, item.occurred_at)
        there, ids = RemotePosition((read.get("progress_pages") or 0) / copy["pages"]), [read.get("id")]
        self._pushed.bring(told, there, lambda: ids.append(self._turn_to(copy, page, item)), datetime.now(UTC))
        return ids[-1] and str(ids[-1])

    def _turn_to(self, copy: Any, page: int, item: Item, **more: str) -> Any:
        """The day of a reading's beginning is emptied where it is not told again."""
        begun = copy["read"].get("started_at") or f"{item.occurred_at:%Y-%m-%d}"
        read = {"progress_pages": page, "edition_id": copy["about"]["edition_id"], "started_at": begun, **more}
        id_ = self._shelve(copy, READING) if copy["status"] in (None, WANTED) else copy["id"]
        document, of = (GO_ON, copy["read"]["id"]) if copy["read"] else (BEGIN, id_)
        return self._ask(document, id=of, read=read)["id"]

    def _write(self, item: Item, before: Before) -> str | None:
        known = before.remote_id or (self._entry_of(item) if before.maybe_sent else None)
        there, entry = self._journal(item.book), entry_of(item)
        id_ = known if known in {str(one["id"]) for one in there} else None
        if item.is_tombstone:
            return str(self._ask(REMOVE, id=int(id_))["id"]) if id_ else None
        if id_:
            self._ask(EDIT, id=int(id_), new={"event": entry["event"], "entry": entry["entry"]})
            return id_
        about = self._copy(item.book, is_fresh=False)["about"]
        there.append({"id": self._ask(WRITE, object={**about, **entry, "tags": []})["id"], **entry})
        return str(there[-1]["id"])

    def _journal(self, book: BookRef) -> Any:
        return self._once(JOURNAL, book=int(book.match or 0), user=self._once(ME)[0]["id"])

    def _entry_of(self, item: Item) -> str | None:
        """By the mark that it was written with, one without any by its words."""
        ids = {(one["metadata"] or {}).get(MARK) or one["entry"]: str(one["id"]) for one in self._journal(item.book)}
        return ids.get(item.key) or ids.get(entry_of(item)["entry"])


def entry_of(item: Item) -> dict[str, Any]:
    text, note = item.body.get("text") or "", item.body.get("note") or ""
    day = re.match(r"\d{4}-\d\d-\d\d", item.body.get("datetime") or "") or [f"{item.occurred_at:%Y-%m-%d}"]
    told = {"event": "quote" if text else "note", "entry": "\n\n".join(filter(None, (text, note)))}
    return {**told, "action_at": day[0], "metadata": {MARK: item.key}}


def reason_of(errors: Any) -> str:
    first = errors[0] if isinstance(errors, list) and errors else errors
    return str(first.get("message") if isinstance(first, dict) else first or "no reason told")[:200]
