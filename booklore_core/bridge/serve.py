"""Runs the bridge: in the foreground for `booklore serve`, in a thread for the demo and for tests."""

import asyncio
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from email.utils import formatdate
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from booklore_core.bridge.app import create_app
from booklore_core.bridge.bridge import Bridge, Deadlines
from booklore_core.bridge.listening import Listening, address, announced, is_loopback
from booklore_core.bridge.mounts import check_mount
from booklore_core.bridge.patience import PatientProtocol
from booklore_core.bridge.web.gate import Keys
from booklore_core.core import Core
from booklore_core.storage.places import Places

ADDRESS = "BOOKLORE_BRIDGE_URL"
"""The variable that says where people and e-readers find the bridge, behind a proxy for one."""

BACKLOG = 128
LIMITS: dict[str, Any] = {"limit_concurrency": 64, "timeout_keep_alive": 15, "timeout_graceful_shutdown": 10}
SWITCH = 0.0005
"""Seconds that a thread keeps the interpreter while others want it. A call asks the database some fifty times, and may
wait that long after each."""

OPEN = "The bridge is open to the network and its traffic is not encrypted; put a proxy with TLS in front of it."


class CannotListen(Exception):
    """The address or port cannot be had; the text says why."""


def serve_until_stopped(places: Places, host: str, port: int) -> None:
    """Serves until SIGTERM or SIGINT. port 0 picks a free one; the first line on stdout is the address.

    Raises CannotListen, DatabaseUnusable.
    """
    sys.setswitchinterval(SWITCH)
    with closing(Core(places)) as core, serving(core, port, host) as url, stopping() as wait:
        if not is_loopback(host):
            sys.stderr.write(OPEN + "\n")
        mount = check_mount(places)
        if mount:
            sys.stderr.write(f"{mount.detail}: {mount.advice}.\n")
        sys.stdout.write(f"BookLore Sync bridge on {url}\n{page_line(core, host, url)}\n")
        sys.stdout.flush()
        wait()
    sys.stderr.write("booklore: stopped; e-readers keep what they write until the bridge is there again\n")


def page_line(core: Core, host: str, url: str) -> str:
    """Where the page is. Other computers get in by a link, once and within a day, or by the password."""
    if is_loopback(host) and not os.environ.get(ADDRESS):
        return f"The page: {url}/"
    listening = Listening(host, int(url.rpartition(":")[2]))
    return f"The page, for one browser, once and within a day: {page_link(core, listening)}"


def page_link(core: Core, listening: Listening) -> str:
    """A link that lets one browser in."""
    base = os.environ.get(ADDRESS, "").rstrip("/") or listening.url
    return f"{base}/enter?key={Keys(core).new_link()}"


@contextmanager
def serving(core: Core, port: int = 0, host: str = "127.0.0.1", deadlines: Deadlines | None = None) -> Iterator[str]:
    """Serves core in a thread and yields the URL. port 0: a free one. Raises CannotListen."""
    with (
        closing(listen(host, port)) as listener,
        closing(Bridge(core, deadlines or Deadlines())) as bridge,
        running(create_app(bridge, not is_loopback(host), os.environ.get(ADDRESS, "")), listener),
    ):
        bridge.catch_up()
        port = listener.getsockname()[1]
        with announced(core.places.home, Listening(host, port)):
            yield address(host, port)


@contextmanager
def running(app: ASGIApp, listener: socket.socket) -> Iterator[None]:
    """Answers with app what comes in at listener, in a thread of its own."""
    calm: dict[str, Any] = {"log_level": "warning", "access_log": False, "lifespan": "off", "http": PatientProtocol}
    server = SleepingServer(uvicorn.Config(dated(app), date_header=False, **calm, **LIMITS))
    thread = threading.Thread(target=server.run, args=([listener],), name="bridge", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.end()
        thread.join()


class SleepingServer(uvicorn.Server):
    """uvicorn looks ten times a second whether it shall end, and what time it is; this one sleeps until it is told to
    end. The processor of a small home server may sleep, too."""

    _loop: asyncio.AbstractEventLoop | None = None

    async def main_loop(self) -> None:
        await self.on_tick(0)  # the headers of every answer
        self._told = asyncio.Event()
        self._loop = asyncio.get_running_loop()  # last: whoever finds it may end all at once
        if not self.should_exit:
            await self._told.wait()

    def end(self) -> None:
        """From any thread."""
        self.should_exit = True
        with suppress(RuntimeError):  # it has ended already
            if self._loop:
                self._loop.call_soon_threadsafe(self._told.set)


def dated(app: ASGIApp) -> ASGIApp:
    """app, whose answers say when they were given."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                date = (b"date", formatdate(usegmt=True).encode())
                message = {**message, "headers": [*message.get("headers", ()), date]}
            await send(message)

        await app(scope, receive, send_dated)

    return answer


def listen(host: str, port: int) -> socket.socket:
    """A listening socket, so that nobody has to wait for the server to be up. Raises CannotListen."""
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(where)
        listener.listen(BACKLOG)
    except OSError as error:
        raise CannotListen(f"cannot listen on {host}, port {port}: {error.strerror}; see --host and --port") from error
    return listener


@contextmanager
def stopping() -> Iterator[Callable[[], object]]:
    """While it lasts SIGTERM and SIGINT end nothing; what it yields returns once one of them has come.

    A signal may come in the middle of anything, to any thread, or just before this one goes to sleep, and would wake up
    no lock then. What is written to a socket when it comes is there whenever it is looked for.
    """
    told, tells = socket.socketpair()
    with told, tells:
        tells.setblocking(False)
        before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGTERM, signal.SIGINT)}
        woken = signal.set_wakeup_fd(tells.fileno(), warn_on_full_buffer=False)

        def wait() -> None:
            while told.recv(1)[0] not in before:
                pass

        try:
            yield wait
        finally:
            signal.set_wakeup_fd(woken)
            for number, handler in before.items():
                signal.signal(number, handler)
