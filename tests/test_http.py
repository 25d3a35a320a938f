"""Requests over real HTTP: an answer is bounded in size and time, whatever the server sends."""

import gzip
import http.server
import threading
import time
from contextlib import contextmanager
from importlib.metadata import version

import pytest

from booklore_core import TargetUnavailable
from booklore_core.http import Client

MEGABYTE = 1024 * 1024


@contextmanager
def server_that(answers):
    """The address of a server that answers everything so. answers: called with the request's handler."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            answers(self)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *arguments):
            pass

    class Server(http.server.ThreadingHTTPServer):
        def handle_error(self, *arguments):
            """The client has hung up: that is what the tests are about."""

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def whole(body, *headers):
    """Answers with a body of known length."""

    def answer(handler):
        handler.send_response(200)
        for name, value in (("Content-Length", str(len(body))), *headers):
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def parts(parts, pause=0.0):
    """Answers in chunks, without saying how many."""

    def answer(handler):
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for part in parts():
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            time.sleep(pause)
        handler.wfile.write(b"0\r\n\r\n")

    return answer


def for_ever():
    while True:
        yield b" " * 65536


def drop_by_drop():
    for _ in range(200):
        yield b"."


@pytest.mark.parametrize(
    "answer",
    [
        whole(b"[1, 2]"),
        whole(gzip.compress(b"[1, 2]"), ("Content-Encoding", "gzip")),
        parts(lambda: [b"[1,", b" 2]"]),
    ],
)
def test_an_answer_is_read_whole_and_unpacked(answer):
    with server_that(answer) as url:
        response = Client(url).send("GET", "/")

    assert response.json() == [1, 2]
    assert response.content == b"[1, 2]"


def test_an_answer_without_a_body_is_one():
    with server_that(whole(b"")) as url:
        assert Client(url).send("GET", "/").text == ""


@pytest.mark.parametrize(
    "answer",
    [
        parts(for_ever),
        whole(b" " * (2 * MEGABYTE)),
        whole(gzip.compress(b" " * (50 * MEGABYTE)), ("Content-Encoding", "gzip")),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_answer_without_end_is_given_up(answer, method):
    with server_that(answer) as url, pytest.raises(TargetUnavailable, match="more than 1,048,576 bytes") as refusal:
        Client(url, max_body=MEGABYTE).send(method, "/")

    assert refusal.value.maybe_sent


def test_an_answer_that_trickles_is_given_up():
    began = time.monotonic()

    with (
        server_that(parts(drop_by_drop, pause=0.1)) as url,
        pytest.raises(TargetUnavailable, match="took longer than 0.3 s") as refusal,
    ):
        Client(url, answer_timeout=0.3).send("POST", "/")

    assert refusal.value.maybe_sent
    assert time.monotonic() - began < 5


def test_an_answer_that_stops_half_way_may_have_been_taken():
    def half(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "100")
        handler.end_headers()
        handler.wfile.write(b"{")
        handler.close_connection = True

    with server_that(half) as url, pytest.raises(TargetUnavailable, match="cut off") as refusal:
        Client(url).send("POST", "/")

    assert refusal.value.maybe_sent


def test_an_answer_that_never_comes_is_waited_for_so_long():
    with (
        server_that(lambda handler: time.sleep(1)) as url,
        pytest.raises(TargetUnavailable, match="no answer within 0.1 s") as refusal,
    ):
        Client(url, timeout=(1, 0.1)).send("POST", "/")

    assert refusal.value.maybe_sent


def test_a_connection_serves_many_requests():
    ports = []

    def answer(handler):
        ports.append(handler.client_address[1])
        whole(b"{}")(handler)

    with server_that(answer) as url:
        client = Client(url)
        for _ in range(3):
            client.send("GET", "/")
        client.close()

    assert len(set(ports)) == 1


def test_nobody_there_is_certainly_not_sent():
    with server_that(whole(b"")) as url:
        pass

    with pytest.raises(TargetUnavailable, match="cannot be reached") as refusal:
        Client(url).send("POST", "/")

    assert not refusal.value.maybe_sent


def test_who_does_not_answer_is_told_apart():
    plain = pytest.raises(TargetUnavailable, match="speaks no TLS: give its address with http://")
    with server_that(whole(b"{}")) as url, plain:
        Client(url.replace("http://", "https://")).send("GET", "/")
    with pytest.raises(TargetUnavailable, match="cannot be reached: nothing listens there"):
        Client(url).send("GET", "/")
    with pytest.raises(TargetUnavailable, match="cannot be reached: no such name is known here"):
        Client("http://nowhere.invalid").send("GET", "/")


def test_requests_say_who_asks_and_nothing_of_the_machine():
    seen = []

    def answer(handler):
        seen.append(dict(handler.headers))
        whole(b"{}")(handler)

    with server_that(answer) as url:
        Client(url).send("GET", "/")

    assert seen[0]["User-Agent"] == f"BookLore-Sync/{version('booklore-sync')}"
    assert set(seen[0]) == {"Host", "User-Agent", "Accept", "Accept-Encoding", "Connection"}


def test_a_proxy_of_the_environment_is_used_but_for_the_hosts_that_need_none(monkeypatch):
    asked = []

    def answer(handler):
        asked.append(handler.path)
        whole(b"{}")(handler)

    with server_that(answer) as url:
        monkeypatch.setenv("http_proxy", url)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        assert Client("http://books.example.org").send("GET", "/far").status_code == 200
        assert Client(url).send("GET", "/near").status_code == 200

    assert asked == ["http://books.example.org/far", "/near"]
