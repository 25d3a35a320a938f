"""A pair of tokens, and what can be read from it without asking the server."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

SHORTEST_LIFE = 7200
"""Seconds. Grimmory's tokens live 2 h, BookLore's 10 h."""


@dataclass(frozen=True)
class Tokens:
    """An access token with the refresh token that belongs to it. expires_at: seconds since 1970."""

    url: str
    username: str
    access: str = field(repr=False)
    refresh: str = field(repr=False)
    expires_at: float

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def read_tokens(stored: Any) -> Tokens | None:
    """The pair that was stored, None when it is not one."""
    try:
        return Tokens(**stored)
    except TypeError:
        return None


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
