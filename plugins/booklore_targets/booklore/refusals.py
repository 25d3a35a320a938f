"""Remembers that the server refused to log somebody in: five failures would lock the owner out of the web page."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING

from booklore_core import TargetUnavailable
from booklore_targets.booklore.setup import Setup

if TYPE_CHECKING:
    from booklore_core import Store

LOCKED_SECONDS = 15 * 60


class Refusals:
    """Credentials that were refused, by their fingerprint, and the lock after too many failures.

    The fingerprint's key lies with the secrets, so the database alone does not let a password be guessed.
    """

    def __init__(self, setup: Setup, store: Store, clock: Callable[[], float]) -> None:
        self._setup, self._store, self._clock = setup, store, clock

    def check(self) -> None:
        """Raises TargetUnavailable when another try with these credentials would be refused as well."""
        refused = self._store.get("refused") or {}
        if refused and refused.get("fingerprint") == self._fingerprint():
            raise TargetUnavailable(str(refused.get("reason")), maybe_sent=False)
        locked = self._store.get("locked") or {}
        left = locked.get("until", 0.0) - self._clock()
        if locked.get("url") == self._setup.url and 0 < left <= LOCKED_SECONDS:
            raise TargetUnavailable(f"too many failed logins: the server is asked again in {left:.0f} s", False)

    def refuse(self, reason: str) -> TargetUnavailable:
        """Notes that these credentials are not to be tried again until they change."""
        self._store.set("refused", {"fingerprint": self._fingerprint(), "reason": reason})
        return TargetUnavailable(reason, maybe_sent=False)

    def lock(self) -> TargetUnavailable:
        """Notes that the server takes no logins at all for a while, right ones included."""
        self._store.set("locked", {"url": self._setup.url, "until": self._clock() + LOCKED_SECONDS})
        return TargetUnavailable("too many failed logins: the server takes none for up to 15 minutes", False)

    def forget(self) -> None:
        self._store.remove("refused")
        self._store.remove("locked")

    def _fingerprint(self) -> str:
        key = self._store.secrets.get("fingerprint_key")
        if not isinstance(key, str):
            key = secrets.token_hex(16)
            self._store.secrets.set("fingerprint_key", key)
        words = "\0".join((self._setup.url, self._setup.username, self._setup.password))
        return hmac.new(key.encode(), words.encode("utf-8", "surrogatepass"), "sha256").hexdigest()
