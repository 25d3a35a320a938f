"""The wire of the core on loopback: answers as the bridge promises to, with faults on demand."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class LoopbackCore:
    """Records what it was sent; acknowledges objects, rejects what is no object."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, Any, str | None]] = []
        self.lines: list[Any] = []
        self.state: dict[str, Any] = {}
        self.effects: list[dict[str, Any]] = []
        self.menu: dict[str, Any] = {"version": "1", "items": []}
        self.loses_answers, self.status, self.refusal = False, 200, b"no"
        self.url = ""

    def answer(self, method: str, path: str, body: Any) -> dict[str, Any]:
        effects, self.effects = self.effects, []
        if path == "/v1/pair":
            return {"token": f"token for {body['code']}"}
        if path == "/v1/menu":
            return self.menu
        if path == "/v1/actions/toggle_sync":
            self.state = self.state | {"enabled": body["args"]["enabled"]}
        reply: dict[str, Any] = {"effects": effects, "state": self.state}
        if path == "/v1/events":
            self.lines += body["lines"]
            good = [line["id"] for line in body["lines"] if isinstance(line, dict)]
            torn = [i for i, line in enumerate(body["lines"]) if not isinstance(line, dict)]
            reply |= {"ack": good, "rejected": [{"index": i, "error": "not an object"} for i in torn]}
        return reply

    def paths(self) -> list[str]:
        return [path for _, path, _, _ in self.requests]

    def bodies(self, path: str) -> list[Any]:
        return [body for _, at, body, _ in self.requests if at == path]

    def told(self, *events: str) -> list[dict[str, Any]]:
        """The lines of these events."""
        return [line for line in self.lines if isinstance(line, dict) and line["event"] in events]

    def events(self) -> list[str]:
        return [line["event"] for line in self.lines if isinstance(line, dict)]


@contextmanager
def serving(core: LoopbackCore | None = None) -> Iterator[LoopbackCore]:
    core = core or LoopbackCore()

    class Handler(BaseHTTPRequestHandler):
        def handle_request(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            raw = self.rfile.read(size)
            try:
                body = raw if self.command == "PUT" else json.loads(raw) if size else None
            except ValueError:
                self.send_error(422)
                return
            core.requests.append((self.command, self.path, body, self.headers.get("Authorization")))
            reply = (
                json.dumps(core.answer(self.command, self.path, body)).encode() if core.status == 200 else core.refusal
            )
            if core.loses_answers:
                self.close_connection = True
                return
            self.send_response(core.status)
            self.send_header("Content-Length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

        do_GET = do_POST = do_PUT = handle_request  # noqa: N815 - the names http.server calls

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    core.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield core
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
