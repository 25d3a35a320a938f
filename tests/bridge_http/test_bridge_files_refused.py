"""Parts of files that are refused: by whom, how much, under which name. One bridge serves all these tests."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from bridge_world import EReader, ok, paired
from files_world import NOON, STATISTICS, kept, put

from booklore_core.bridge import serving
from booklore_core.core import Core
from booklore_core.storage.places import Places

MIB = 1024 * 1024
WHERE = f"offset=0&size=9&changed={NOON}"
HOSTILE = [
    "..", "../x.sqlite3", "..%2Fx.sqlite3", "%2Fetc%2Fpasswd", "%2e%2e/%2e%2e/x.sqlite3", "..%5Cx.sqlite3", "~.sqlite3",
    "a%00.sqlite3", "x.sqlite3%00", "x.sqlite3%0A", ".sqlite3", "-x.sqlite3", "x" * 300 + ".sqlite3", "X.SQLITE3",
    "x.sqlite3.json", "x.sqlite3-shm", "settings.reader.lua", "%C5%A1.sqlite3", "%FF.sqlite3", "x.sqlite3%20",
]  # fmt: skip


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Core]:
    core = Core(Places.from_environment({"BOOKLORE_HOME": str(tmp_path_factory.mktemp("home"))}), environ={})
    yield core
    core.close()


@pytest.fixture(scope="module")
def ereader(core: Core) -> Iterator[EReader]:
    with serving(core) as url:
        yield paired(core, url)


def asked(ereader: EReader, head: str, body: bytes = b"") -> tuple[int, str]:
    """What comes back for a request that is put on the wire as it is."""
    where = urlsplit(ereader.url)
    lines = [f"{head} HTTP/1.1", f"Host: {where.netloc}", f"Authorization: Bearer {ereader.token}", "Connection: close"]
    with socket.create_connection((where.hostname, where.port), timeout=5) as connection:
        connection.sendall("\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body)
        answer = b"".join(iter(lambda: connection.recv(65536), b"")).decode()
    return int(answer.split()[1]), answer


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_leads_out_of_the_folder(core: Core, ereader: EReader, name: str) -> None:
    status, _ = asked(ereader, f"PUT /v1/files/{name}?{WHERE}", b"evil")

    assert status in (404, 422)
    assert not [path for path in core.places.home.rglob("*") if path.is_file() and b"evil" in path.read_bytes()]
    assert kept(core) == []


@pytest.mark.parametrize("token", ["", "wrong", "kosync:someone"])
def test_without_the_right_token_nothing_is_kept(core: Core, ereader: EReader, token: str) -> None:
    refused = put(EReader(ereader.url, token=token), STATISTICS, b"evil", size=4)

    assert refused.status_code == 401
    assert kept(core) == []


@pytest.mark.parametrize(
    ("where", "field"),
    [
        ("size=9&changed=1", "offset"),
        ("offset=0&changed=1", "size"),
        ("offset=0&size=9", "changed"),
        ("offset=-1&size=9&changed=1", "offset"),
        ("offset=0&size=-9&changed=1", "size"),
        ("offset=0&size=9&changed=noon", "changed"),
        ("offset=0.5&size=9&changed=1", "offset"),
        ("offset=NaN&size=9&changed=1", "offset"),
    ],
)
def test_a_part_that_does_not_say_where_it_belongs_is_refused_by_field(
    ereader: EReader, where: str, field: str
) -> None:
    answer = requests.put(f"{ereader.url}/v1/files/{STATISTICS}?{where}", b"x", headers=ereader.headers, timeout=5)

    assert answer.status_code == 422
    assert [one["loc"] for one in answer.json()["detail"]] == [["query", field]]


def test_a_part_of_more_than_a_mebibyte_is_refused(core: Core, ereader: EReader) -> None:
    for body in (b"x" * (MIB + 1), (b"x" * MIB for _ in range(2))):
        answer = put(ereader, STATISTICS, body, size=9 * MIB)  # type: ignore[arg-type]

        assert answer.status_code == 413 and "1048576" in answer.json()["detail"]
    assert kept(core) == []


def test_a_file_that_is_too_large_is_refused_at_the_first_question(core: Core, ereader: EReader) -> None:
    answer = put(ereader, STATISTICS, size=512 * MIB + 1)

    told = "is larger than 512 MiB, which is the most that is taken of a file; take it over from a computer"
    assert (answer.status_code, answer.json()["detail"]) == (413, f"{STATISTICS} {told}")
    assert kept(core) == []


@pytest.mark.parametrize("offset", [0, 7, 10**15])
def test_a_part_that_goes_beyond_the_end_is_refused(core: Core, ereader: EReader, offset: int) -> None:
    answer = put(ereader, STATISTICS, b"too long", offset=offset, size=7)

    assert (answer.status_code, answer.json()["detail"]) == (422, "the part goes beyond the end of the file")
    assert kept(core) == []


def test_a_part_that_is_cut_off_on_its_way_changes_nothing(core: Core, ereader: EReader) -> None:
    where = urlsplit(ereader.url)
    head = f"PUT /v1/files/{STATISTICS}?{WHERE} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ereader.token}\r\n"
    with socket.create_connection((where.hostname, where.port), timeout=5) as connection:
        connection.sendall(f"{head}Content-Length: 9\r\n\r\nhalf".encode())

    assert ok(put(ereader, STATISTICS, size=9)) == {"held": 0}


def test_the_served_document_describes_the_call_and_its_bytes(ereader: EReader) -> None:
    document: dict[str, Any] = requests.get(f"{ereader.url}/openapi.json", timeout=5).json()

    call = document["paths"]["/v1/files/{name}"]["put"]
    assert call["requestBody"]["content"].keys() == {"application/octet-stream"}
    assert {one["name"]: one["in"] for one in call["parameters"]} == {
        "name": "path", "offset": "query", "size": "query", "changed": "query",
    }  # fmt: skip
    assert {"200", "401", "409", "413", "422", "429", "503", "507"} == call["responses"].keys()
    assert call["security"] and "sqlite3" in json.dumps(call["parameters"])
