"""Speaks HTTP/1.1 over sockets, and cuts connections where a fault says so."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import ssl
import sys
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any, Literal, cast
from urllib.parse import parse_qsl, unquote, urlsplit

from booklore_core.testing.server.answers import Answer
from booklore_core.testing.server.routing import ServerRequest

IDLE_SECONDS = 60
BODY_LIMIT = 64 * 1024 * 1024
CUT_STATUS_LINE = len("HTTP/1.1 2")


@dataclass(frozen=True)
class Reply:
    """An answer and how much of it is sent before the connection is closed: `all` (kept open), `half` or `nothing`."""

    answer: Answer
    sent: Literal["all", "half", "nothing"] = "all"


Responder = Callable[[ServerRequest], Reply]


class Listener(socketserver.ThreadingTCPServer):
    """The listening socket on loopback, and the connections that came in."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, port: int, respond: Responder, tls: ssl.SSLContext | None = None) -> None:
        self.respond = respond
        self._tls = tls
        self._open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), Conversation)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        if self._tls is not None:
            connection = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is nobody's fault; anything else is shown with its traceback."""
        if not isinstance(sys.exception(), (ConnectionError, TimeoutError, ssl.SSLError)):
            super().handle_error(request, client_address)

    def close_all(self) -> None:
        """Close the socket and cut every connection."""
        self.server_close()
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class Conversation(BaseHTTPRequestHandler):
    """One connection: request after request, until somebody closes it."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = IDLE_SECONDS
    wbufsize = -1

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Every method is answered in the same way; the base class looks for do_GET, do_PUT and so on."""
        if name.startswith("do_"):
            return self._converse
        raise AttributeError(name)

    def _converse(self) -> None:
        request = self._read_request()
        reply = cast(Listener, self.server).respond(request)
        head, body = _written(reply.answer, request.method)
        if reply.sent == "all":
            self.wfile.write(head + body)
            self.wfile.flush()
            return
        self.close_connection = True
        if reply.sent == "half":
            # Without a body the status line is cut: headers that merely end look like a whole answer to clients.
            self.wfile.write(head + body[: len(body) // 2] if body else head[:CUT_STATUS_LINE])

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Nothing is logged: the server keeps a record of requests."""

    def _read_request(self) -> ServerRequest:
        # BaseHTTPRequestHandler folds leading slashes in self.path; the servers tell them apart.
        split = urlsplit("http://server" + self.requestline.split()[1])
        return ServerRequest(
            method=self.command,
            path=unquote(split.path),
            query=_parse_query(split.query),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self._read_body(),
        )

    def _read_body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            return self._read_chunks()
        return self.rfile.read(min(int(self.headers.get("Content-Length") or 0), BODY_LIMIT))

    def _read_chunks(self) -> bytes:
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body


def _parse_query(written: str) -> dict[str, str]:
    """The parameters by name; a repeated one is joined by commas, as a list is."""
    query: dict[str, str] = {}
    for name, value in parse_qsl(written, keep_blank_values=True):
        query[name] = f"{query[name]},{value}" if name in query else value
    return query


def _written(answer: Answer, method: str) -> tuple[bytes, bytes]:
    phrase = HTTPStatus(answer.status).phrase if answer.status in HTTPStatus._value2member_map_ else ""
    lines = [f"HTTP/1.1 {answer.status} {phrase}"]
    if answer.content_type:
        lines.append(f"Content-Type: {answer.content_type}")
    lines += [f"{name}: {value}" for name, value in answer.headers]
    if answer.status != HTTPStatus.NO_CONTENT:
        lines.append(f"Content-Length: {len(answer.body)}")
    head = "\r\n".join(lines) + "\r\n\r\n"
    return head.encode("latin-1", "replace"), b"" if method == "HEAD" else answer.body
