"""A pair of tokens, and what can be read from it without asking the server."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

SHORTEST_LIFE = 7200
"""Seconds. Grimmory's tokens live 2 h, BookLore's 10 h."""

MARGIN = 60.0
"""Seconds before its end at which a token is no longer used."""

YOUNG = 180.0
"""Seconds after its making for which a token is not refreshed: Grimmory refuses that in the first minute or two."""


@dataclass(frozen=True)
class Tokens:
    """An access token with the refresh token that belongs to it. account: see `Setup`.

    expires_at, issued_at: seconds since 1970; issued_at is 0 where it is not known.
    """

    url: str
    account: str
    access: str = field(repr=False)
    refresh: str = field(repr=False)
    expires_at: float
    issued_at: float = 0.0

    def is_fresh(self, now: float) -> bool:
        """Whether the access token should be good."""
        return self.expires_at - now > MARGIN

    def is_young(self, now: float) -> bool:
        """Whether Grimmory may refuse to refresh it yet, by clocks that may differ a little (contract §16)."""
        return abs(now - self.issued_at) < YOUNG

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def read_tokens(stored: Any) -> Tokens | None:
    """The pair that was stored, None when it is not one."""
    try:
        return Tokens(**stored)
    except TypeError:
        return None


def pasted_tokens(url: str, account: str, token: str) -> Tokens:
    """The pair that a refresh token makes as long as it was never traded: while it is young it serves as access token,
    which the servers allow (contract §3.2), and is due for a refresh afterwards."""
    made_at = claims_of(token).get("iat")
    issued_at = float(made_at) if isinstance(made_at, int | float) else 0.0
    return Tokens(url, account, token, token, issued_at + YOUNG + MARGIN, issued_at)


def life(answer: Mapping[str, Any]) -> float:
    """Seconds that the access token of a login's answer will be good for.

    Grimmory says so; for BookLore the token does, by the server's clock at both ends.
    """
    told = answer.get("expires")
    if isinstance(told, int) and not isinstance(told, bool) and told > 0:
        return told
    claims = claims_of(str(answer.get("accessToken")))
    try:
        return max(float(claims["exp"]) - float(claims["iat"]), 0.0)
    except (KeyError, TypeError, ValueError):
        return SHORTEST_LIFE


def claims_of(token: str) -> dict[str, Any]:
    """What a JSON web token says, unverified; empty when it is none."""
    part = (token.split(".") + [""])[1]
    try:
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except ValueError:
        return {}
    return claims if isinstance(claims, dict) else {}
