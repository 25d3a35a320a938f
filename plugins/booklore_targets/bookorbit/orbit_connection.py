"""One run's way to a BookOrbit: one request at a time, and what its answers mean. Source: bookorbit contract 2, 12."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from booklore_core import ItemFailed, ItemRejected, TargetUnavailable

if TYPE_CHECKING:
    from requests import Response

    from booklore_core import Section

API, PLUGIN = "/api/v1", "/api/v1/koreader/plugin"
PATIENCE = 30.0
"""Seconds that a request waits for another one to end: the server mixes up what it is told at the same time."""

MOST_BYTES = 900 * 1024
"""Of a request; from 1 MiB on they are refused."""


LOG = "BookOrbit's log says why; each sync tries again"


class NotThere(ItemFailed):
    """The server has no such book."""


class KeyRefused(TargetUnavailable):
    """The server does not know the name, or not with this password."""


class SwitchedOff(TargetUnavailable):
    """The account's owner has switched its sync off."""


class OrbitConnection:
    """Asks until it is closed. settings: `url`, `username`, `password`, `ca_file`."""

    def __init__(self, settings: Section, line: threading.Lock) -> None:
        from booklore_core.http import Client

        name = str(settings["username"]).encode().decode("latin-1")  # goes as UTF-8 then, as KOReader sends it
        headers = {"x-auth-user": name, "x-auth-key": str(settings["password"]).removeprefix("md5:")}
        self._client = Client(settings["url"], headers=headers, ca_file=settings["ca_file"] or None)
        self._closed, self._line, self._refused = False, line, ""

    @property
    def host(self) -> str:
        return self._client.host

    def tell(self, name: str, body: dict[str, Any], writes: bool = True) -> dict[str, Any]:
        """What the plugin's interface answers to a POST. writes: whether it changes what is there. Raises Declined."""
        return self.ask("POST", f"{PLUGIN}/{name}", body, writes)

    def ask(self, method: str, path: str, body: Any = None, writes: bool = False, **params: Any) -> dict[str, Any]:
        """The object in an answer. Raises Declined, NotThere for what is not there."""
        from booklore_core.http import json_answer

        response = self._send(method, path, body, writes, params)
        answer = json_answer(response)
        if response.status_code in (200, 201) and isinstance(answer, dict):
            return answer
        raise self._refusal(response, answer, writes)

    def close(self) -> None:
        self._closed = True
        self._client.close()

    def _send(self, method: str, path: str, body: Any, writes: bool, params: dict[str, Any]) -> Response:
        if self._closed or self._refused:
            raise TargetUnavailable(self._refused or "the run has ended", maybe_sent=False)
        if not self._line.acquire(timeout=PATIENCE):
            raise TargetUnavailable(f"{self.host} is still busy with another request", maybe_sent=False)
        try:
            return self._client.send(method, path, json=without_nul(body), params=params or None)
        except TargetUnavailable as error:
            raise TargetUnavailable(error.reason, error.maybe_sent and writes) from error
        except OSError as error:
            raise TargetUnavailable(f"{self.host}: {type(error).__name__}; check the CA file", False) from error
        finally:
            self._line.release()

    def _refusal(self, response: Response, answer: Any, writes: bool) -> Exception:
        status, reason = response.status_code, f"{self.host} answers {response.status_code}: {message_of(answer)}"
        is_its_own = isinstance(answer, dict) and "statusCode" in answer
        if status == 401:
            self._refused = f"{self.host} refuses the KOReader account ({message_of(answer)})"
            return KeyRefused(self._refused, maybe_sent=False)
        if status == 403 and "disabled" in message_of(answer):
            return SwitchedOff(f"at {self.host} KOReader sync is switched off", maybe_sent=False)
        if status == 404 and message_of(answer).startswith("Cannot "):
            return TargetUnavailable(f"{self.host} is no BookOrbit with an interface for KOReader", maybe_sent=False)
        if status == 404 and is_its_own:
            return NotThere(reason)
        if status in (400, 403, 409, 413, 422) and is_its_own:
            return ItemRejected(reason)
        if status == 500 and is_its_own:  # also what the database does not take: the others go on
            reason = f"{self.host} fails at this with 500 ({message_of(answer)}): {LOG}"
            return ItemFailed(reason, maybe_sent=writes)
        is_refused = 300 <= status < 500  # other pages of a proxy's may stand before what was carried out
        return TargetUnavailable(f"{self.host} {elsewhere(status, answer)}", maybe_sent=writes and not is_refused)


def without_nul(body: Any) -> Any:
    """Without what its database takes in no text: it would fail at all that is told along with that."""
    if isinstance(body, str):
        return body.replace("\0", "")
    if isinstance(body, list):
        return [without_nul(one) for one in body]
    return {name: without_nul(one) for name, one in body.items()} if isinstance(body, dict) else body


def elsewhere(status: int, answer: Any) -> str:
    """What is said of an answer that is none of BookOrbit's."""
    if status == 429:
        return "answers 429: it is asked too often"
    if status >= 500:
        return f"answers {status}: what is there does not reach BookOrbit"
    if answer is None:
        return "answers with a web page, not as BookOrbit does: look at bookorbit.url"
    return f"does not answer as BookOrbit does ({status}): look at bookorbit.url"


def message_of(answer: Any) -> str:
    """A text, or the list that its validation gives."""
    said = answer.get("message") if isinstance(answer, dict) else None
    return str("; ".join(map(str, said)) if isinstance(said, list) else said or "no reason given")[:200]
