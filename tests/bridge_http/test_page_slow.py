"""Nobody keeps others out by calling slowly: a connection whose head or body does not come is given up."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import requests
from bridge_world import EReader, toasts

from booklore_core.bridge import patience
from booklore_core.core import Core
from booklore_core.flows import Action, Result
from booklore_core.testing import FakePlugin

MANY = 70


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HEAD_WITHIN", "BODY_WITHIN", "PART_WITHIN"):
        monkeypatch.setattr(patience, name, 0.3)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def call(stack: ExitStack, url: str, head: str) -> socket.socket:
    host, _, port = url.removeprefix("http://").partition(":")
    caller = stack.enter_context(socket.create_connection((host, int(port)), timeout=30))
    caller.sendall(head.replace("\n", "\r\n").encode())
    return caller


def heard(caller: socket.socket) -> bytes:
    """All that comes until the other side ends the connection."""
    with caller.makefile("rb") as file:
        return file.read()


FORM = "POST {} HTTP/1.1\nHost: 127.0.0.1\nContent-Type: application/json\nContent-Length: 100\n\nabc"


@pytest.mark.parametrize("head", ["", "GET / HT", "GET / HTTP/1.1\nHost: 127.0.0.1\n"])
def test_a_head_that_does_not_come_ends_the_connection(url: str, stack: ExitStack, head: str) -> None:
    assert heard(call(stack, url, head)) == b""


@pytest.mark.parametrize("head", ["GET / HT", "X"])
def test_neither_does_a_second_head_wait_forever(url: str, stack: ExitStack, head: str) -> None:
    caller = call(stack, url, "GET /v1/health HTTP/1.1\nHost: 127.0.0.1\n\n")
    assert caller.recv(4096).startswith(b"HTTP/1.1 200")
    caller.sendall(head.encode())

    assert heard(caller).count(b"HTTP/1.1 200") == 0


@pytest.mark.parametrize("path", ["/enter", "/do/toggle_sync", "/v1/pair"])
def test_a_body_that_does_not_come_is_refused_and_the_connection_ends(url: str, stack: ExitStack, path: str) -> None:
    assert heard(call(stack, url, FORM.format(path))).startswith(b"HTTP/1.1 408")


def test_a_paired_device_that_stops_in_the_middle_is_refused(url: str, stack: ExitStack, ereader: EReader) -> None:
    token = f"POST /v1/events HTTP/1.1\nAuthorization: Bearer {ereader.token}"

    assert heard(call(stack, url, FORM.replace("POST {} HTTP/1.1", token))).startswith(b"HTTP/1.1 408")


@pytest.mark.parametrize("head", ["GET / HT", FORM.format("/enter")])
def test_many_slow_callers_keep_nobody_out_for_long(core: Core, url: str, stack: ExitStack, head: str) -> None:
    callers = [call(stack, url, head) for _ in range(MANY)]
    for caller in callers:
        heard(caller)

    assert requests.get(f"{url}/v1/health", timeout=30).status_code == 200


def test_an_answer_that_takes_longer_is_waited_for(core: Core, url: str, ereader: EReader) -> None:
    def take_time(core: Core, request: Any) -> Any:
        threading.Event().wait(3 * patience.HEAD_WITHIN)
        yield from ()
        return Result("Done")

    core.plugins.register("slow_plugin", FakePlugin(actions=[Action("slowly", "Slowly", take_time)]))
    core.refresh()

    assert toasts(ereader.act("slowly")) == ["Done"]
