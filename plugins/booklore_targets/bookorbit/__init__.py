"""BookOrbit, by what it offers to KOReader: everything that a reader does, under the key of the KOReader account.

Source: bookorbit contract.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

from booklore_core import Section, Setting, Store, Target, hookimpl
from booklore_targets.bookorbit.orbit_target import BookOrbit, Unset

KEY = re.compile(r"md5:[0-9a-f]{32}")


@hookimpl
def register_settings() -> Iterator[Setting]:
    about = "Address of your BookOrbit server"
    yield Setting("url", str, "", about, label="Address", forgets=("password",), needed=True, fits=bare_address)
    yield Setting("username", str, "", "Name of the KOReader account there", label="User", forgets=("password",))
    about = "Its password, of which only the MD5 is kept"
    yield Setting("password", str, "", about, label="Password", secret=True, fits=key_of)
    yield Setting("ca_file", str, "", "File of a private certificate authority", label="CA file", local=True)


@hookimpl
def register_targets(settings: Section, store: Store) -> Iterator[Target]:
    is_set = all(settings[name] for name in ("url", "username", "password"))
    yield BookOrbit(settings, store) if is_set else Unset(settings, store)


def key_of(password: str) -> str:
    """What opens the server in the place of the password, marked so that it is known when it is read again."""
    if not password or KEY.fullmatch(password):
        return password
    return f"md5:{hashlib.md5(password.encode(), usedforsecurity=False).hexdigest()}"


def bare_address(url: str) -> str:
    """Without the path that its interface has, and no slash at the end: BookOrbit takes a doubled one for another."""
    return re.sub(r"(/api(/v1)?)?/*$", "", url.strip())
