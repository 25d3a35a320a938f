"""Who may see the page: everybody at this computer, else who has the password or a one-time link.

What is kept of all of them lies in the secrets file, hashed: a slow hash of the password, quick ones of what is random.
"""

import hashlib
import hmac
import ipaddress
import logging
import secrets
import threading
from collections import OrderedDict
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from booklore_core.bridge.listening import is_loopback
from booklore_core.bridge.pairing import Tries, hash_token
from booklore_core.core import Core

log = logging.getLogger(__name__)

UNTOLD_PROXY = (
    "a proxy stands before the page, or a link of another site led here: such calls need a password or a link"
)
UNTOLD_PROXY += "; set BOOKLORE_BRIDGE_URL to the address at the proxy, then every call does"

LINK_LIFE, VISIT_LIFE = timedelta(days=1), timedelta(days=90)
"""How long a link waits to be used, and how long a browser stays let in."""

MAX_LINKS, MAX_VISITS = 5, 50
"""So many are kept of each; the oldest goes first."""

MAX_NETWORKS = 1000
"""Of so many callers the wrong tries are remembered."""

LEAST_LETTERS, MOST_LETTERS = 8, 1024
COST: dict[str, Any] = {"n": 2**14, "r": 8, "p": 1, "dklen": 32}
"""16 MiB and about a twentieth of a second for each guess."""

PASSWORD, LINKS, VISITS = "password", "links", "visits"


class BadPassword(ValueError):
    """This cannot be the password; the text says why."""


class Keys:
    """The password, the links and the browsers that were let in. Every process may use it."""

    def __init__(self, core: Core) -> None:
        self._core, self._kept = core, core.secrets.of("page")

    @property
    def has_password(self) -> bool:
        return bool(self._kept.get(PASSWORD))

    def set_password(self, password: str) -> None:
        """Whoever was let in by another one is let in no more. Raises BadPassword."""
        if not LEAST_LETTERS <= len(password) <= MOST_LETTERS:
            raise BadPassword(f"the page's password needs at least {LEAST_LETTERS} letters, at most {MOST_LETTERS}")
        salt = secrets.token_hex(16)
        self._kept.set(PASSWORD, f"{salt}:{slow_hash(password, salt)}")
        self._kept.remove(VISITS)

    def forget_password(self) -> bool:
        """Returns whether there was one."""
        had = self.has_password
        self._kept.remove(PASSWORD)
        self._kept.remove(VISITS)
        return had

    def is_password(self, guess: str) -> bool:
        salt, _, known = str(self._kept.get(PASSWORD, "")).partition(":")
        return hmac.compare_digest(slow_hash(guess[:MOST_LETTERS], salt), known)

    def new_link(self) -> str:
        """The key of a link that lets one browser in, within a day."""
        return self._add(LINKS, LINK_LIFE, MAX_LINKS)

    def use_link(self, key: str) -> bool:
        return self._take(LINKS, key)

    def let_in(self) -> str:
        """What a browser shows from now on."""
        return self._add(VISITS, VISIT_LIFE, MAX_VISITS)

    def is_let_in(self, cookie: str) -> bool:
        return hash_token(cookie) in self._current(VISITS)

    def let_out(self, cookie: str) -> None:
        self._take(VISITS, cookie)

    def _add(self, what: str, life: timedelta, most: int) -> str:
        key = secrets.token_urlsafe(32)
        kept = {**self._current(what), hash_token(key): (self._core.clock() + life).timestamp()}
        self._kept.set(what, dict(sorted(kept.items(), key=lambda one: one[1])[-most:]))
        return key

    def _take(self, what: str, key: str) -> bool:
        kept = self._current(what)
        found = kept.pop(hash_token(key), None)
        if found is not None:
            self._kept.set(what, kept)
        return found is not None

    def _current(self, what: str) -> dict[str, float]:
        now = self._core.clock().timestamp()
        return {key: until for key, until in (self._kept.get(what) or {}).items() if until > now}


class Gate:
    """Judges calls. is_open: other computers reach the bridge. address: where people are told to find it, or ""."""

    def __init__(self, core: Core, is_open: bool, address: str = "") -> None:
        self.keys, self.is_open, self.address = Keys(core), is_open, address
        self._has_other_name = bool(address) and not is_loopback(urlsplit(address).hostname or "")
        self._has_seen_proxy = False
        self._clock, self._lock, self._key = core.clock, threading.Lock(), secrets.token_bytes(32)
        self._tries = OrderedDict[str, Tries]()

    def needs_key(self, is_direct: bool) -> bool:
        """Whether a browser has to be let in. is_direct: it is at this computer, and no proxy is seen between; where
        people find it under another name there is one, seen or not."""
        return self.is_open or self._has_other_name or not is_direct or self.keys.has_password

    def cookie_place(self, host: str, is_direct: bool) -> tuple[bool, str] | None:
        """Where a cookie belongs when the browser found this at the configured address: (over TLS only, path). None for
        one that found it elsewhere, as at this computer."""
        parts = urlsplit(self.address)
        if not self.address or (host != parts.hostname and (is_direct or not is_loopback(host))):
            return None
        return parts.scheme == "https", parts.path.rstrip("/") or "/"

    def note_proxy(self) -> None:
        """Says once, where a proxy shows that nobody was told of, how to tell."""
        if not (self.is_open or self.address or self._has_seen_proxy):
            self._has_seen_proxy = True
            log.warning(UNTOLD_PROXY)

    def try_password(self, guess: str, client: str = "") -> str | None:
        """What a browser shows from now on, None for a wrong password. client: the address it calls from, whose wrong
        tries hold up no other one. Raises TooManyTries."""
        attempt, tries = object(), self._tries_of(network_of(client))
        tries.count(attempt)
        if not (self.keys.has_password and self.keys.is_password(guess)):
            return None
        tries.take_back(attempt)
        return self.keys.let_in()

    def _tries_of(self, network: str) -> Tries:
        with self._lock:
            tries = self._tries.setdefault(network, Tries(self._clock))
            self._tries.move_to_end(network)
            while len(self._tries) > MAX_NETWORKS:
                self._tries.popitem(last=False)
        return tries

    def try_link(self, key: str) -> str | None:
        """The same for a link, which is used up by that. Nobody guesses 256 bits: others' tries hold it up never."""
        return self.keys.let_in() if self.keys.use_link(key) else None

    def form_token(self, cookie: str) -> str:
        """What every form of a browser carries, so that no other site can send one for it."""
        return hmac.new(self._key, cookie.encode(), "sha256").hexdigest()

    def is_form_token(self, cookie: str, given: str) -> bool:
        return hmac.compare_digest(self.form_token(cookie).encode(), given.encode("utf-8", "replace"))


def network_of(client: str) -> str:
    """What one caller has at least: an address, and of the long ones the /64 that it is in."""
    try:
        address = ipaddress.ip_address(client.partition("%")[0])
    except ValueError:
        return client
    return client if address.version == 4 else str(ipaddress.ip_network((address, 64), strict=False))


def slow_hash(password: str, salt: str) -> str:
    return hashlib.scrypt(password.encode("utf-8", "surrogatepass"), salt=salt.encode(), **COST).hex()
