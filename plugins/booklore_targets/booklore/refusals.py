"""Remembers that the server refused to log somebody in: five failures would lock the owner out of the web page."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from booklore_targets.booklore.setup import NoLogin, Setup

if TYPE_CHECKING:
    from booklore_core import Store

LOCKED_SECONDS = 15 * 60

REPEAT_SECONDS = 24 * 3600
"""How often credentials that worked before are tried again: a database that was made anew refuses them, too."""

REMEMBERED = 20
"""Refusals kept: somebody who tries many passwords goes back to a refused one at most."""

DATABASE_AWAY = (
    "the server is up, its database is not",
    "start the database; what was read is kept until then",
)
PASTE = "`booklore login --token-file FILE` with a refresh token"
SPENT_TOKEN = (
    "the server takes the refresh token no more: it was used elsewhere, the answer to its last use got lost, or it is "
    "older than 30 days",
    f"sign in on the server's web page, close that without signing out, and run {PASTE} from the browser's storage",
    "sign in on the server's web page, close that without signing out, and give the refresh token from the browser's "
    "storage",
)
SINGLE_SIGN_ON = (
    "the server lets people in by single sign-on only",
    f"run `booklore login` with the account of a local admin, or {PASTE}",
    "give the account of a local admin, or a refresh token with --token-file",
)
"""What happened, what to do, and what to do for who is just logging in: the parts of a `NoLogin`."""


class Refusals:
    """Credentials that were refused, by their fingerprint, and the lock after too many failures.

    The fingerprint's key lies with the secrets, so the database alone does not let a password be guessed.
    """

    def __init__(self, setup: Setup, store: Store, clock: Callable[[], float]) -> None:
        self._setup, self._store, self._clock = setup, store, clock

    def check(self) -> None:
        """Raises NoLogin when another try with these credentials would be refused as well."""
        refused = self._all().get(self._fingerprint())
        if refused and not self._is_due(refused):
            raise NoLogin(refused["what"], refused["advice"], refused["here"])
        locked = self._store.get("locked") or {}
        left = locked.get("until", 0.0) - self._clock()
        if locked.get("url") == self._setup.url and 0 < left <= LOCKED_SECONDS:
            raise locked_out(f"for another {-(-left // 60):.0f} min")

    def refuse(self, refusal: NoLogin) -> NoLogin:
        """Notes that these credentials are not to be tried again until they change."""
        told = {"what": refusal.what, "advice": refusal.advice, "here": refusal.here, "at": self._clock()}
        others = {key: one for key, one in self._all().items() if key != self._fingerprint()}
        latest = list(others.items())[-REMEMBERED + 1 :]
        self._store.set("refusals", [*latest, (self._fingerprint(), told)])
        return refusal

    def lock(self) -> NoLogin:
        """Notes that the server takes no logins at all for a while, right ones included."""
        self._store.set("locked", {"url": self._setup.url, "until": self._clock() + LOCKED_SECONDS})
        return locked_out("for up to 15 min")

    def accept(self) -> None:
        """The credentials are good: nothing is held against them, and they are known to have worked."""
        own, all_refused = self._fingerprint(), self._all()
        if own in all_refused:
            self._store.set("refusals", [(key, told) for key, told in all_refused.items() if key != own])
        self._store.remove("locked")
        if not self.have_worked:
            self._store.set("worked", own)

    @property
    def have_worked(self) -> bool:
        """Whether somebody was logged in with these very credentials before."""
        return bool(self._store.get("worked") == self._fingerprint())

    def _is_due(self, refused: Mapping[str, Any]) -> bool:
        return self.have_worked and not 0 <= self._clock() - refused["at"] < REPEAT_SECONDS

    def _all(self) -> dict[str, dict[str, Any]]:
        """Fingerprint → what was told, the oldest first."""
        return dict(self._store.get("refusals") or ())

    def _fingerprint(self) -> str:
        key = self._store.secrets.get("fingerprint_key")
        if not isinstance(key, str):
            key = secrets.token_hex(16)
            self._store.secrets.set("fingerprint_key", key)
        words = "\0".join((self._setup.url, self._setup.username, self._setup.token or self._setup.password))
        return hmac.new(key.encode(), words.encode("utf-8", "surrogatepass"), "sha256").hexdigest()


def locked_out(how_long: str) -> NoLogin:
    what = f"too many failed logins: the server lets nobody in {how_long}, not even with the right password"
    return NoLogin(what, "wait; what was read is kept until then")
