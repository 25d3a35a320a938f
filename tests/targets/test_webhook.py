"""The webhook: every fact to one address, whoever declares its kind, and what becomes of it when the address errs."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Self

import pytest
from sync_server import PAGE, object_answer

from booklore_core import Item, Kind, hookimpl
from booklore_core.core import Core
from booklore_core.testing import SampleReader, sample_book
from booklore_core.testing.server.answers import Answer
from booklore_core.testing.server.routing import ServerRequest
from booklore_core.testing.server.wire import Listener, Reply

DUNE = sample_book("Dune", identifiers="ISBN:9780441013593")


@dataclass
class Hook:
    """An address on loopback. answers: what it says next, None to hang up; after them it takes everything."""

    answers: list[Answer | None] = field(default_factory=list)
    requests: list[ServerRequest] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._listener = Listener(0, self._respond)
        threading.Thread(target=self._listener.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._listener.shutdown()
        self._listener.close_all()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.server_address[1]}/hook/?room=1"

    @property
    def facts(self) -> list[Any]:
        return [json.loads(one.body) for one in self.requests]

    def _respond(self, request: ServerRequest) -> Reply:
        self.requests.append(request)
        answer = self.answers.pop(0) if self.answers else Answer(204)
        return Reply(answer) if answer else Reply(Answer(500), "nothing")


class Winks:
    """A feature of a third party, whose kind nobody ever heard of."""

    @hookimpl
    def register_kinds(self) -> Iterator[Kind]:
        yield Kind("wink", "W", "wink", "winks")

    @hookimpl
    def on_book_open(self, event: Any) -> Iterator[Item]:
        yield Item("wink", event.id, event.book.ref, {"at": "the reader"}, event.at)


@pytest.fixture
def hook() -> Iterator[Hook]:
    with Hook() as hook:
        yield hook


@pytest.fixture
def posting(open_core: Callable[..., Core], hook: Hook) -> Core:
    return open_core(plugins=("sessions", "webhook"), BOOKLORE_WEBHOOK__URL=hook.url)


def read(core: Core, *books: dict[str, Any]) -> None:
    reader = SampleReader()
    for book in books or (DUNE,):
        reader.read(book)
        reader.wait(3600)
    core.take(reader.lines, "test")


def test_fact_is_posted_with_its_book_and_its_key(posting: Core, hook: Hook) -> None:
    read(posting)

    report = posting.sync()

    assert report.total("delivered") == {"session": 1}
    (request,), (fact,) = hook.requests, hook.facts
    assert (request.method, request.path, request.query) == ("POST", "/hook/", {"room": "1"})
    assert request.headers["content-type"] == "application/json"
    assert len(request.headers["idempotency-key"]) == 32
    assert (fact["kind"], fact["key"], fact["occurred_at"]) == (
        "session",
        "kobo-7f3a:kobo-7f3a-000001",
        "2026-11-20T08:00:00+00:00",
    )
    assert (fact["book"]["title"], fact["book"]["isbn"]) == ("Dune", "9780441013593")
    assert fact["body"]["duration"] == 400
    assert "x-hub-signature-256" not in request.headers


def test_kind_of_a_third_party_is_posted_from_the_moment_it_is_there(posting: Core, hook: Hook) -> None:
    posting.plugins.register("winks", Winks())
    posting.refresh()

    read(posting)
    posting.sync()

    assert sorted(fact["kind"] for fact in hook.facts) == ["session", "wink"]


def test_body_is_signed_with_the_secret_that_nobody_sees(open_core: Callable[..., Core], hook: Hook) -> None:
    core = open_core(plugins=("sessions", "webhook"))
    core.settings.set("webhook.url", hook.url)
    core.settings.set("webhook.secret", "spice")
    core.refresh()
    read(core)

    core.sync()

    (request,) = hook.requests
    expected = hmac.new(b"spice", request.body, hashlib.sha256).hexdigest()
    assert request.headers["x-hub-signature-256"] == f"sha256={expected}"
    assert not core.database.table("settings").find(name="webhook.secret")


def test_repeat_after_a_lost_answer_has_the_same_key_and_body(posting: Core, hook: Hook) -> None:
    hook.answers = [None]
    read(posting)

    assert posting.sync().unavailable["webhook"].endswith("hung up")
    report = posting.sync()

    first, second = hook.requests
    assert report.is_complete
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    assert first.body == second.body


@pytest.mark.parametrize(
    ("answer", "requests", "waits", "rejected", "reason"),
    [
        (object_answer({}, 429), 1, 2, 0, "answers 429 Too Many Requests: {}"),
        (Answer(401), 1, 2, 0, "answers 401 Unauthorized"),
        (PAGE, 1, 2, 0, "answers 502 Bad Gateway"),
        (Answer(503, b"asleep", "text/plain"), 1, 2, 0, "answers 503 Service Unavailable: asleep"),
        (Answer(301, headers=(("Location", "http://other/"),)), 1, 2, 0, "answers 301 Moved Permanently"),
        (Answer(500, b"oops", "text/plain"), 2, 1, 0, "answers 500 Internal Server Error: oops"),
        (Answer(422, b"no such\nbook", "text/plain"), 2, 0, 1, "answers 422 Unprocessable Entity: no such book"),
    ],
    ids=lambda one: str(one.status) if isinstance(one, Answer) else "",
)
def test_address_that_refuses_is_told_with_its_reason(
    posting: Core, hook: Hook, answer: Answer, requests: int, waits: int, rejected: int, reason: str
) -> None:
    hook.answers = [answer]
    read(posting, DUNE, sample_book("Emma"))

    report = posting.sync()

    assert len(hook.requests) == requests
    assert sum(report.total("waiting").values()) == waits
    assert sum(report.total("rejected").values()) == rejected
    told = [*report.unavailable.values(), *(one.reason or "" for one in posting.status().waiting)]
    assert any(reason in one for one in told), told
    assert posting.sync().is_complete


def test_nobody_there_is_no_attempt(open_core: Callable[..., Core]) -> None:
    core = open_core(plugins=("sessions", "webhook"), BOOKLORE_WEBHOOK__URL="http://127.0.0.1:9/hook")
    read(core)

    report = core.sync()

    assert report.unavailable == {"webhook": "127.0.0.1:9 cannot be reached: nothing listens there"}
    assert [one.attempts for one in core.status().waiting] == [0]


def test_without_an_address_nothing_is_offered_and_the_list_says_what_is_missing(
    open_core: Callable[..., Core],
) -> None:
    from booklore_core.actions.plugins import check_plugin
    from booklore_core.cli.plugin_view import plugin_json

    core = open_core(plugins=("sessions", "webhook"))
    read(core)

    assert "webhook" not in core.targets
    assert core.sync().runs == []
    told = plugin_json(core, core.plugins.plugins["webhook"])
    assert told["error"] is None
    assert told["notes"] == ["it does nothing until webhook.url is set: `booklore config set`"]
    assert "until webhook.url is set" in check_plugin(core, core.plugins.plugins["webhook"]).detail


def test_status_says_why_what_waits_does_not_go_when_the_address_is_gone(
    posting: Core, open_core: Callable[..., Core]
) -> None:
    read(posting)
    without = open_core(plugins=("sessions", "webhook"))

    report = without.sync()

    assert "a setting is missing here" in report.unavailable["webhook"]
    assert ["a setting is missing here" in (one.reason or "") for one in posting.status().waiting] == [True]
    assert posting.sync().is_complete


@pytest.mark.parametrize("url", ["hooks.example.org", "ftp://hooks.example.org/x", "https://me:spice@example.org/x"])
def test_what_is_no_address_is_refused_where_it_is_set(open_core: Callable[..., Core], url: str) -> None:
    core = open_core(plugins=("webhook",))

    with pytest.raises(ValueError, match=r"webhook\.url: expected an address") as refused:
        core.settings.set("webhook.url", url)

    assert "spice" not in str(refused.value)
