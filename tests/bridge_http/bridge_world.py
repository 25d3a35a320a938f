"""An e-reader as the bridge sees it: one HTTP client with a token."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Any

import requests

from booklore_core.bridge.pairing import new_code
from booklore_core.core import Core
from booklore_core.testing import SampleReader, sample_book

DUNE = sample_book()


@dataclass
class EReader:
    """Speaks the protocol. reader: writes its spool lines."""

    url: str
    id: str = "kobo-7f3a"
    token: str = ""
    reader: SampleReader = field(default_factory=SampleReader)

    @property
    def device(self) -> dict[str, str]:
        return {"id": self.id, "name": "Libra", "model": "Kobo_io"}

    def post(self, path: str, body: Any = None, **options: Any) -> requests.Response:
        return requests.post(f"{self.url}{path}", json=body, headers=self.headers, timeout=30, **options)

    def get(self, path: str) -> requests.Response:
        return requests.get(f"{self.url}{path}", headers=self.headers, timeout=30)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    def pair(self, code: str) -> requests.Response:
        answer = self.post("/v1/pair", {"code": code, "device": self.device})
        self.token = answer.json().get("token", self.token)
        return answer

    def hand_off(self, *lines: Any, **fields: Any) -> dict[str, Any]:
        """Posts lines, all those of its reader by default. Returns the answer."""
        body = {"device": self.device, "lines": list(lines or self.reader.lines), **fields}
        return ok(self.post("/v1/events", body))

    def act(self, action: str, /, *, book: Any = None, **args: Any) -> dict[str, Any]:
        return ok(self.post(f"/v1/actions/{action}", {"book": book, "args": args}))

    def answer(self, question: dict[str, Any], value: Any) -> dict[str, Any]:
        return ok(self.post(f"/v1/answers/{question['id']}", {"answer": value}))

    def menu(self) -> dict[str, Any]:
        return ok(self.get("/v1/menu"))


def ok(answer: requests.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def paired(core: Core, url: str, device: str = "kobo-7f3a") -> EReader:
    """A device with a token."""
    ereader = EReader(url, device, reader=SampleReader(device))
    ereader.pair(new_code(core)[0])
    return ereader


def wait_for_workers() -> None:
    """Until nothing goes on behind an answer any more."""
    while any("(settle)" in thread.name for thread in threading.enumerate()):
        time.sleep(0.01)


def toasts(answer: dict[str, Any]) -> list[str]:
    return [effect["text"] for effect in answer["effects"] if effect["type"] == "toast"]


def entry(menu: dict[str, Any], *path: str) -> dict[str, Any]:
    """A line of the menu by the texts on the way to it."""
    lines, found = menu["items"], {}
    for text in path:
        found = next(line for line in lines if line["text"] == text)
        lines = found.get("items", [])
    return found


def texts(lines: list[dict[str, Any]]) -> list[str]:
    return [line["text"] for line in lines]
