"""Accounts for devices that speak kosync only: a name, and a password of which no more than a hash is kept.

An account is a device whose token has a form of its own, so that it opens nothing but the kosync calls, and no device's
token opens those.
"""

import hashlib
import hmac
import re
import secrets

from booklore_core.bridge.pairing import Tries, hash_code, hash_token
from booklore_core.core import Core

PREFIX = "kosync:"
"""What the ids of accounts, of their devices and of nobody else begin with, and what is kept of a password, too."""

NAME = re.compile(r"[A-Za-z0-9._@-]{1,64}")
"""What every client sends unchanged: these clients put it into a header."""

LETTERS, LENGTH = "abcdefghjkmnpqrstuvwxyz", 12
"""Of a password: what is on the first layer of every e-reader's keyboard and looks like nothing else. 54 bits."""

BUCKETS = 256
"""So many groups of names are slowed down, each by itself: who guesses at one account must not lock out all others."""


class BadName(Exception):
    """An account cannot have this name; the text says why."""


def new_account(core: Core, name: str) -> str:
    """A password for an account, new or known; the one that it had before ends. Raises BadName."""
    if not NAME.fullmatch(name):
        raise BadName(f"{name!r} cannot be a name: take 1 to 64 letters, digits and any of . _ @ -")
    password, salt = "".join(secrets.choice(LETTERS) for _ in range(LENGTH)), secrets.token_hex(16)
    core.devices.pair(PREFIX + name, name, "kosync account", kept_of(key_of(password), salt), core.clock())
    return password


class Accounts:
    """Tells whose a name and key are."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._tries = [Tries(core.clock) for _ in range(BUCKETS)]
        self._right: dict[str, str] = {}  # name → guess that was right last: no guessing, whoever else is at it

    def find(self, name: str, key: str) -> str | None:
        """The id of the account with this name and key, None when there is none. Raises TooManyTries.

        A name that nobody has takes as long as a wrong key.
        """
        if not (name and key) or ":" in name:
            return None
        tries, guess = self._tries[hash(name) % BUCKETS], hash_token(f"{name}:{key}")
        if self._right.get(name) != guess:
            tries.count(guess)
        known = dict(self._core.devices.with_token()).get(PREFIX + name, "")
        salt = known.removeprefix(PREFIX).partition(":")[0]
        if not hmac.compare_digest(kept_of(key, salt), known):
            return None
        tries.take_back(guess)
        self._right[name] = guess
        return PREFIX + name


def key_of(password: str) -> str:
    """What clients send in its place."""
    return hashlib.md5(password.encode(), usedforsecurity=False).hexdigest()


def kept_of(key: str, salt: str) -> str:
    return f"{PREFIX}{salt}:{hash_code(key, salt)}"
