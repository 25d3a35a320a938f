"""What the shim costs a reader who turns a page, closes a book or comes home after weeks. LuaJIT, as KOReader has it.

What KOReader has in C is done without Python here, as far as it counts: clock, files, fsync, JSON; HTTP over a bare
socket.
"""

from __future__ import annotations

import json
import re
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

import ereader
import requests
from test_weeks_without_a_core import Stopwatch, highlight, waiting

from tests.benchmarks.figures import Measured, best, figure

HERE = Path(__file__).parent
TURNS, MARKS, LINES, CLOSES = 10_000, 200, 10_000, 121
LONGEST = 20e-6
"""Seconds that a page turn may wait for the handler."""


class Device(ereader.EReader):
    """An e-reader whose files are read and written without Python in between."""

    def restart(self) -> None:
        before, after = HERE / "native_before.lua", HERE / "native.lua"
        kept, ereader.FAKE[:] = list(ereader.FAKE), [before, *ereader.FAKE, after]
        try:
            super().restart()
        finally:
            ereader.FAKE[:] = kept

    def _request(self, scheme: str, method: str, url: str, headers: Any, body: str) -> tuple[Any, str | None]:
        """Over a bare socket, as LuaSocket has one."""
        address = urlsplit(url)
        sent = [f"{method} {address.path} HTTP/1.1", f"Host: {address.netloc}", "Connection: close"]
        sent += [f"{key}: {value}" for key, value in headers.items()]
        with socket.create_connection((address.hostname, address.port), 10) as to, to.makefile("rb") as answer:
            to.sendall("\r\n".join([*sent, "", body]).encode("latin-1"))
            status, _, text = answer.read().partition(b"\r\n\r\n")
        return int(status.split()[1]), text.decode("latin-1")


@contextmanager
def on_disk() -> Iterator[Path]:
    """A folder where to wait for the disk takes time."""
    with tempfile.TemporaryDirectory(prefix="booklore-benchmark-", dir="/var/tmp") as folder:
        yield Path(folder)


@figure("shim-turn", "shim: a page turn", f"{LONGEST * 1e6:.0f} µs", 1)
def page_turn(folder: Path) -> Measured:
    device = Device(folder)
    device.open(annotations=[highlight(number) for number in range(MARKS)], pages=3000)
    count = device.lua.eval("function() collectgarbage() collectgarbage() return collectgarbage('count') end")
    device.ko.turns(2000)
    before, files, kib = device.ko.child.opened, device.ko.files, count()
    turns = sorted(device.ko.turns(TURNS).values())
    growth = count() - kib
    checkpoints, nothing = device.ko.files - files, device.lua.eval("function() end")
    empty = median(device.ko.turns(TURNS, nothing).values())
    assert device.ko.child.opened == before
    detail = f"an empty handler {empty * 1e6:.2f} µs, the slowest of a hundred {turns[-TURNS // 100] * 1e6:.1f} µs; "
    detail += f"{growth:+.1f} KiB over {TURNS:,} turns with {checkpoints:,.0f} checkpoints"
    return Measured(median(turns), LONGEST, detail=detail)


def closing(changes: bool) -> Measured:
    """Of a book with highlights: as it was at its last close, or with as many new ones."""
    ours, limit = list[float](), list[float]()
    with on_disk() as folder:
        device = Device(folder)
        for number in range(CLOSES):
            first = MARKS * number if changes else 0
            book = device.open(annotations=[highlight(first + one) for one in range(MARKS)], pages=3000)
            device.ko.turns(4)
            size = len(device.spool_bytes())
            device.ko.written("/settings/settled", "what was written before is on the disk")
            ours.append(device.ko.timed(device.ko.plugin.onCloseDocument, device.ko.plugin))
            written = device.spool_bytes()[size:]
            assert (b'"annotations"' in written) == (changes or not number), written[:300]
            limit.append(device.ko.written("/settings/plain", written.decode("latin-1")))
            assert book is not None
            device.close()
    return Measured(min(ours[1:]), min(limit[1:]), detail=f"{len(written):,} bytes")


@figure("shim-close", f"shim: a close with {MARKS} highlights as they were", "one write and fsync of its bytes", 2)
def unchanged(folder: Path) -> Measured:
    return closing(changes=False)


@figure("shim-close-new", f"shim: a close with {MARKS} new highlights", "one write and fsync of its bytes", 2)
def changed(folder: Path) -> Measured:
    return closing(changes=True)


class Taker(BaseHTTPRequestHandler):
    """A core that takes every line at once."""

    protocol_version = "HTTP/1.1"
    ID = re.compile(rb'{"v":1,"id":"([^"]+)"')

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        ids = [one.decode() for one in self.ID.findall(body)]
        answer = json.dumps({"ack": ids, "rejected": [], "effects": [], "state": {}}, separators=(",", ":")).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


def serve(ports: Any) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Taker)
    ports.put(server.server_address[1])
    server.serve_forever()


@contextmanager
def taker() -> Iterator[str]:
    spawn = get_context("fork")
    ports = spawn.Queue()
    process = spawn.Process(target=serve, args=(ports,), daemon=True)
    process.start()
    yield f"http://127.0.0.1:{ports.get(timeout=20)}"
    process.terminate()
    process.join(10)


def post(url: str, file: Path) -> None:
    requests.post(url, data=file.read_bytes(), timeout=30).raise_for_status()


@figure("shim-hand-over", f"shim: hand-over of {LINES:,} waiting lines", "the same bytes in one post", 3)
def hand_over(folder: Path) -> Measured:
    with taker() as url:
        ours, stalls, text = list[float](), list[float](), b""
        for number in range(7):
            device = Device(folder / str(number), config={"url": url, "token": "secret"})
            waiting(device, LINES)
            text, watch = device.spool_bytes(), Stopwatch(device)
            device.connected = True
            device.send("NetworkConnected")
            device.pass_time(4)
            assert [line["event"] for line in device.spool()] == ["device"]
            ours.append(device.ko.child.seconds)
            stalls.append(max(watch.stalls))
        (folder / "spool").write_bytes(text)
        plain = best(5, lambda: post(f"{url}/v1/events", folder / "spool"))
    return Measured(min(ours), plain, detail=f"the screen waits for {min(stalls) * 1000:.1f} ms at most")
