"""BookLore and Grimmory as a sync target: its settings, and the target itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from booklore_core import Setting, hookimpl
from booklore_targets.booklore.target import BookLore

if TYPE_CHECKING:
    from booklore_core import Section, Store


MENU = ("Authentication",)
PASSWORDS = ("password", "koreader_password")
"""What is sent to the server: it is bound to the settings that say where that is and how it is recognised."""


@hookimpl
def register_settings() -> Iterator[Setting]:
    yield Setting(
        "url",
        str,
        "",
        "Address of the BookLore or Grimmory server",
        env="BOOKLORE_URL",
        label="Server URL",
        menu=MENU,
        forgets=PASSWORDS,
    )
    yield Setting(
        "username", str, "", "Name of the account there", env="BOOKLORE_USERNAME", label="User name", menu=MENU
    )
    yield Setting(
        "password", str, "", "Its password", secret=True, env="BOOKLORE_PASSWORD", label="Password", menu=MENU
    )
    yield Setting(
        "koreader_username",
        str,
        "",
        "Name of the KOReader sync account; empty: the account's own one, made if there is none",
        env="BOOKLORE_KOREADER_USERNAME",
        label="KOReader user name",
        menu=MENU,
    )
    yield Setting(
        "koreader_password",
        str,
        "",
        "Password of the KOReader sync account",
        secret=True,
        env="BOOKLORE_KOREADER_PASSWORD",
        label="KOReader password",
        menu=MENU,
    )
    yield Setting(
        "ca_file",
        str,
        "",
        "File with the certificate of a private authority",
        label="CA file",
        menu=MENU,
        forgets=PASSWORDS,
    )
    yield Setting(
        "verify_tls",
        bool,
        True,
        "Verify the server's TLS certificate",
        label="Verify TLS",
        menu=MENU,
        forgets=PASSWORDS,
    )


@hookimpl
def register_targets(settings: Section, store: Store) -> Iterator[BookLore]:
    yield BookLore(settings, store)
