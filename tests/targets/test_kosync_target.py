"""Any KOReader sync server as target: what it is told, what it answers, and whose position that is."""

import hashlib
import json
import logging
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from booklore_world import FRESH, TLS, Seconds
from databases import put_empty_database
from sync_server import PAGE, SyncServer, form, object_answer

from booklore_core import BookRef, Declined, Item, ItemFailed, ItemRejected, Superseded, TargetUnavailable
from booklore_core.storage.database import Database
from booklore_core.storage.secrets import Secrets
from booklore_core.storage.store import Store
from booklore_core.testing.server.answers import Answer
from booklore_targets.kosync import Kosync, read_servers

MD5 = "a" * 32
DUNE = BookRef(MD5, "Dune")
EVENING = datetime(2026, 11, 20, 19, 0, tzinfo=UTC)
HERE, THERE = "/body/DocFragment[2]/body/p[1]/text().0", "/body/DocFragment[9]/body/p[2]/text().0"
GET, PUT = f"GET /syncs/progress/{MD5}", "PUT /syncs/progress"
KEY = hashlib.md5(b"spice").hexdigest()
IPAD = {"progress": THERE, "percentage": 0.71, "device": "ipad", "device_id": "i1"}
Open = Callable[..., Kosync]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    put_empty_database(tmp_path)
    database = Database(f"sqlite:///{tmp_path}/booklore.sqlite")
    yield Store(database, "kosync", Secrets(tmp_path / "secrets.json"))
    database.close()


@pytest.fixture
def start(seconds: Seconds) -> Iterator[Callable[..., SyncServer]]:
    with ExitStack() as opened:
        yield lambda **options: opened.enter_context(SyncServer(now=seconds, **options))


@pytest.fixture
def server(start: Callable[..., SyncServer]) -> SyncServer:
    return start(users={"paul": KEY})


@pytest.fixture
def at(store: Store, seconds: Seconds) -> Iterator[Open]:
    """A target at a server, as a new process would have it."""
    targets: list[Kosync] = []

    def open_one(
        server: SyncServer, account: str = "paul:spice", name: str = "club", ca_file: str | None = None
    ) -> Kosync:
        scheme = "https" if server.tls else "http"
        (known,) = read_servers(f"{name} = {scheme}://{account}@{server.place}").values()
        targets.append(Kosync(known, store, ca_file, seconds))
        return targets[-1]

    yield open_one
    for target in targets:
        target.close()


def place(percent: float, minute: int = 0, **changed: Any) -> Item:
    body = {"percent": percent, "position": HERE, "device": "Kobo Libra", "device_id": "kobo-7f3a", **changed}
    return Item("progress", f"{MD5}:{body['device_id']}", DUNE, body, EVENING + timedelta(minutes=minute))


def declined(work: Callable[[], object]) -> Declined:
    with pytest.raises(Declined) as found:
        work()
    return found.value


def pushes(server: SyncServer) -> list[float]:
    return [json.loads(body)["percentage"] for body in server.bodies("/syncs/progress")]


def test_position_is_told_byte_for_byte(server: SyncServer, at: Open) -> None:
    at(server).deliver(place(0.4242), FRESH)

    assert server.bodies("/syncs/progress") == [
        b'{"document": "%s", "progress": "/body/DocFragment[2]/body/p[1]/text().0", "percentage": 0.4242, '
        b'"device": "Kobo Libra", "device_id": "kobo-7f3a"}' % MD5.encode()
    ]
    assert server.places["paul", MD5]["percentage"] == 0.4242


def test_page_goes_as_text(server: SyncServer, at: Open) -> None:
    at(server).deliver(place(0.42, position="3"), FRESH)

    assert server.places["paul", MD5]["progress"] == "3"


def test_place_of_which_only_the_percentage_is_known_is_not_sent(server: SyncServer, at: Open) -> None:
    refusal = declined(lambda: at(server).deliver(place(0.42, position=None), FRESH))

    assert isinstance(refusal, ItemRejected)
    assert server.places == {}


@pytest.mark.parametrize("percent", [0.0, 0.0024])
def test_start_of_a_book_is_not_sent(server: SyncServer, at: Open, percent: float) -> None:
    at(server).deliver(place(percent), FRESH)

    assert server.places == {}


def test_same_position_is_not_pushed_again(server: SyncServer, at: Open) -> None:
    for _ in range(3):
        at(server).deliver(place(0.42), FRESH)

    assert pushes(server) == [0.42]


def test_position_of_another_reader_comes_back(server: SyncServer, at: Open, seconds: Seconds) -> None:
    server.places["paul", MD5] = {**IPAD, "timestamp": 1_790_000_500}

    remote = at(server).remote_progress(DUNE)

    assert remote is not None
    assert (remote.percent, remote.position, remote.device, remote.device_id) == (0.71, THERE, "ipad", None)
    assert remote.at == datetime.fromtimestamp(1_790_000_500, UTC)


def test_own_position_comes_back_with_who_read_there_and_when(server: SyncServer, at: Open) -> None:
    at(server).deliver(place(0.42), FRESH)

    remote = at(server).remote_progress(DUNE)

    assert remote is not None
    assert (remote.device_id, remote.at, remote.partial_md5) == ("kobo-7f3a", EVENING, MD5)


@pytest.mark.parametrize(
    "answer",
    [
        object_answer({}),
        object_answer({"message": "x"}),
        object_answer({"message": "Document not found"}, 404),
        Answer(404),
        Answer(204),
        object_answer({"message": "Document not found on server"}, 502),
        object_answer({"percentage": None, "progress": None}),
    ],
    ids=["nothing", "message", "404", "empty 404", "204", "502 of an imitator", "null"],
)
def test_no_progress_there_is_said_in_many_ways(server: SyncServer, at: Open, answer: Answer) -> None:
    server.trouble(GET, answer, times=2)

    assert at(server).remote_progress(DUNE) is None
    at(server).deliver(place(0.4), FRESH)

    assert pushes(server) == [0.4]


@pytest.mark.parametrize(
    "answer",
    [PAGE, Answer(200, b"<html></html>", "text/html"), Answer(404, b"404 page not found", "text/plain"), form(1000)]
    + [form(2000), object_answer({"message": "Bad gateway"}, 502), object_answer({}, 429), Answer(503)]
    + [Answer(302, headers=(("Location", "https://login.example/"),)), Answer(401, b"who?", "text/html"), None],
)
def test_page_or_a_failing_server_is_not_taken_for_no_progress(
    server: SyncServer, at: Open, answer: Answer | None
) -> None:
    server.places["paul", MD5] = {**IPAD, "timestamp": 1_790_000_500}
    server.trouble(GET, answer, lost="" if answer else "request")

    refusal = declined(lambda: at(server).deliver(place(0.4), FRESH))

    assert isinstance(refusal, TargetUnavailable)
    assert not refusal.maybe_sent
    assert pushes(server) == []


@pytest.mark.parametrize(
    ("told", "percent", "position"),
    [
        ({"percentage": 0.646, "progress": None, "device": "web", "device_id": "w1"}, 0.646, None),
        ({"percentage": 0.005, "progress": 3, "device": "d", "device_id": "x", "document": MD5}, 0.005, "3"),
        ({"percentage": 71, "progress": THERE}, 0.71, THERE),
        ({"percentage": 1, "progress": ""}, 1, None),
    ],
    ids=["P1", "P4", "of a hundred", "nothing but a percent"],
)
def test_imitators_are_understood(
    server: SyncServer, at: Open, told: dict[str, Any], percent: float, position: str | None
) -> None:
    server.trouble(GET, object_answer({**told, "timestamp": 1_790_000_000}))

    remote = at(server).remote_progress(DUNE)

    assert remote is not None
    assert (remote.percent, remote.position) == (pytest.approx(percent), position)


@pytest.mark.parametrize("percent", ["half", True, -1, 101, float("nan"), [0.5]])
def test_percentage_that_is_none_is_no_progress(server: SyncServer, at: Open, percent: Any) -> None:
    server.trouble(GET, object_answer({"percentage": percent, "progress": THERE}))

    assert at(server).remote_progress(DUNE) is None


@pytest.mark.parametrize("timestamp", [None, "yesterday", -5, 0, 1e300, float("inf")])
def test_time_that_is_none_is_not_told(server: SyncServer, at: Open, timestamp: Any) -> None:
    server.trouble(GET, object_answer({"percentage": 0.5, "timestamp": timestamp}))

    remote = at(server).remote_progress(DUNE)

    assert remote is not None
    assert remote.at is None


def test_newer_position_without_a_document_is_not_overwritten(server: SyncServer, at: Open) -> None:
    """P3."""
    server.trouble(GET, object_answer({**IPAD, "timestamp": 1_795_300_000}))

    refusal = declined(lambda: at(server).deliver(place(0.4), FRESH))

    assert isinstance(refusal, Superseded)
    assert pushes(server) == []


def test_somebody_elses_position_with_the_devices_own_id_is_not_overwritten(server: SyncServer, at: Open) -> None:
    at(server).deliver(place(0.42), FRESH)
    server.places["paul", MD5] = {**IPAD, "device_id": "kobo-7f3a", "device": "Kobo Libra", "timestamp": 1_795_300_000}

    remote = at(server).remote_progress(DUNE)
    refusal = declined(lambda: at(server).deliver(place(0.44, 5), FRESH))

    assert remote is not None
    assert (remote.device, remote.device_id) == (None, None)
    assert isinstance(refusal, Superseded)


@pytest.mark.parametrize(
    ("answer", "expected", "maybe_sent"),
    [
        (form(2003), ItemRejected, False),
        (form(2004), ItemRejected, False),
        (form(1000), TargetUnavailable, True),
        (form(2000), TargetUnavailable, True),
        (PAGE, TargetUnavailable, True),
        (object_answer({"message": "Book not found"}, 404), ItemRejected, False),
        (object_answer({"message": "oops"}, 500), ItemFailed, True),
    ],
)
def test_each_form_of_error_of_a_push(
    server: SyncServer, at: Open, answer: Answer, expected: type[Declined], maybe_sent: bool
) -> None:
    server.trouble(PUT, answer)

    refusal = declined(lambda: at(server).deliver(place(0.4), FRESH))

    assert (type(refusal), refusal.maybe_sent) == (expected, maybe_sent)


@pytest.mark.parametrize("status", [200, 202])
def test_both_forms_of_success_count(server: SyncServer, at: Open, status: int) -> None:
    server.trouble(PUT, object_answer({"document": MD5}, status))

    at(server).deliver(place(0.4), FRESH)

    assert pushes(server) == [0.4]


def test_push_whose_answer_is_lost_is_known_again(server: SyncServer, at: Open) -> None:
    server.trouble(PUT, lost="answer")
    refusal = declined(lambda: at(server).deliver(place(0.4), FRESH))
    assert refusal.maybe_sent

    at(server).deliver(place(0.4), FRESH)

    assert pushes(server) == [0.4]


def test_position_that_a_late_request_has_put_back_is_repaired(server: SyncServer, at: Open) -> None:
    server.trouble(PUT, lost="late")
    declined(lambda: at(server).deliver(place(0.4), FRESH))

    in_doubt = declined(lambda: at(server).deliver(place(0.45, 5), FRESH))
    server.arrive()
    at(server).deliver(place(0.45, 5), FRESH)

    assert (type(in_doubt), in_doubt.maybe_sent) == (ItemFailed, True)
    assert server.places["paul", MD5]["percentage"] == 0.45


def test_two_servers_remember_each_for_itself(start: Callable[..., SyncServer], at: Open) -> None:
    one, other = start(users={"paul": KEY}), start(users={"paul": KEY})
    at(one, name="one").deliver(place(0.42), FRESH)
    other.places["paul", MD5] = {**IPAD, "progress": HERE, "percentage": 0.42, "timestamp": 1_790_000_500}

    theirs = at(other, name="other").remote_progress(DUNE)

    assert theirs is not None
    assert theirs.device == "ipad"


def test_account_that_is_not_there_is_made(start: Callable[..., SyncServer], at: Open) -> None:
    server = start()

    at(server).deliver(place(0.4), FRESH)

    assert server.users == {"paul": KEY}
    assert server.bodies("/users/create") == [b'{"username": "paul", "password": "%s"}' % KEY.encode()]
    assert pushes(server) == [0.4]


def test_check_says_that_an_account_was_made(start: Callable[..., SyncServer], at: Open) -> None:
    server = start()

    first, second = at(server).check(), at(server).check()

    assert [line.detail for line in first + second] == [
        f"http://{server.place} answers, logged in as paul, whose account was made",
        f"http://{server.place} answers, logged in as paul",
    ]


@pytest.mark.parametrize(
    ("registers", "users", "said"),
    [
        (True, {"paul": "other"}, "refuses the password of paul"),
        (False, {}, "refuses paul with this password, and makes no account (User registration is disabled.)"),
    ],
)
def test_account_that_is_refused_says_so_without_the_password(
    start: Callable[..., SyncServer], at: Open, caplog: Any, registers: bool, users: dict[str, str], said: str
) -> None:
    server = start(registers=registers, users=users)

    with caplog.at_level(logging.DEBUG):
        refusal = declined(lambda: at(server).deliver(place(0.4), FRESH))
        (line,) = at(server).check()

    assert isinstance(refusal, TargetUnavailable)
    assert not refusal.maybe_sent
    assert said in refusal.reason
    assert not line.ok
    assert all("spice" not in text and KEY not in text for text in (refusal.reason, line.detail, caplog.text))


def test_server_below_a_path_is_found(start: Callable[..., SyncServer], at: Open) -> None:
    server = start(users={"paul": KEY}, base_path="/books/kosync")

    at(server).deliver(place(0.4), FRESH)

    assert pushes(server) == [0.4]


def test_user_name_goes_as_koreader_sends_it(start: Callable[..., SyncServer], at: Open) -> None:
    server = start(users={"Zoë 📖": KEY})

    at(server, account="Zo%C3%AB%20📖:spice").deliver(place(0.4), FRESH)

    assert pushes(server) == [0.4]


def test_certificate_is_verified(start: Callable[..., SyncServer], at: Open, tls: ssl.SSLContext) -> None:
    server = start(users={"paul": KEY}, tls=tls)

    refusal = declined(lambda: at(server).deliver(place(0.4), FRESH))
    at(server, ca_file=str(TLS / "ca.pem")).deliver(place(0.4), FRESH)

    assert "the TLS certificate was not accepted" in refusal.reason
    assert pushes(server) == [0.4]


def test_closed_visit_sends_nothing_more(server: SyncServer, at: Open) -> None:
    target = at(server)
    visit = target._open()
    target.close()

    refusal = declined(lambda: visit.put(place(0.4)))

    assert isinstance(refusal, TargetUnavailable)
    assert server.requests == []
