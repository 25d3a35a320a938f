"""Gets and keeps the token that every call carries. At most one login a run, none with refused credentials."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from booklore_core import TargetUnavailable
from booklore_targets.booklore.answers import COLLISION, json_body, message, unavailable
from booklore_targets.booklore.refusals import DATABASE_AWAY, PASTE, SINGLE_SIGN_ON, SPENT_TOKEN, Refusals
from booklore_targets.booklore.setup import RUN_LOGIN, NoLogin, Setup
from booklore_targets.booklore.tokens import YOUNG, Tokens, life, pasted_tokens, read_tokens

if TYPE_CHECKING:
    from requests import Response

    from booklore_core import Store

COLLISION_WAIT = 1.2
"""Seconds. Two tokens made for one account within a second are equal, and the second is refused (contract §3.1)."""

OUTAGE_SECONDS = 60.0
"""How long a run that could not log in does not try to again."""

log = logging.getLogger(__name__)


class Login:
    """The account's tokens. send(method, path, body) carries no Authorization header, which BookLore would judge first.

    Source: server contract §2.6, §3.1, §3.2, §16.
    """

    def __init__(
        self,
        setup: Setup,
        store: Store,
        send: Callable[[str, str, dict[str, str] | None], Response],
        clock: Callable[[], float],
        wait: Callable[[float], object],
    ) -> None:
        self._setup, self._store, self._send, self._clock, self._wait = setup, store, send, clock, wait
        self._refusals = Refusals(setup, store, clock)
        self._lock = threading.Lock()
        self._tokens: Tokens | None = None
        self._counted: Any = None
        self._outage: tuple[str, str] | None = None
        self._outage_at = 0.0

    def token(self) -> str:
        """An access token that should be good. Raises TargetUnavailable, nothing was sent then."""
        with self._lock:
            tokens = self._tokens or self._load()
            if tokens is None or not tokens.is_fresh(self._clock()):
                tokens = self._renew(tokens)
            return self._use(tokens)

    def renew(self, refused: str) -> str:
        """Another token than the refused one. Raises TargetUnavailable."""
        with self._lock:
            if self._tokens is None or self._tokens.access == refused:
                return self._use(self._renew(self._tokens))
            return self._tokens.access

    def suspend(self, what: str, advice: str = "") -> NoLogin:
        """Gives up for this run: tokens and credentials may be good, and are not tried again."""
        self._outage, self._outage_at = (what, advice), self._clock()
        return NoLogin(what, advice)

    @property
    def count(self) -> Any:
        """How many logins with the password there had been when the token in use was taken, by whomever."""
        return self._store.get("login") if self._tokens is None else self._counted

    def start_afresh(self) -> None:
        """Logs in now, whatever was refused or kept before. Raises TargetUnavailable."""
        with self._lock:
            self._outage = None
            tokens = self._load() if self._setup.token else None
            if tokens and tokens.is_fresh(self._clock()):
                self._count()
            else:
                tokens = self._rotate(tokens, afresh=True) if tokens else self._log_in(afresh=True)
            self._use(tokens)

    def _use(self, tokens: Tokens) -> str:
        if tokens != self._tokens:
            self._tokens, self._counted = tokens, self._store.get("login")
        return tokens.access

    def _renew(self, known: Tokens | None) -> Tokens:
        if self._outage and self._clock() - self._outage_at < OUTAGE_SECONDS:
            raise NoLogin(*self._outage)
        stored = self._load()
        if stored and stored != known and stored.is_fresh(self._clock()):
            return stored  # another process was quicker
        if stored and self._setup.token:
            return self._rotate(stored)
        may_refresh = stored and stored.refresh and not stored.is_young(self._clock())
        return (self._refresh(stored) if stored and may_refresh else None) or self._log_in()

    def _load(self) -> Tokens | None:
        """The pair that is kept; before the first use of a pasted token, that."""
        setup = self._setup
        tokens = read_tokens(self._store.secrets.get("tokens"))
        if tokens and (tokens.url, tokens.account) == (setup.url, setup.account):
            return tokens
        return pasted_tokens(setup.url, setup.account, setup.token) if setup.token else None

    def _rotate(self, tokens: Tokens, afresh: bool = False) -> Tokens:
        """The next pair where there is no password to go back to. Raises TargetUnavailable, the token is kept then."""
        if tokens.is_young(self._clock()):
            left = tokens.issued_at + YOUNG - self._clock()
            what = "the server does not take the token yet: it is less than three minutes old"
            raise NoLogin(what, f"it will be used in {left:.0f} s", f"try again in {left:.0f} s")
        if not afresh:
            self._refusals.check()
        if tokens.access == self._setup.token:
            self._count()
        rotated = self._refresh(tokens)
        if rotated is None:
            raise self._refusals.refuse(NoLogin(*SPENT_TOKEN))
        self._refusals.accept()
        return rotated

    def _refresh(self, tokens: Tokens) -> Tokens | None:
        """The next pair, None when this one is spent."""
        response = self._ask("/api/v1/auth/refresh", {"refreshToken": tokens.refresh})
        if response.status_code == 200:
            return self._keep(response)
        has_password, text = not self._setup.token, message(response)
        if response.status_code == 429 and not has_password:
            raise self._refusals.lock()
        is_refused = text is not None and (has_password or COLLISION not in text)
        if response.status_code not in (400, 401, 429) or not is_refused:
            raise self._away(response)
        if not has_password:
            self._wait(COLLISION_WAIT)  # who has spent it may be about to keep what it got
        stored = self._load()
        if stored and stored != tokens:
            return stored  # another process has spent it, and kept what it got
        if has_password:
            # A refresh that fails spends the token on BookLore; each further try would count towards a lock.
            self._store.secrets.set("tokens", replace(tokens, refresh="").as_json())
        return None

    def _log_in(self, afresh: bool = False) -> Tokens:
        if not afresh:
            self._refusals.check()
        response = self._ask_login()
        if COLLISION in (message(response) or ""):
            self._wait(COLLISION_WAIT)
            response = self._ask_login()
        if response.status_code != 200:
            raise self._refused(response)
        self._count()
        tokens = self._keep(response)
        log.info("logged in")
        self._refusals.accept()
        return tokens

    def _ask_login(self) -> Response:
        body = {"username": self._setup.username, "password": self._setup.password}
        return self._ask("/api/v1/auth/login", body)

    def _refused(self, response: Response) -> NoLogin:
        text = message(response)
        if response.status_code == 429:
            return self._refusals.lock()
        if text is None or COLLISION in text or response.status_code not in (400, 401, 403):
            return self._away(response)
        return self._refusals.refuse(self._refusal(response.status_code, text))

    def _refusal(self, status: int, text: str) -> NoLogin:
        """What a refused login means, and what can be done about it on this server."""
        if status == 403:
            if "local login" in text.lower():
                return NoLogin(*SINGLE_SIGN_ON)
            return NoLogin(f"the server refuses the login: {text}", RUN_LOGIN, "ask an admin of the server")
        what, advice = "the server refuses the user name or password", RUN_LOGIN
        here = "check them, and that the account is one of this server"
        if self._refusals.have_worked:
            what += ", which worked before"
            advice = f"they are tried again once a day; {RUN_LOGIN} if they have changed"
        if self._has_single_sign_on():
            other = "an account of its single sign-on has no password here and needs"
            advice, here = f"{advice}; {other} {PASTE}", f"{here}; {other} a refresh token with --token-file"
        return NoLogin(what, advice, here)

    def _has_single_sign_on(self) -> bool:
        try:
            told: Any = json_body(self._send("GET", "/api/v1/public-settings", None))
        except TargetUnavailable:
            return False
        return isinstance(told, dict) and bool(told.get("oidcEnabled") or told.get("oidcForceOnlyMode"))

    def _count(self) -> None:
        """Counts logins: whoever takes new credentials may be another server than before. It comes before the new token
        is kept, so that nobody has that without the count."""
        self._store.set("login", (self._store.get("login") or 0) + 1)

    def _keep(self, response: Response) -> Tokens:
        """The pair of an answer. It is stored before its first use: the one before it is spent."""
        from booklore_core.http import json_answer

        answer = json_answer(response, "accessToken", "refreshToken")
        if answer is None:
            raise self._away(response)
        now, setup = self._clock(), self._setup
        access, refresh = answer["accessToken"], answer["refreshToken"]
        tokens = Tokens(setup.url, setup.account, access, refresh, now + life(answer), now)
        self._store.secrets.set("tokens", tokens.as_json())
        return tokens

    def _ask(self, path: str, body: dict[str, str]) -> Response:
        try:
            return self._send("POST", path, body)
        except TargetUnavailable as error:
            raise self.suspend(error.reason) from error

    def _away(self, response: Response) -> NoLogin:
        if response.status_code == 500 and message(response):
            return self.suspend(*DATABASE_AWAY)
        away = unavailable(response, writing=False)
        return self.suspend(away.reason if away else f"the server cannot log anybody in now ({response.status_code})")
