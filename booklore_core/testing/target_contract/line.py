"""A way to a remote on loopback, on which requests and answers get lost, are refused, or wait."""

import http.client
import threading
from collections.abc import Callable, Collection, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"}
"""Headers of an answer that are about the way, not about the answer."""

REFUSALS = ("refuses", "unknown")
ANSWERS: Mapping[str, tuple[int, bytes]] = {
    "refuses": (422, b'{"message": "not like this"}'),
    "unknown": (404, b'{"message": "no such book"}'),
    "unauthorised": (401, b'{"message": "unauthorized"}'),
    "error": (500, b'{"message": "out of order"}'),
}
"""How a fault is answered: status and JSON."""

Answer = tuple[int, list[tuple[str, str]], bytes]
IsWrite = Callable[[str, str, bytes], bool]


class FaultyLine:
    """Passes requests on to a remote, but for what its fault does to them. url: where it is asked.

    is_write: told method, path and body, whether a request changes something. answers: how faults are answered.
    refused: which writes `refuses` and `unknown` are about, counted from 1. requests: what came in since the last fault
    began, as `POST /path`.
    """

    def __init__(self, remote: str, is_write: IsWrite, answers: Mapping[str, tuple[int, bytes]] = ANSWERS) -> None:
        self._answers = answers
        self._remote, self._is_write = urlsplit(remote), is_write
        self._fault, self._writes, self._released = "", 0, threading.Event()
        self._counting = threading.Lock()
        self.refused: Collection[int] = (2,)
        self.requests: list[str] = []
        self._port = 0
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}{self._remote.path}"

    def start(self) -> None:
        self._server = LineServer(("127.0.0.1", self._port), handler_for(self))
        self._port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        self._released.set()
        self._server.shutdown()
        self._server.server_close()

    def fail(self, fault: str) -> None:
        self._fault, self._writes, self._released = fault, 0, threading.Event()
        self.requests.clear()
        if fault == "unreachable":
            self.stop()

    def mend(self) -> None:
        if self._fault == "unreachable":
            self.start()
        self._fault = ""
        self._released.set()

    def answer(self, method: str, path: str, headers: list[tuple[str, str]], body: bytes) -> Answer | None:
        """What is answered to a request; None: the connection is cut."""
        fault, is_write = self._fault, self._is_write(method, path, body)
        with self._counting:
            self.requests.append(f"{method} {path}")
            self._writes += is_write
            write = self._writes
        if fault == "unauthorised" or (fault == "error" and is_write):
            return with_body(*self._answers[fault])
        if fault in REFUSALS and is_write and write in self.refused:
            return with_body(*self._answers[fault])
        if fault in ("silent", "hangs"):
            self._released.wait(60)
            return None if fault == "silent" else self._pass(method, path, headers, body)
        if fault in ("lost_request", "lost_answer") and write:
            if fault == "lost_answer" and is_write and write == 1:
                self._pass(method, path, headers, body)
            return None
        return self._pass(method, path, headers, body)

    def _pass(self, method: str, path: str, headers: list[tuple[str, str]], body: bytes) -> Answer:
        remote = http.client.HTTPConnection(self._remote.netloc, timeout=60)
        remote.request(method, path, body, dict(headers))
        answer = remote.getresponse()
        told = answer.status, [one for one in answer.getheaders() if one[0].lower() not in HOP], answer.read()
        remote.close()
        return told


def with_body(status: int, body: bytes) -> Answer:
    return status, [("Content-Type", "application/json")], body


class LineServer(ThreadingHTTPServer):
    daemon_threads, allow_reuse_address, block_on_close = True, True, False

    def handle_error(self, request: object, client_address: object) -> None:
        """Whoever asked has given it up."""


def handler_for(line: FaultyLine) -> type[BaseHTTPRequestHandler]:
    class LineHandler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            answer = line.answer(self.command, self.path, list(self.headers.items()), body)
            if answer is None:
                return
            status, headers, told = answer
            self.send_response(status)
            for name, value in [*headers, ("Content-Length", str(len(told)))]:
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(told)

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815 the names are the library's

        def log_message(self, *args: object) -> None:
            pass

    return LineHandler
