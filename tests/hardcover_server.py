"""Hardcover on loopback, as far as its GraphQL endpoint is known, and as unkind: limits, errors in a 200, lost answers.

Source: reference kosync-and-hardcover §2. It knows operations by the field that they ask for, and checks the variables.
"""

import json
import re
import threading
from dataclasses import dataclass, field
from typing import Any, Self

from booklore_core.testing.server.answers import Answer
from booklore_core.testing.server.routing import ServerRequest
from booklore_core.testing.server.wire import Listener, Reply

FIELD = re.compile(r"^(query|mutation)\s*(?:\([^)]*\))?\s*{\s*(\w+)")
USER, PRIVACY = 7, 3
DUNE, EMMA = 5110, 5111


def of(body: Any, status: int = 200) -> Answer:
    return Answer(status, json.dumps(body).encode(), "application/json; charset=utf-8")


@dataclass
class Trouble:
    """What happens to the next operations of a name. lost: the answer, the request, or it comes late."""

    operation: str
    answer: Answer | None = None
    lost: str = ""


@dataclass
class HardcoverServer:
    """books: id → title; editions: ISBN → (id, book, pages). copies: book → the reader's; reads, journal: by id."""

    token: str = "eyJ0b2tlbg"
    books: dict[int, str] = field(default_factory=lambda: {DUNE: "Dune", EMMA: "Emma"})
    editions: dict[str, tuple[int, int, int | None]] = field(
        default_factory=lambda: {"9780441013593": (31, DUNE, 600), "9780141439587": (32, EMMA, None)}
    )
    copies: dict[int, dict[str, Any]] = field(default_factory=dict)
    reads: dict[int, dict[str, Any]] = field(default_factory=dict)
    journal: dict[int, dict[str, Any]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    late: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    limit: int = 10**6
    keeps_metadata: bool = True

    def __enter__(self) -> Self:
        self._listener = Listener(0, self._respond)
        self._ids = iter(range(1000, 10**6))
        threading.Thread(target=self._listener.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._listener.shutdown()
        self._listener.close_all()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.server_address[1]}/v1/graphql"

    def count(self, operation: str) -> int:
        return sum(name == operation for name, _ in self.asked)

    def arrive(self) -> None:
        """Whatever is late is carried out now."""
        for operation, given in self.late:
            self._carry_out(operation, given)
        self.late.clear()

    def _respond(self, request: ServerRequest) -> Reply:
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return Reply(of({"error": "Unable to verify token"}, 401))
        if len(self.asked) >= self.limit:
            return Reply(of({"error": "Throttled"}, 429))
        told = json.loads(request.body)
        found = FIELD.match(told["query"])
        assert found and request.path == "/v1/graphql" and "BookLore-Sync" in request.headers["user-agent"]
        operation, given = found[2], told["variables"]
        assert set(given) == set(re.findall(r"\$(\w+):", told["query"])), told
        self.asked.append((operation, given))
        trouble = next((one for one in self.troubles if one.operation == operation), None)
        if trouble is None:
            return Reply(of({"data": {operation: self._carry_out(operation, given)}}))
        self.troubles.remove(trouble)
        if trouble.lost == "answer":
            self._carry_out(operation, given)
        if trouble.lost == "late":
            self.late.append((operation, given))
        return Reply(trouble.answer) if trouble.answer else Reply(Answer(500), "nothing")

    def _carry_out(self, operation: str, given: dict[str, Any]) -> Any:
        if operation == "books":
            return self.books_by_id(**given) if "ids" in given else self.standing(**given)
        return self.editions_by(**given) if operation == "editions" else getattr(self, operation)(**given)

    def me(self) -> Any:
        return [{"id": USER, "account_privacy_setting_id": PRIVACY}]

    def editions_by(self, isbns: list[str]) -> Any:
        known = [(isbn, self.editions[isbn][1]) for isbn in isbns if isbn in self.editions]
        return [{"isbn_13": isbn, "book": {"id": book, "title": self.books[book]}} for isbn, book in known]

    def editions_of(self, book: int) -> list[dict[str, Any]]:
        return [{"id": id_, "pages": pages} for id_, of_book, pages in self.editions.values() if of_book == book]

    def search(self, text: str, n: int) -> Any:
        words = set(text.casefold().split())
        return {"ids": [str(id_) for id_, title in self.books.items() if words & set(title.casefold().split())][:n]}

    def books_by_id(self, ids: list[int]) -> Any:
        authors = [{"author": {"name": "An Author"}}]
        return [{"id": id_, "title": self.books[id_], "contributions": authors} for id_ in ids if id_ in self.books]

    def standing(self, book: int, user: int, isbns: list[str]) -> Any:
        assert user == USER
        own = [
            {"id": self.editions[isbn][0], "pages": self.editions[isbn][2]} for isbn in isbns if isbn in self.editions
        ]
        copies = [
            {**one, "user_book_reads": self.reads_of(one["id"])} for id_, one in self.copies.items() if id_ == book
        ]
        most = [one for one in self.editions_of(book) if one["pages"]][:1]
        found = {"id": book, "own": own, "most": most, "user_books": copies}
        return [found] if book in self.books else []

    def reads_of(self, copy: int) -> list[dict[str, Any]]:
        return [{"id": id_, **one["read"]} for id_, one in self.reads.items() if one["of"] == copy]

    def reading_journals(self, book: int, user: int) -> Any:
        assert user == USER
        return [{"id": id_, **one} for id_, one in self.journal.items() if one["book_id"] == book]

    def insert_user_book(self, object: dict[str, Any]) -> Any:  # noqa: A002
        assert object["status_id"] in (1, 2, 3, 4, 5) and object["privacy_setting_id"] in (1, 2, 3)
        known = self.copies.get(object["book_id"]) or {"id": next(self._ids), "rating": None}
        pages = next(
            (one["pages"] for one in self.editions_of(object["book_id"]) if one["id"] == object["edition_id"]), None
        )
        edition = {"id": object["edition_id"], "pages": pages} if object["edition_id"] else None
        told = {name: object[name] for name in ("status_id", "privacy_setting_id")}
        self.copies[object["book_id"]] = {**known, **told, "edition": edition}
        return {"id": known["id"], "error": None}

    def update_user_book(self, id: int, object: dict[str, Any]) -> Any:  # noqa: A002
        if object["rating"] not in (None, *(half / 2 for half in range(1, 11))):
            return {"id": None, "error": "Rating must be between 0.5 and 5"}
        next(one for one in self.copies.values() if one["id"] == id).update(object)
        return {"id": id, "error": None}

    def insert_user_book_read(self, id: int, read: dict[str, Any]) -> Any:  # noqa: A002
        made = next(self._ids)
        self.reads[made] = {"of": id, "read": {"finished_at": None, **read}}
        return {"id": made, "error": None}

    def update_user_book_read(self, id: int, read: dict[str, Any]) -> Any:  # noqa: A002
        self.reads[id]["read"] = {"started_at": None, "finished_at": None, **read}
        return {"id": id, "error": None}

    def insert_reading_journal(self, object: dict[str, Any]) -> Any:  # noqa: A002
        if not object["entry"]:
            return {"id": None, "errors": ["Entry can't be blank"]}
        made = next(self._ids)
        self.journal[made] = {**object, "metadata": object["metadata"] if self.keeps_metadata else None}
        return {"id": made, "errors": None}

    def update_reading_journal(self, id: int, new: dict[str, Any]) -> Any:  # noqa: A002
        self.journal[id] |= new
        return {"id": id, "errors": None}

    def delete_reading_journal(self, id: int) -> Any:  # noqa: A002
        del self.journal[id]
        return {"id": id}
