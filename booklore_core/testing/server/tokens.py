"""Access and refresh tokens, and the lock after bad passwords. Source: server-contract.md 3.1, 3.2."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field

from booklore_core.testing.server.answers import Refusal, conflict
from booklore_core.testing.server.dialects import Dialect
from booklore_core.testing.server.users import User

REFRESH_TOKEN_SECONDS = 30 * 24 * 3600
LOCK_SECONDS = 15 * 60
FAILURES_ALLOWED = 5
AT_ONCE_SECONDS = 0.05
_SIGNING_KEY = b"a fake server's tokens are nobody's secret"


@dataclass(frozen=True)
class Pair:
    access: str
    refresh: str


class IssuedTokens:
    """The tokens of one server. They live in its database, so they outlast a restart."""

    def __init__(self, dialect: Dialect, now: Callable[[], float]) -> None:
        self._dialect = dialect
        self._now = now
        self._access: dict[str, tuple[int, float]] = {}
        self._refresh: dict[str, tuple[int, float]] = {}
        self._good_from: dict[str, float] = {}
        self._issued_at: dict[int, float] = {}
        self._issued = 0

    def issue(self, user: User) -> Pair:
        """A new pair for the user; two of the same second would be equal and so collide, unless they have ids."""
        now, is_unique = self._now(), self._dialect.tokens_are_unique
        if not is_unique and user.id in self._issued_at and _collide(now, self._issued_at[user.id]):
            raise conflict()
        self._issued_at[user.id] = now
        pair = Pair(
            access=self._sign(user, now, self._dialect.access_token_seconds),
            refresh=self._sign(user, now, REFRESH_TOKEN_SECONDS, self._dialect.refresh_waits_seconds),
        )
        self._access[pair.access] = (user.id, now + self._dialect.access_token_seconds)
        self._refresh[pair.refresh] = (user.id, now + REFRESH_TOKEN_SECONDS)
        self._good_from[pair.refresh] = now + self._dialect.refresh_waits_seconds
        return pair

    def bearer(self, token: str) -> int | None:
        """The id of the user whose unexpired token this is. A refresh token serves as well."""
        user_id, expires = self._access.get(token) or (self.owner_of_refresh(token), float("inf"))
        return user_id if self._now() < expires else None

    def owner_of_refresh(self, token: str) -> int | None:
        """The id of the user whose token this is; None for one that is spent, expired or too young."""
        user_id, expires = self._refresh.get(token, (None, 0.0))
        return user_id if self._good_from.get(token, 0.0) <= self._now() < expires else None

    def rotate(self, token: str, user: User) -> Pair:
        """A new pair for a refresh token, which is spent; a collision leaves it good only on Grimmory."""
        if not self._dialect.refresh_is_transactional:
            del self._refresh[token]
        pair = self.issue(user)
        self._refresh.pop(token, None)
        return pair

    def expire(self, refresh_too: bool = False) -> None:
        """Let every access token issued so far be past its time."""
        self._access.clear()
        if refresh_too:
            self._refresh.clear()

    def _sign(self, user: User, now: float, lifetime: int, wait: int = 0) -> str:
        claims: dict[str, object] = {"iss": self._dialect.issuer} if self._dialect.issuer else {}
        self._issued += 1
        claims |= {"jti": f"{self._issued:032x}"} if self._dialect.tokens_are_unique else {}
        claims |= {"nbf": int(now) + wait} if wait else {}
        claims |= {"sub": user.username, "userId": user.id, "isDefaultPassword": False}
        claims |= {"iat": int(now), "exp": int(now) + lifetime}
        signed = f"{_part({'alg': 'HS256'})}.{_part(claims)}"
        signature = hmac.new(_SIGNING_KEY, signed.encode(), hashlib.sha256).digest()
        return f"{signed}.{_base64(signature)}"


@dataclass
class FailedTries:
    """Counts bad tries by whoever made them; the fifth locks for what is left of 15 minutes from the first."""

    now: Callable[[], float]
    _counted: dict[str, tuple[int, float]] = field(default_factory=dict)

    def refuse_locked(self, *keys: str) -> None:
        if any(self._count(key) >= FAILURES_ALLOWED for key in keys):
            raise Refusal(429, "Too many failed login attempts. Please try again later.")

    def count(self, *keys: str) -> None:
        for key in keys:
            failures = self._count(key)
            first = self._counted[key][1] if failures else self.now()
            self._counted[key] = (failures + 1, first)

    def forget(self, *keys: str) -> None:
        for key in keys:
            self._counted.pop(key, None)

    def _count(self, key: str) -> int:
        failures, first = self._counted.get(key, (0, 0.0))
        return failures if self.now() - first < LOCK_SECONDS else 0


def _collide(now: float, before: float) -> bool:
    # Two in a row collide across the turn of a second as well, so that tests need no luck.
    return int(now) == int(before) or abs(now - before) < AT_ONCE_SECONDS


def _part(claims: dict[str, object]) -> str:
    return _base64(json.dumps(claims, separators=(",", ":")).encode())


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
