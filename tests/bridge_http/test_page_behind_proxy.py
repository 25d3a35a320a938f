"""The page below a path of a proxy that speaks TLS to the world: links, forms, pictures and the way in lead to it."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests
from page_world import Browser

from booklore_core.bridge.app import create_app
from booklore_core.bridge.bridge import Bridge
from booklore_core.bridge.web.gate import Keys
from booklore_core.core import Core

PREFIX, PASSWORD = "/our/reading", "a long walk at night"


class Proxy(BaseHTTPRequestHandler):
    """Takes the path away that it stands for, as `proxy_pass` does, and tells for whom it asks."""

    behind = ""

    def do_GET(self) -> None:
        if not self.path.startswith(f"{PREFIX}/"):
            self.send_error(404)
            return
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {**self.headers, "X-Forwarded-For": "203.0.113.9", "X-Forwarded-Prefix": PREFIX}
        url = self.behind + self.path.removeprefix(PREFIX)
        answer = requests.request(self.command, url, data=body, headers=headers, timeout=30, allow_redirects=False)
        self.send_response(answer.status_code)
        for name, told in answer.headers.items():
            if name.lower() not in ("content-length", "transfer-encoding", "connection", "content-encoding"):
                self.send_header(name, told)
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    do_POST = do_GET  # noqa: N815 the name is the handler's

    def log_message(self, *args: Any) -> None:
        """Nobody reads it."""


@pytest.fixture
def proxied(core: Core, switchboard: Any) -> Iterator[str]:
    """The page's address as the world sees it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("ProxyTo", (Proxy,), {"behind": switchboard.url}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with closing(Bridge(core)) as bridge:
        switchboard.app = create_app(bridge)
        yield f"http://127.0.0.1:{server.server_port}{PREFIX}"
    server.shutdown()
    server.server_close()


def test_one_enters_looks_around_and_does_something(core: Core, proxied: str) -> None:
    Keys(core).set_password(PASSWORD)
    browser = Browser(proxied)
    browser.get("queue")
    assert browser.view == f"{proxied}/enter"
    browser.press("Enter", password=PASSWORD)
    assert browser.view == f"{proxied}/" and "How it stands" in browser.text

    browser.get("actions")
    browser.press("Switch off", at="toggle_sync")

    assert browser.view == f"{proxied}/actions" and "Sync disabled" in browser.text
    assert not core.settings["sync.enabled"]


@pytest.mark.parametrize("view", ["", "books", f"books/{'0' * 32}", "ask/nobody", "nothing-here"])
def test_every_link_of_a_view_leads_somewhere(core: Core, proxied: str, view: str) -> None:
    browser = Browser(proxied)
    browser.get(f"enter?key={Keys(core).new_link()}")
    browser.press("Let me in")
    browser.session.headers["Accept"] = "text/html"
    at = browser.get(view).url

    for link in set(re.findall(r"""(?:href|src)="([^"#]+)""", browser.seen.text)):
        assert browser.session.get(requests.compat.urljoin(at, link), timeout=30).status_code == 200, link


def test_an_ereader_is_told_the_address_that_the_browser_has_reached(core: Core, proxied: str) -> None:
    browser = Browser(proxied)
    browser.session.headers["Host"] = "192.0.2.7"
    browser.get(f"enter?key={Keys(core).new_link()}")
    browser.press("Let me in")
    browser.get("devices")

    assert f'value="http://192.0.2.7{PREFIX}"' in browser.seen.text
