"""The fake server as tests use it: start it, change its library, make it fail, look at what arrived."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Self

from booklore_core.testing.server.administration import Administration
from booklore_core.testing.server.answers import instant_text
from booklore_core.testing.server.dialects import DIALECTS
from booklore_core.testing.server.faults import Fault
from booklore_core.testing.server.library import Account, load_library
from booklore_core.testing.server.responder import Record, Responder
from booklore_core.testing.server.state import Progress, State
from booklore_core.testing.server.wire import Listener

POLL_SECONDS = 0.02


class _OfLibrary:
    """Stands for "whatever the library says"."""


OF_LIBRARY: Final = _OfLibrary()


class BookLoreServer(Administration):
    """A server on loopback, listening from the start of the `with` block (or `start()`) until its end.

    dialect: `booklore`, `grimmory`, `grimmory-3.5` or `custom` (the image with by-hash and batch endpoints).
    library: a JSON file shaped like the recordings' library.json, such a mapping, or None for a few small books.
    koreader_account: (name, password), None when there is none yet; by default the library's.
    koreader_sync: whether that account's sync is on; by default as the library says, else on.
    now: the server's clock, seconds since 1970. database_away_delay: seconds that requests then wait.
    lock_patience: seconds that a request waits for a locked table before its connection is closed.
    base_path: the path it is served under, such as `/books`. tls: serve https with this context.
    """

    def __init__(
        self,
        dialect: str = "grimmory",
        library: Path | str | Mapping[str, Any] | None = None,
        *,
        koreader_sync: bool | None = None,
        koreader_account: tuple[str, str] | None | _OfLibrary = OF_LIBRARY,
        now: Callable[[], float] | None = None,
        port: int = 0,
        base_path: str = "",
        database_away_delay: float = 0.0,
        lock_patience: float = 60.0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        started_with = load_library(library)
        super().__init__(State(DIALECTS[dialect], now or time.time, database_away_delay=database_away_delay))
        self._responder = Responder(self._state, base_path.rstrip("/"), lock_patience)
        self._port = port
        self._tls = tls
        self._listener: Listener | None = None
        self.username, self.password = started_with.web.username, started_with.web.password
        admin = self._state.add_user(self.username, self.password, (1,), ("admin",))
        account = started_with.koreader if isinstance(koreader_account, _OfLibrary) else _account(koreader_account)
        self.koreader_username = account.username if account else ""
        self.koreader_password = account.password if account else ""
        if account is not None:
            made = self._state.put_koreader(admin, account.username, account.password)
            made.sync = account.sync if koreader_sync is None else koreader_sync
        for book in started_with.books:
            self._state.put_book(book)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *raised: object) -> None:
        self.stop()

    def start(self) -> Self:
        """Listen; on the port of before, if there was one."""
        self._responder.stopped.clear()
        self._listener = Listener(self._port, self._responder.respond, self._tls)
        self._port = self._listener.server_address[1]
        threading.Thread(target=self._listener.serve_forever, args=(POLL_SECONDS,), daemon=True).start()
        return self

    def stop(self) -> None:
        """Close the port and cut every connection; nothing that was stored is lost."""
        if self._listener is None:
            return
        self._responder.stopped.set()
        self._listener.shutdown()
        self._listener.close_all()
        self._listener = None

    def restart(self) -> None:
        """Stop and listen again: same port, same state, tokens included."""
        self.stop()
        self.start()

    @property
    def url(self) -> str:
        """Where it listens, base path included, no slash at the end; known once it has been started."""
        scheme = "https" if self._tls else "http"
        return f"{scheme}://127.0.0.1:{self._port}{self._responder.base_path}"

    @property
    def sessions(self) -> list[dict[str, Any]]:
        """Every reading session stored, in order of arrival, as JSON fields plus `userId`; times in UTC with Z."""
        self._responder.carry_out_late(self._state.now())
        with self._state.lock:
            rows = list(self._state.sessions.rows.values())
        return [{**row, **{name: instant_text(row[name]) for name in ("startTime", "endTime")}} for row in rows]

    @property
    def pushes(self) -> list[dict[str, Any]]:
        """Every position that a device has pushed, in the order in which they were carried out: the request's fields,
        `bookId`, and what it left: `at`, seconds since 1970, the book's `status` and when it was `finished`."""
        self._responder.carry_out_late(self._state.now())
        with self._state.lock:
            return [dict(push) for push in self._state.pushes]

    @property
    def statuses(self) -> list[dict[str, Any]]:
        """Every time that a route for it or a position wrote a book's read status or finish date, in order: `bookId`,
        `at`, and what it left, `status` and `finished`. Times are seconds since 1970."""
        self._responder.carry_out_late(self._state.now())
        with self._state.lock:
            return [dict(written) for written in self._state.statuses]

    def rows(self, table: str) -> list[dict[str, Any]]:
        """What is stored of `annotations`, `notes`, `book_notes`, `bookmarks` or `shelves`, in order of arrival. A
        shelf's `books` are their ids."""
        self._responder.carry_out_late(self._state.now())
        with self._state.lock:
            return [dict(row) for row in getattr(self._state, table).rows.values()]

    @property
    def readings(self) -> dict[int, Progress]:
        """What the first account has of each book: status, finish date, rating and place, by the book's id."""
        self._responder.carry_out_late(self._state.now())
        with self._state.lock:
            return {book: replace(kept) for (user, book), kept in self._state.progress.items() if user == 1}

    @property
    def requests(self) -> list[Record]:
        """The latest requests, oldest first."""
        return list(self._responder.records)

    @property
    def on_request(self) -> Callable[[Record], None] | None:
        """Called with the record of every request before it is handled, on the connection's thread."""
        return self._responder.on_request

    @on_request.setter
    def on_request(self, hook: Callable[[Record], None] | None) -> None:
        self._responder.on_request = hook

    def fail(self, fault: str, match: str = "* /", times: int | None = 1, after: int = 0) -> None:
        """Let a fault (see FAULTS) happen to the next `times` requests that match, None: to all of them.

        match: method (or `*`), a space and how the path begins; with a `$` at its end the whole path. after: how many
        matching requests still go well.
        Raises ValueError for a fault that does not exist.
        """
        self._responder.faults.append(Fault(fault, match, times, after))

    def lock_sessions(self, seconds: float = float("inf")) -> None:
        """From now on sessions can be read, and new ones wait, as during a backup's `LOCK TABLES … READ`.

        seconds: how long, by the server's clock, unless it is unlocked before.
        """
        self._state.sessions_locked_until = self._state.now() + seconds

    def unlock_sessions(self) -> None:
        """Whatever waited for the lock is carried out, whether somebody still waits for the answer or not."""
        self._state.sessions_locked_until = 0.0
        self._responder.carry_out_waiting()

    def carry_out_late(self) -> None:
        """Carry out every request that the fault `late` holds back, due or not."""
        self._responder.carry_out_late()

    def recover(self) -> None:
        """Forget every fault, have the database back and no table locked. What is late stays so until it is due."""
        self._responder.faults.clear()
        self.database_away = False
        self.unlock_sessions()


def _account(credentials: tuple[str, str] | None) -> Account | None:
    return Account(*credentials) if credentials else None
