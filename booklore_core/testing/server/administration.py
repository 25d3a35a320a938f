"""What whoever runs the server does: books, accounts, and how people log in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from booklore_core.testing.server.library import ServerBook, book_of_content, partial_digest
from booklore_core.testing.server.state import State
from booklore_core.testing.server.users import User


def of_state(name: str, doc: str) -> property:
    """A field of the server's state, to read and to set."""
    return property(
        lambda self: getattr(self._state, name), lambda self, value: setattr(self._state, name, value), doc=doc
    )


class Administration:
    """Changes the server's state, at any time."""

    def __init__(self, state: State) -> None:
        self._state = state

    @property
    def books(self) -> dict[int, ServerBook]:
        """The library by id."""
        return dict(self._state.books)

    single_sign_on_only = of_state("single_sign_on_only", "While True: no password logs anybody but an admin in.")
    zone_hours = of_state("zone_hours", "How far the server's zone is ahead of UTC; the health check's time shows it.")
    database_away = of_state(
        "database_away", "While True: health is UP, Bearer calls get 401, x-auth calls and logins 500."
    )

    def add_book(
        self,
        content: bytes,
        file_name: str,
        title: str | None = None,
        authors: Iterable[str] = (),
        isbn13: str | None = None,
        isbn10: str | None = None,
        library_id: int = 1,
        subtitle: str | None = None,
    ) -> ServerBook:
        """A new book with the next id, added now."""
        with self._state.lock:
            book = book_of_content(
                self._state.next_book_id(),
                content,
                file_name,
                title=title,
                authors=tuple(authors),
                isbn13=isbn13,
                isbn10=isbn10,
                library_id=library_id,
                subtitle=subtitle,
                added=self._state.now(),
            )
            return self._state.put_book(book)

    def put_book(self, book: ServerBook) -> ServerBook:
        """Give the book's id to it, whosever that is now: a backup was restored, and books were added since."""
        with self._state.lock:
            self._state.drop_book(book.id)
            return self._state.put_book(book)

    def add_shelf(self, name: str, books: Iterable[int] = (), username: str = "") -> None:
        """A shelf with these books, by default the first account's."""
        with self._state.lock:
            owner = self._user(username) if username else next(iter(self._state.users.values()))
            icon = {"icon": "bookmark", "iconType": self._state.dialect.icon_types[0]}
            self._state.shelves.insert(
                {"name": name, **icon, "userId": owner.id, "publicShelf": False, "books": set(books)}
            )

    def remove_book(self, book_id: int) -> None:
        """Delete the book, with everybody's data about it."""
        with self._state.lock:
            self._state.drop_book(book_id)

    def protect_file(self, book_id: int) -> None:
        """Let the server have no right to remove the book's file."""
        self._state.stuck_files.add(book_id)

    def rescan(self) -> list[ServerBook]:
        """Take files that a deletion has left behind into the library again, each under a new id."""
        with self._state.lock:
            left, self._state.left_behind = self._state.left_behind, []
            added = self._state.now()
            return [self._state.put_book(replace(one, id=self._state.next_book_id(), added=added)) for one in left]

    def add_format(self, book_id: int, file_name: str) -> None:
        """Give the book another file, which is listed and cannot be read."""
        with self._state.lock:
            known = self._state.books[book_id]
            self._state.put_book(replace(known, other_files=(*known.other_files, file_name)))

    def rewrite_book(
        self, book_id: int, content: bytes, title: str | None = None, file_name: str | None = None
    ) -> ServerBook:
        """Give the book's file other bytes, as the server does when it writes metadata into it: another digest, perhaps
        another title and file name; id and addition date stay. Source: server-contract.md 5, 17."""
        with self._state.lock:
            known = self._state.books[book_id]
            rewritten = replace(
                known,
                content=content,
                size_kb=len(content) // 1024,
                partial_md5=partial_digest(content),
                title=title or known.title,
                file_name=file_name or known.file_name,
            )
            return self._state.put_book(rewritten)

    def add_user(
        self, username: str, password: str, libraries: Iterable[int] = (), permissions: Iterable[str] = ()
    ) -> User:
        """A reader who sees these libraries; permissions: `admin`, `download`, `delete`, `sync_koreader`, …"""
        with self._state.lock:
            return self._state.add_user(username, password, libraries, permissions)

    def assign_libraries(self, username: str, libraries: Iterable[int]) -> None:
        """Let the user see just these libraries. An admin sees all anyway, except by digest."""
        self._change(username, libraries=frozenset(libraries))

    def permit(self, username: str, permissions: Iterable[str]) -> None:
        """Let the user do just this; `admin` is everything."""
        self._change(username, permissions=frozenset(permissions))

    def change_password(self, username: str, password: str) -> None:
        """From now on only this password logs the user in."""
        self._change(username, password=password)

    def sign_on(self, username: str) -> str:
        """A refresh token, as the web page keeps one after a single sign-on. Raises KeyError, Refusal."""
        with self._state.lock:
            return self._state.tokens.issue(self._user(username)).refresh

    def expire_tokens(self, refresh_too: bool = False) -> None:
        """Let every access token issued so far be expired; refresh tokens as well, if asked."""
        self._state.tokens.expire(refresh_too)

    def _change(self, username: str, **facts: object) -> None:
        with self._state.lock:
            user = self._user(username)
            self._state.users[user.id] = replace(user, **facts)  # type: ignore[arg-type]

    def _user(self, username: str) -> User:
        user = self._state.user_named(username)
        if user is None:
            raise KeyError(username)
        return user
