"""One run's way to the server: every call with a good token, every answer the application's own."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from booklore_core import TargetUnavailable
from booklore_targets.booklore.answers import is_token_refused, refuse_redirect, unavailable
from booklore_targets.booklore.login import Login
from booklore_targets.booklore.refusals import DATABASE_AWAY
from booklore_targets.booklore.setup import Setup

if TYPE_CHECKING:
    from requests import Response

    from booklore_core import Store
    from booklore_core.http import Client

READ_TIMEOUT = 35.0
"""Seconds. With its database away the server answers after 30 s, a login too (contract §2.6)."""

SLOW_REFUSAL = 20.0
"""Seconds after which a refused token is the database's fault. No login follows: both together would take longer than
the minute after which the core gives a call up."""

log = logging.getLogger(__name__)


class Connection:
    """Talks to one server for one account until it is closed; a call that was given up cannot go on afterwards."""

    def __init__(
        self,
        setup: Setup,
        store: Store,
        clock: Callable[[], float] = time.time,
        wait: Callable[[float], object] = time.sleep,
    ) -> None:
        self.setup, self.store = setup, store
        self._client = open_client(setup, READ_TIMEOUT)
        self.now, self._closed = clock, False
        self.used_at = clock()
        self.login = Login(setup, store, self._send_login, clock, wait)
        self._tell_unverified()

    def ask(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        before: Callable[[], object] | None = None,
    ) -> Response:
        """The answer to a Bearer call, whatever it is; a refused token is replaced once. Raises TargetUnavailable.

        before: called before each try with its token taken, and may raise: whoever has refused an older token, to this
        call or to one at the same time, may be another server than before.
        """
        token = self.login.token()
        for _ in range(2):
            if before:
                before()
            sent = {**(headers or {}), "Authorization": f"Bearer {token}"}
            response = self._send(method, path, json=json, params=params, headers=sent)
            if not is_token_refused(response):
                return response
            if response.elapsed.total_seconds() > SLOW_REFUSAL:
                raise self.login.suspend(*DATABASE_AWAY)
            token = self.login.renew(token)
        raise self.login.suspend("the server refuses a token that it has just given")

    def read(
        self, path: str, *, params: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
    ) -> Response:
        """The application's answer to a GET, which changes nothing. Raises TargetUnavailable, maybe_sent False."""
        try:
            response = self.ask("GET", path, params=params, headers=headers)
        except TargetUnavailable as error:
            error.maybe_sent = False
            raise
        away = unavailable(response, writing=False)
        if away:
            raise away
        return response

    def ask_anonymously(
        self, path: str, headers: Mapping[str, str] | None = None, method: str = "GET", json: Any = None
    ) -> Response:
        """The answer to a call without a token. Raises TargetUnavailable, maybe_sent False for a GET."""
        try:
            return self._send(method, path, headers=headers, json=json)
        except TargetUnavailable as error:
            raise TargetUnavailable(error.reason, error.maybe_sent and method != "GET") from error

    def close(self) -> None:
        self._closed = True
        self._client.close()

    @property
    def is_unverified(self) -> bool:
        """Whether somebody on the way may listen, though it looks as if not."""
        return self.setup.url.startswith("https:") and not self.setup.verify_tls

    def _tell_unverified(self) -> None:
        """Says so once for each address."""
        if self.is_unverified and self.store.get("unverified") != self.setup.url:
            log.warning("%s: its TLS certificate is not verified (booklore.verify_tls)", self._client.host)
            self.store.set("unverified", self.setup.url)

    def _send_login(self, method: str, path: str, body: dict[str, str] | None) -> Response:
        return self._send(method, path, json=body)

    def _send(self, method: str, path: str, **sent: Any) -> Response:
        if self._closed:
            raise TargetUnavailable("the run has ended", maybe_sent=False)
        self.used_at = self.now()
        try:
            response = self._client.send(method, path, **sent)
        except OSError as error:
            raise TargetUnavailable(f"{self._client.host}: {type(error).__name__}; check the CA file", False) from error
        refuse_redirect(response, path, self._client.host)
        return response


def open_client(setup: Setup, read_timeout: float) -> Client:
    """A client of the server. Raises TargetUnavailable when the CA file is missing."""
    from booklore_core.http import CONNECT_TIMEOUT, Client

    if setup.ca_file and not Path(setup.ca_file).is_file():
        raise TargetUnavailable(f"booklore.ca_file: there is no file {setup.ca_file}", maybe_sent=False)
    return Client(
        setup.url,
        headers=setup.headers,
        ca_file=setup.ca_file,
        verify_tls=setup.verify_tls,
        timeout=(CONNECT_TIMEOUT, read_timeout),
    )
