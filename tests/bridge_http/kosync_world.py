"""A device that speaks kosync only: what KOReader's own progress sync, CrossPoint and Readest put on the wire."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import requests
from bridge_world import DUNE

from booklore_core.bridge.accounts import key_of, new_account
from booklore_core.core import Core

DOCUMENT = DUNE["partial_md5"]
XPOINTER = "/body/DocFragment[11]/body/div/p[7]/text().123"
UNAUTHORIZED = {"code": 2001, "message": "Unauthorized"}


@dataclass
class SyncClient:
    """Speaks kosync with an account. model, id: what it tells of itself."""

    url: str
    user: str
    password: str
    model: str = "Kobo_clara"
    id: str = "1A2B3C4D5E6F"

    @property
    def headers(self) -> dict[str, str]:
        accept = "application/vnd.koreader.v1+json"
        return {"Accept": accept, "x-auth-user": self.user, "x-auth-key": key_of(self.password)}

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> requests.Response:
        data = None if body is None else json.dumps(body).encode()
        sent = {**self.headers, **headers}
        return requests.request(method, f"{self.url}/kosync{path}", data=data, headers=sent, timeout=30)

    def login(self) -> requests.Response:
        return self.call("GET", "/users/auth")

    def put(self, percentage: Any = 0.32, progress: Any = XPOINTER, **fields: Any) -> requests.Response:
        """Pushes where it is; a field that is ... is left out."""
        body = {"document": DOCUMENT, "progress": progress, "percentage": percentage}
        body |= {"device": self.model, "device_id": self.id, **fields}
        return self.call("PUT", "/syncs/progress", {name: value for name, value in body.items() if value is not ...})

    def push(self, percentage: float, progress: str = XPOINTER, **fields: Any) -> dict[str, Any]:
        answer = self.put(percentage, progress, **fields)
        assert answer.status_code == 200, answer.text
        taken: dict[str, Any] = answer.json()
        return taken

    def pull(self, document: str = DOCUMENT) -> dict[str, Any]:
        answer = self.call("GET", f"/syncs/progress/{document}")
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told


def client_of(core: Core, url: str, user: str = "anna", **fields: str) -> SyncClient:
    """A client of an account that is made for it."""
    return SyncClient(url, user, new_account(core, user), **fields)
