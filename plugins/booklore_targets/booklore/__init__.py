"""BookLore and Grimmory as a sync target: its settings, and the target itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from booklore_core import Action, Flow, ItemFailed, Request, Setting, hookimpl
from booklore_targets.booklore.target import BookLore

if TYPE_CHECKING:
    from booklore_core import Fact, Item, Section, Store


setting = partial(Setting, menu=("Authentication",))
PASSWORDS = ("password", "token", "headers", "koreader_password")
"""They go to the server: what says where that is, and how it is recognised, forgets them."""

LUA_DATABASE = "booklore-sync.sqlite"
"""What the Lua plugin's file is called."""


def fit_token(text: str) -> None:
    """Raises ValueError for what cannot be sent as one."""
    if not (text.isascii() and text.isprintable()) or " " in text:
        raise ValueError


def fit_address(text: str) -> str:
    """A server's address in full; none at all may yet come. Raises ValueError for what is no address."""
    from booklore_core.http import normalize_url

    try:
        return normalize_url(text) if text.strip() else ""
    except ItemFailed as error:
        raise ValueError(error.reason) from error


def fit_headers(text: str) -> None:
    """Raises ValueError."""
    from booklore_targets.booklore.setup import read_headers

    read_headers(text)


@hookimpl
def register_settings() -> Iterator[Setting]:
    server = "Address of the BookLore or Grimmory server"
    yield setting(
        "url",
        str,
        "",
        server,
        env="BOOKLORE_URL",
        label="Server URL",
        forgets=PASSWORDS,
        needed=True,
        fits=fit_address,
    )
    yield setting("username", str, "", "Name of the account there", env="BOOKLORE_USERNAME", label="User name")
    yield setting("password", str, "", "Its password", secret=True, env="BOOKLORE_PASSWORD", label="Password")
    trade = "Refresh token of an account without a password"
    yield setting("token", str, "", trade, secret=True, env="BOOKLORE_TOKEN", label="Refresh token", fits=fit_token)
    yield setting(
        "koreader_username",
        str,
        "",
        "Name of the KOReader sync account; empty: the account's own one, made if there is none",
        env="BOOKLORE_KOREADER_USERNAME",
        label="KOReader user name",
    )
    yield setting(
        "koreader_password",
        str,
        "",
        "Password of the KOReader sync account",
        secret=True,
        env="BOOKLORE_KOREADER_PASSWORD",
        label="KOReader password",
    )
    proxy = "Headers for an access proxy, a line `Name: value` each"
    yield setting("headers", str, "", proxy, secret=True, label="Proxy headers", fits=fit_headers)
    authority = "File with the certificate of a private authority"
    yield setting("ca_file", str, "", authority, label="CA file", forgets=PASSWORDS)
    yield setting(
        "verify_tls", bool, True, "Verify the server's TLS certificate", label="Verify TLS", forgets=PASSWORDS
    )


@hookimpl
def register_targets(
    settings: Section, store: Store, beside: Callable[[Item, str], Sequence[Fact]]
) -> Iterator[BookLore]:
    yield BookLore(settings, store, beside=beside)


@hookimpl
def register_actions() -> Iterator[Action]:
    about = (
        "Takes over what the BookLore plugin for KOReader has kept: settings, matches, what was sent and what waits."
    )
    yield Action(
        "import_lua_plugin",
        "Import from the BookLore Plugin",
        import_lua_plugin,
        about,
        menu=("Import & Matching",),
        order=90,
        params=("path",),
        offered_for=LUA_DATABASE,
    )


def import_lua_plugin(core: Any, request: Request) -> Flow:
    from booklore_targets.booklore.lua_plugin.import_action import take_over

    return (yield from take_over(core, request))
