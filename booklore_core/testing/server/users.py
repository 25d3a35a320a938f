"""Who may do what: web accounts, their KOReader accounts and the rights to libraries."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field

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


def folded(name: str) -> str:
    """The name as the database compares it."""
    return name.rstrip(" ").casefold()
