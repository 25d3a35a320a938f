"""What the bridge refuses: no token, too much, and what has not the right shape. One bridge serves all these tests."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from bridge_world import EReader, paired

from booklore_core.bridge import serving
from booklore_core.core import Core
from booklore_core.events import SPOOLED
from booklore_core.storage.places import Places

CALLS = [("POST", "/v1/events"), ("POST", "/v1/actions/sync_pending"), ("POST", "/v1/answers/x"), ("GET", "/v1/menu")]
CALLS += [("PUT", "/v1/files/statistics.sqlite3?offset=0&size=2&changed=0")]
KIB, MIB = 1024, 1024 * 1024


@pytest.fixture(scope="module")
def ereader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EReader]:
    core = Core(Places.from_environment({"BOOKLORE_HOME": str(tmp_path_factory.mktemp("home"))}), environ={})
    with serving(core) as url:
        yield paired(core, url)
    core.close()


def problems(answer: requests.Response) -> list[Any]:
    assert answer.status_code == 422
    return [one["loc"] for one in answer.json()["detail"]]


def test_health_needs_no_token(ereader: EReader) -> None:
    answer = requests.get(f"{ereader.url}/v1/health", timeout=5)

    assert answer.json().keys() == {"ok", "version", "ready"}
    assert answer.json()["ok"] and answer.json()["ready"]


@pytest.mark.parametrize(("method", "path"), CALLS)
@pytest.mark.parametrize("token", ["", "guessed", "ü€"])
def test_every_other_call_needs_a_token(ereader: EReader, method: str, path: str, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}".encode()} if token else {}
    answer = requests.request(method, ereader.url + path, json={}, headers=headers, timeout=5)

    assert answer.status_code == 401
    assert "not paired" in answer.json()["detail"]


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize("size", [64 * KIB, 8 * MIB, 9 * MIB])
def test_without_a_token_the_answer_does_not_wait_for_the_body(ereader: EReader, method: str, size: int) -> None:
    status, text = answer_to_head(ereader, f"{method} /v1/events", f"Content-Length: {size}")

    assert status == (401 if method == "POST" else 405) and (method == "PUT" or "not paired" in text)


def test_without_a_token_nobody_is_told_to_go_on_sending(ereader: EReader) -> None:
    status, text = answer_to_head(ereader, "POST /v1/events", f"Content-Length: {MIB}", "Expect: 100-continue")

    assert status == 401 and "100 Continue" not in text


def test_who_sends_a_lot_without_a_token_sees_why_it_was_refused(ereader: EReader) -> None:
    for body in (b" " * (8 * MIB), (b" " * MIB for _ in range(9))):
        answer = requests.post(f"{ereader.url}/v1/events", data=body, timeout=30)

        assert answer.status_code == 401 and "not paired" in answer.json()["detail"]


@pytest.mark.parametrize("token", [True, False])
def test_pairing_takes_no_more_than_64_kib(ereader: EReader, token: bool) -> None:
    headers = as_json(ereader) if token else {}
    body = json.dumps({"code": "12345", "device": {"id": "kobo"}})
    padded = body + " " * (64 * KIB - len(body))

    assert problems(requests.post(f"{ereader.url}/v1/pair", data=padded, headers=headers, timeout=5))
    for too_large in (padded + " ", (part.encode() for part in (padded, " "))):
        answer = requests.post(f"{ereader.url}/v1/pair", data=too_large, headers=headers, timeout=5)
        assert answer.status_code == 413 and "65536" in answer.json()["detail"]


@pytest.mark.parametrize("code", ["12345", "abcdef", "1234567", "١٢٣٤٥٦", 123456, None])
def test_what_is_no_code_is_refused_by_field_and_not_repeated(ereader: EReader, code: object) -> None:
    answer = requests.post(f"{ereader.url}/v1/pair", json={"code": code, "device": {"id": "kobo"}}, timeout=5)

    assert problems(answer) == [["body", "code"]]
    assert "input" not in answer.text


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"lines": []}, ["body", "device"]),
        ({"device": {"id": ""}, "lines": []}, ["body", "device", "id"]),
        ({"device": {"id": "kobo-7f3a"}, "lines": "x"}, ["body", "lines"]),
        ({"device": {"id": "kobo-7f3a"}, "lines": [{}] * 1001}, ["body", "lines"]),
    ],
)
def test_a_hand_off_of_the_wrong_shape_is_refused_by_field(ereader: EReader, body: Any, field: list[str]) -> None:
    assert problems(ereader.post("/v1/events", body)) == [field]


def test_a_thousand_lines_are_taken(ereader: EReader) -> None:
    line = ereader.reader.network()

    assert ereader.hand_off(*[line] * 1000)["ack"] == [line["id"]] * 1000


def test_what_is_no_json_is_refused(ereader: EReader) -> None:
    answer = requests.post(f"{ereader.url}/v1/events", data=b'{"lines":', headers=as_json(ereader), timeout=5)

    assert answer.status_code == 422


def test_a_request_that_announces_more_than_8_mib_is_refused(ereader: EReader) -> None:
    answer = requests.post(f"{ereader.url}/v1/events", data=b" " * (8 * MIB + 1), headers=as_json(ereader), timeout=30)

    assert answer.status_code == 413
    assert "8388608" in answer.json()["detail"]


def test_a_request_that_turns_out_larger_than_8_mib_is_refused(ereader: EReader) -> None:
    chunks = (b" " * MIB for _ in range(9))
    answer = requests.post(f"{ereader.url}/v1/events", data=chunks, headers=as_json(ereader), timeout=30)

    assert answer.status_code == 413


def test_a_request_of_almost_8_mib_is_read(ereader: EReader) -> None:
    body = json.dumps({"device": ereader.device, "lines": [], "x": " " * (8 * MIB - 200)})
    answer = requests.post(f"{ereader.url}/v1/events", data=body, headers=as_json(ereader), timeout=30)

    assert answer.status_code == 200


@pytest.mark.parametrize("name", ["dance", "", "..", "set-setting"])
def test_an_unknown_action_is_not_found(ereader: EReader, name: str) -> None:
    assert ereader.post(f"/v1/actions/{name}", {"args": {}}).status_code == 404


@pytest.mark.parametrize("book", ["dune", {"title": "Dune"}, {"partial_md5": "xyz"}, 7])
def test_an_action_on_what_is_no_book_is_refused(ereader: EReader, book: Any) -> None:
    assert all(loc[:2] == ["body", "book"] for loc in problems(ereader.post("/v1/actions/about", {"book": book})))


def test_an_unknown_question_is_not_found(ereader: EReader) -> None:
    assert ereader.post("/v1/answers/xyz", {"answer": True}).status_code == 404


def test_the_served_document_describes_every_call_and_effect(ereader: EReader) -> None:
    document = requests.get(f"{ereader.url}/openapi.json", timeout=5).json()

    paths = {"/v1/health", "/v1/pair", "/v1/events", "/v1/actions/{name}", "/v1/answers/{id}", "/v1/menu"}
    paths.add("/v1/files/{name}")
    sync_server = {"healthcheck", "users/create", "users/auth", "syncs/progress", "syncs/progress/{document}"}
    assert document["paths"].keys() == paths | {f"/kosync/{path}" for path in sync_server}
    effects = {f"{name}Effect" for name in ("Toast", "Info", "GoTo", "Schedule", "SendFile", "Confirm", "Question")}
    assert effects <= document["components"]["schemas"].keys()


def test_the_served_document_describes_the_lines_of_the_spool(ereader: EReader) -> None:
    document = requests.get(f"{ereader.url}/openapi.json", timeout=5).json()

    schemas = document["components"]["schemas"]
    referred = re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document))
    lines = schemas["HandOff"]["properties"]["lines"]["items"]["anyOf"]
    events = {schemas[line["$ref"].rpartition("/")[2]]["properties"]["event"]["const"] for line in lines[:-1]}
    assert events == {event.name for event in SPOOLED} and lines[-1]["type"] == "string"
    assert set(referred) <= schemas.keys()
    close = schemas["BookClose"]
    assert {"v", "id", "event", "device", "at", "book"} == set(close["required"])
    assert {"reading", "annotations", "reason", "up", "boot"} < close["properties"].keys()


def as_json(ereader: EReader) -> dict[str, str]:
    return {**ereader.headers, "Content-Type": "application/json"}


def answer_to_head(ereader: EReader, call: str, *headers: str) -> tuple[int, str]:
    """What comes back for a request whose body is announced and never sent."""
    where = urlsplit(ereader.url)
    with socket.create_connection((where.hostname, where.port), timeout=5) as connection:
        connection.sendall("\r\n".join([f"{call} HTTP/1.1", f"Host: {where.netloc}", *headers, "", ""]).encode())
        head = b""
        while b"}" not in head:
            head += connection.recv(4096)
    return int(head.split()[1]), head.decode()
