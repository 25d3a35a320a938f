"""The bridge answers like the reference sync server: routes, statuses, fields and errors."""

from __future__ import annotations

import json
import socket
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from kosync_world import DOCUMENT, UNAUTHORIZED, XPOINTER, SyncClient, client_of

from booklore_core.core import Core

NO_DOCUMENT = (403, {"code": 2004, "message": "Field 'document' not provided."})
INVALID = (403, {"code": 2003, "message": "Invalid request"})


@pytest.fixture
def kobo(core: Core, url: str) -> SyncClient:
    return client_of(core, url)


def refusal(answer: requests.Response) -> tuple[int, Any]:
    assert answer.headers["Content-Type"] == "application/json"
    return answer.status_code, answer.json()


def test_the_server_says_that_it_is_there(url: str) -> None:
    answer = requests.get(f"{url}/kosync/healthcheck", timeout=5)

    assert (answer.status_code, answer.json()) == (200, {"state": "OK"})


def test_right_name_and_key_are_authorized(kobo: SyncClient) -> None:
    answer = kobo.login()

    assert (answer.status_code, answer.text) == (200, '{"authorized":"OK"}')
    assert answer.headers["Content-Type"] == "application/json"


def test_registration_is_refused_and_says_what_to_do(kobo: SyncClient) -> None:
    for body in ({"username": "eve", "password": "0" * 32}, {}, None):
        status, problem = refusal(kobo.call("POST", "/users/create", body))

        assert (status, problem["code"]) == (402, 2005)
        assert problem["message"].startswith("User registration is disabled")
        assert "`booklore bridge kosync-user`" in problem["message"]


def test_what_is_pushed_comes_back(kobo: SyncClient, clock: Any) -> None:
    now = int(clock().timestamp())

    assert kobo.push(0.4213) == {"document": DOCUMENT, "timestamp": now}
    clock.forward(minutes=5)

    told = {"percentage": 0.4213, "progress": XPOINTER, "device": "Kobo_clara", "device_id": "1A2B3C4D5E6F"}
    assert kobo.pull() == {"document": DOCUMENT, "timestamp": now, **told}


def test_of_a_document_that_nobody_read_nothing_is_told(kobo: SyncClient) -> None:
    kobo.push(0.32)

    assert kobo.call("GET", "/syncs/progress/neverseen").text == "{}"


def test_the_last_push_counts_also_when_it_goes_back(kobo: SyncClient) -> None:
    for percentage, progress in [(0.32, "56"), (0.22, "36"), (0, "1"), (0.9, "90"), (0.22, "36")]:
        kobo.push(percentage, progress)

        told = kobo.pull()
        assert (told["percentage"], told["progress"]) == (percentage, progress)


@pytest.mark.parametrize("document", [DOCUMENT, DOCUMENT.upper(), "89isjkdaj9j", "abc123DEF_456", "x" * 300])
def test_a_document_is_kept_and_echoed_by_the_name_that_it_was_given(kobo: SyncClient, document: str) -> None:
    assert kobo.push(0.5, document=document)["document"] == document
    assert kobo.pull(document)["document"] == document
    assert kobo.pull("another") == {}


@pytest.mark.parametrize("document", [..., None, "", "a:b", 7, ["a"], {"a": 1}])
def test_a_push_without_a_document_is_refused(kobo: SyncClient, document: Any) -> None:
    assert refusal(kobo.put(document=document)) == NO_DOCUMENT
    assert refusal(kobo.put(..., ..., document=document)) == NO_DOCUMENT


@pytest.mark.parametrize("document", ["has-a-hyphen", "has.a.dot", "a/b", "ü", "a b", "\ud800"])
def test_a_document_that_could_not_be_asked_for_is_not_taken(kobo: SyncClient, document: str) -> None:
    status, problem = refusal(kobo.put(document=document))

    assert (status, problem["code"]) == (403, 2007)


def test_a_colon_is_in_no_document(kobo: SyncClient) -> None:
    assert refusal(kobo.call("GET", "/syncs/progress/a:b")) == NO_DOCUMENT


@pytest.mark.parametrize("field", ["progress", "percentage", "device"])
@pytest.mark.parametrize("value", [..., None, [], {}, True, False])
def test_a_push_that_lacks_something_is_refused_and_changes_nothing(kobo: SyncClient, field: str, value: Any) -> None:
    before = kobo.push(0.32)["timestamp"], kobo.pull()

    assert refusal(kobo.put(**{field: value})) == INVALID
    assert (before[0], kobo.pull()) == before


@pytest.mark.parametrize(
    "percentage", [1.5, 64.6, 100, -0.1, "64.6", "half", "", "0x1", "1_0", "nan", "inf", 10**400, float("nan"), 1e308]
)
def test_a_percentage_that_is_no_fraction_is_refused(kobo: SyncClient, percentage: Any) -> None:
    assert refusal(kobo.put(percentage)) == INVALID
    assert kobo.pull() == {}


@pytest.mark.parametrize(("given", "kept"), [(0.5, 0.5), ("0.5", 0.5), (" 1 ", 1), (1, 1), (0, 0), (1.0000001, 1)])
def test_a_percentage_is_told_as_a_number(kobo: SyncClient, given: Any, kept: float) -> None:
    kobo.push(given)

    assert kobo.pull()["percentage"] == kept


@pytest.mark.parametrize(("given", "kept"), [(3, "3"), (3.0, "3"), (3.5, "3.5"), ("3", "3"), ("", ""), ("0", "0")])
def test_a_position_is_told_as_text(kobo: SyncClient, given: Any, kept: str) -> None:
    kobo.push(0.1, given)

    assert kobo.pull()["progress"] == kept


def test_a_device_that_tells_no_id_is_told_without_one(kobo: SyncClient) -> None:
    for unknown in (..., None, [], {}):
        kobo.push(0.32, device_id=unknown)

        assert "device_id" not in kobo.pull()


@pytest.mark.parametrize(
    "metadata", [None, 5, [], {}, {"title": 7, "authors": ["x"], "filename": None}, {"title": "x" * 50_000}]
)
def test_metadata_of_whatever_kind_keeps_no_place_back(kobo: SyncClient, metadata: Any) -> None:
    kobo.push(0.32, metadata=metadata, timestamp=5, identifiers=[{"type": "content", "value": "x"}], unknown=[[[]]])

    assert kobo.pull()["percentage"] == 0.32


def test_metadata_names_a_book_that_nobody_told_of(core: Core, kobo: SyncClient) -> None:
    kobo.push(0.32, metadata={"filename": "dune.epub", "title": "Dune", "authors": "Frank Herbert\nBrian Herbert"})

    book = core.books.get(DOCUMENT)
    assert book is not None
    assert (book.title, book.authors, book.file) == ("Dune", ("Frank Herbert", "Brian Herbert"), "dune.epub")


def test_no_content_type_and_no_accept_are_asked_for(kobo: SyncClient) -> None:
    for headers in ({}, {"Accept": "*/*"}, {"Content-Type": "text/plain", "Accept": "application/json"}):
        body = {"document": DOCUMENT, "progress": "5", "percentage": 0.1, "device": "d"}

        assert kobo.call("PUT", "/syncs/progress", body, **headers).status_code == 200


def test_who_wants_answers_of_another_version_is_told_that_there_are_none(kobo: SyncClient) -> None:
    for method, path in [("GET", "/healthcheck"), ("GET", "/users/auth"), ("PUT", "/syncs/progress")]:
        answer = kobo.call(method, path, {}, Accept="application/vnd.koreader.v2+json")

        problem = {"code": 102, "message": "Unsupported version specified in the Accept header."}
        assert refusal(answer) == (412, problem)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, 103),
        (b"\xff\xfe\x00", 400, 103),
        (b"[" * 60_000, 400, 103),
        (b'{"document":' * 5_000, 400, 103),
        (b'{"percentage":' + b"9" * 5_000 + b"}", 400, 103),
        (b"[]", 400, 104),
        (b"null", 400, 104),
        (b"5", 400, 104),
        (b'"x"', 400, 104),
        (b"", 403, 2004),
        (b"{}", 403, 2004),
    ],
)
def test_what_is_no_json_object_is_refused(kobo: SyncClient, body: bytes, status: int, code: int) -> None:
    address, headers = f"{kobo.url}/kosync/syncs/progress", kobo.headers
    answer = requests.put(address, data=body, headers=headers, timeout=30)

    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_damaged_text_costs_no_place(kobo: SyncClient) -> None:
    kobo.push(0.32, "a\0b", device="\ud800Kobo", device_id="\udfff", metadata={"title": "\0\ud800"})

    told = kobo.pull()
    assert (told["progress"], told["device"], told["device_id"]) == ("a\ufffdb", "\ufffdKobo", "\ufffd")


@pytest.mark.parametrize("path", ["/users/create", "/syncs/progress"])
def test_no_more_than_64_kib_are_read(kobo: SyncClient, path: str) -> None:
    method = "PUT" if path == "/syncs/progress" else "POST"
    large = {"document": DOCUMENT, "progress": "x" * 65_536, "percentage": 0.1, "device": "d"}
    for data in (json.dumps(large), (part.encode() for part in json.dumps(large))):
        answer = requests.request(method, f"{kobo.url}/kosync{path}", data=data, headers=kobo.headers, timeout=30)

        assert (answer.status_code, answer.json()["code"]) in ((413, 2003), (402, 2005))
    assert kobo.pull() == {}


def test_a_wrong_key_is_refused_before_the_body_is_sent(kobo: SyncClient) -> None:
    where = urlsplit(kobo.url)
    head = f"PUT /kosync/syncs/progress HTTP/1.1\r\nHost: {where.netloc}\r\nContent-Length: 60000\r\n"
    with socket.create_connection((where.hostname, where.port), timeout=5) as connection:
        connection.sendall(f"{head}x-auth-user: anna\r\nx-auth-key: wrong\r\n\r\n".encode())
        told = b""
        while b"}" not in told:
            told += connection.recv(4096)

    assert told.startswith(b"HTTP/1.1 401") and json.loads(told.partition(b"\r\n\r\n")[2]) == UNAUTHORIZED


def test_when_the_database_cannot_be_used_clients_are_told_to_try_again(core: Core, kobo: SyncClient) -> None:
    core.places.database_file.rename(core.places.database_file.with_name("moved"))

    problem = {"code": 2000, "message": "Unknown server error."}
    assert refusal(kobo.put(0.32)) == (502, problem)


@pytest.mark.parametrize("call", [("DELETE", "/users/me"), ("PUT", "/users/password"), ("GET", "/syncs/progress")])
def test_other_calls_are_not_there(kobo: SyncClient, call: tuple[str, str]) -> None:
    assert kobo.call(*call, body={}).status_code in (404, 405)
