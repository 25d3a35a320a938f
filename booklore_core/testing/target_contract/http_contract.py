"""The contract of a target that speaks HTTP: the suite lies on the line between it and its remote."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from requests.adapters import HTTPAdapter

from booklore_core.storage.store import Store
from booklore_core.targets import Target
from booklore_core.testing.target_contract.contract import TargetContract
from booklore_core.testing.target_contract.line import ANSWERS, Answer, FaultyLine, with_body

SOON = 0.3
"""Seconds that requests have, where a test is about their timeouts."""

READS = ("GET", "HEAD", "OPTIONS")


class HttpTargetContract(TargetContract):
    """Derive a class from it with `make_target(url, store)`.

    Without more of it the remote is a `Notebook`, which takes everything. Whoever has a fake of the real one returns
    where it is by `remote_url`, and what it holds by `held`. Timeouts are shortened where the target uses
    `booklore_core.http` or requests; any other client should be given one of less than `patience`.
    """

    answers: Mapping[str, tuple[int, bytes]] = {}
    """How the remote answers `refuses`, `unknown`, `unauthorised` and `error`, where it is not 422, 404, 401 and 500:
    status and JSON."""

    def make_target(self, url: str, store: Store) -> Target:  # type: ignore[override]
        """The target, as a new process would have it. url: where its remote is."""
        raise TypeError(f"{type(self).__name__} needs make_target(url, store), which returns the target")

    def remote_url(self) -> str:
        """Where the remote is. It should be stopped by a fixture of yours."""
        self.notebook = Notebook()
        self._opened.callback(self.notebook.stop)
        return self.notebook.url

    def held(self) -> Sequence[Any]:
        return self.notebook.held

    def is_log(self) -> bool:
        """A notebook cannot know which of its entries are about one fact."""
        return type(self).held is HttpTargetContract.held

    def is_write(self, method: str, path: str, body: bytes) -> bool:
        """Whether a request changes what the remote holds; a login does not."""
        return method not in READS

    def fail(self, fault: str) -> bool:
        self.line.refused = self.refused_writes
        if fault == "silent":
            self._patch.setattr(HTTPAdapter, "send", hurried(HTTPAdapter.send))
        self.line.fail(fault)
        return True

    def mend(self) -> None:
        self.line.mend()

    def _make(self, store: Store) -> Target:
        if self._line is None:
            self._line = FaultyLine(self.remote_url(), self.is_write, {**ANSWERS, **self.answers})
            self._opened.callback(self._line.stop)
        return self.make_target(self._line.url, store)

    @property
    def line(self) -> FaultyLine:
        """The way to the remote."""
        assert self.house and self._line
        return self._line

    _line: FaultyLine | None = None

    def test_a_call_that_was_given_up_sends_nothing_more(self) -> None:
        self.break_down("hangs")
        self.limit_calls(SOON)

        self.house.put(self.facts())
        self.house.sync()
        begun = list(self.line.requests)
        self.mend()
        self.has_come_back()

        late = self.line.requests[len(begun) :]
        assert not late, f"its run was closed, and a call of it went on to send {late[0]}"


def hurried(send: Any) -> Any:
    """Sending with the timeouts that were given, but shortened; none stays none."""

    def send_soon(self: Any, request: Any, *args: Any, timeout: Any = None, **options: Any) -> Any:
        return send(self, request, *args, timeout=timeout and (SOON, SOON), **options)

    return send_soon


class Notebook:
    """A remote that takes everything. A POST makes an entry, unless its Idempotency-Key is known; a PUT makes or
    replaces the one of its path, a DELETE removes it, a GET tells it.

    entries: by key or path, the JSON that was sent.
    """

    def __init__(self) -> None:
        self.entries: dict[str, Any] = {}
        self._line = Entrance(self)
        self.url, self.stop = self._line.url, self._line.stop

    @property
    def held(self) -> list[Any]:
        return list(self.entries.values())

    def answer(self, method: str, path: str, headers: list[tuple[str, str]], body: bytes) -> Answer:
        known = self.entries.get(path)
        if method in READS:
            return with_body(200 if path in self.entries else 404, json.dumps(known).encode())
        if method == "DELETE":
            return with_body(200 if self.entries.pop(path, None) is not None else 404, b"{}")
        key = next((value for name, value in headers if name.lower() == "idempotency-key"), "")
        entry = path if method == "PUT" else key or f"{path} {len(self.entries)}"
        self.entries[entry] = json.loads(body or b"null")
        return with_body(200, json.dumps({"id": entry}).encode())


class Entrance(FaultyLine):
    """Asks a notebook and nobody further."""

    def __init__(self, notebook: Notebook) -> None:
        self._notebook = notebook
        super().__init__("http://127.0.0.1", lambda *request: False)

    def answer(self, method: str, path: str, headers: list[tuple[str, str]], body: bytes) -> Answer:
        return self._notebook.answer(method, path, headers, body)
