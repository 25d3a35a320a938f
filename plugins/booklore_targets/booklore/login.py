"""Gets and keeps the token that every call carries. At most one login a run, none with refused credentials."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from booklore_core import TargetUnavailable
from booklore_targets.booklore.answers import COLLISION, message, unavailable
from booklore_targets.booklore.refusals import Refusals
from booklore_targets.booklore.setup import Setup
from booklore_targets.booklore.tokens import Tokens, life, read_tokens

if TYPE_CHECKING:
    from requests import Response

    from booklore_core import Store

MARGIN = 60.0
"""Seconds before its end at which a token is no longer used."""

COLLISION_WAIT = 1.2
"""Seconds. Two tokens made for one account within a second are equal, and the second is refused (contract §3.1)."""

OUTAGE_SECONDS = 60.0
"""How long a run that could not log in does not try to again."""

log = logging.getLogger(__name__)


class Login:
    """The account's tokens. post(path, body) sends without an Authorization header, which BookLore would judge first.

    Source: server contract §2.6, §3.1, §3.2.
    """

    def __init__(
        self,
        setup: Setup,
        store: Store,
        post: Callable[[str, dict[str, str]], Response],
        clock: Callable[[], float],
        wait: Callable[[float], object],
    ) -> None:
        self._setup, self._store, self._post, self._clock, self._wait = setup, store, post, clock, wait
        self._refusals = Refusals(setup, store, clock)
        self._lock = threading.Lock()
        self._tokens: Tokens | None = None
        self._outage: str | None = None
        self._outage_at = 0.0

    def token(self) -> str:
        """An access token that should be good. Raises TargetUnavailable, nothing was sent then."""
        tokens = self._tokens or self._load()
        if tokens is None or not self._is_fresh(tokens):
            tokens = self._renew(tokens)
        self._tokens = tokens
        return tokens.access

    def renew(self, refused: str) -> str:
        """Another token than the refused one. Raises TargetUnavailable."""
        if self._tokens is None or self._tokens.access == refused:
            self._tokens = self._renew(self._tokens)
        return self._tokens.access

    def suspend(self, reason: str) -> TargetUnavailable:
        """Gives up for this run: tokens and credentials may be good, and are not tried again."""
        self._outage, self._outage_at = reason, self._clock()
        return TargetUnavailable(reason, maybe_sent=False)

    def start_afresh(self) -> None:
        """Logs in now, whatever was refused or kept before. Raises TargetUnavailable."""
        self._refusals.forget()
        with self._lock:
            self._outage = None
            self._tokens = self._log_in()

    def _renew(self, known: Tokens | None) -> Tokens:
        with self._lock:
            if self._outage and self._clock() - self._outage_at < OUTAGE_SECONDS:
                raise TargetUnavailable(self._outage, maybe_sent=False)
            stored = self._load()
            if stored and stored != known and self._is_fresh(stored):
                return stored  # another process was quicker
            return (self._refresh(stored) if stored and stored.refresh else None) or self._log_in()

    def _is_fresh(self, tokens: Tokens) -> bool:
        return tokens.expires_at - self._clock() > MARGIN

    def _load(self) -> Tokens | None:
        tokens = read_tokens(self._store.secrets.get("tokens"))
        if tokens and (tokens.url, tokens.username) == (self._setup.url, self._setup.username):
            return tokens
        return None

    def _refresh(self, tokens: Tokens) -> Tokens | None:
        """The next pair, None when this one is spent."""
        response = self._ask("/api/v1/auth/refresh", {"refreshToken": tokens.refresh})
        if response.status_code == 200:
            return self._keep(response)
        if response.status_code not in (400, 429):
            raise self._away(response)
        stored = self._load()
        if stored and stored != tokens:
            return stored  # another process has spent it, and kept what it got
        # A refresh that fails spends the token on BookLore; each further try would count towards a lock.
        self._store.secrets.set("tokens", replace(tokens, refresh="").as_json())
        return None

    def _log_in(self) -> Tokens:
        self._refusals.check()
        response = self._ask_login()
        if COLLISION in (message(response) or ""):
            self._wait(COLLISION_WAIT)
            response = self._ask_login()
        if response.status_code == 200:
            log.info("logged in")
            self._store.set("login", (self._store.get("login") or 0) + 1)
            return self._keep(response)
        raise self._refused(response)

    def _ask_login(self) -> Response:
        body = {"username": self._setup.username, "password": self._setup.password}
        return self._ask("/api/v1/auth/login", body)

    def _refused(self, response: Response) -> TargetUnavailable:
        text = message(response)
        if response.status_code == 429:
            return self._refusals.lock()
        if text is None or COLLISION in text or response.status_code not in (400, 403):
            return self._away(response)
        if response.status_code == 403:
            return self._refusals.refuse(f"the server refuses the login: {text}")
        return self._refusals.refuse("the server refuses the user name or password: run `booklore login`")

    def _keep(self, response: Response) -> Tokens:
        """The pair of an answer. It is stored before its first use: the one before it is spent."""
        from booklore_core.http import json_answer

        answer = json_answer(response, "accessToken", "refreshToken")
        if answer is None:
            raise self._away(response)
        expires_at = self._clock() + life(answer)
        tokens = Tokens(
            self._setup.url, self._setup.username, answer["accessToken"], answer["refreshToken"], expires_at
        )
        self._store.secrets.set("tokens", tokens.as_json())
        return tokens

    def _ask(self, path: str, body: dict[str, str]) -> Response:
        try:
            return self._post(path, body)
        except TargetUnavailable as error:
            raise self.suspend(error.reason) from error

    def _away(self, response: Response) -> TargetUnavailable:
        away = unavailable(response, writing=False)
        return self.suspend(away.reason if away else f"the server cannot log anybody in now ({response.status_code})")
