"""Who may do what: web accounts, their KOReader accounts and the rights to libraries."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass, field
from functools import lru_cache

ZERO_WIDTH = "\u200b\u200c\u200d\u2060\ufeff"
PERMISSIONS = ("admin", "download", "delete", "sync_koreader", "bulk_status", "edit_metadata")


@dataclass(frozen=True)
class User:
    """A web account. libraries: ids assigned; permissions: of PERMISSIONS, `admin` stands for all."""

    id: int
    username: str
    password: str
    libraries: frozenset[int] = frozenset()
    permissions: frozenset[str] = frozenset()

    @property
    def is_admin(self) -> bool:
        return "admin" in self.permissions

    def may(self, permission: str) -> bool:
        return self.is_admin or permission in self.permissions

    def sees(self, library_id: int) -> bool:
        """True for an admin and for everybody to whom the library is assigned."""
        return self.is_admin or library_id in self.libraries


@dataclass
class KoreaderUser:
    """The KOReader sync account of a web account; syncing starts switched off."""

    id: int
    user_id: int
    username: str
    password: str = field(repr=False)
    sync: bool = False
    web_reader: bool = False

    @property
    def key(self) -> str:
        return hashlib.md5(self.password.encode(), usedforsecurity=False).hexdigest()

    def accepts(self, key: str) -> bool:
        """Whether key is the MD5 of the password, in any letter case."""
        return bool(re.fullmatch(r"[0-9a-fA-F]+", key)) and key.lower() == self.key


def same_name(one: str, other: str) -> bool:
    """Names are compared without case and without trailing spaces."""
    return folded(one) == folded(other)


@lru_cache(maxsize=65_536)
def folded(name: str) -> str:
    """The name as the database compares it: without case, accents, width, zero-width characters and trailing blanks.
    Source: server-contract.md 2.5."""
    plain = unicodedata.normalize("NFKD", name)
    kept = (one for one in plain if not unicodedata.combining(one) and one not in ZERO_WIDTH)
    return "".join(kept).casefold().rstrip()
