"""The KOReader sync account that belongs to the account: read, or made when there is none, its sync switched on."""

from __future__ import annotations

import hashlib
import logging
import secrets
from dataclasses import dataclass, field
from typing import Any

from booklore_core import ItemFailed
from booklore_targets.booklore.answers import declined, json_body, message, reason
from booklore_targets.booklore.connection import Connection

OWN = "/api/v1/koreader-users/me"

log = logging.getLogger(__name__)


class NoPermission(ItemFailed):
    """The account may have no KOReader account; only the reading position needs one."""

    what = "the account lacks the permission to sync with KOReader"
    advice = here = "an admin gives it on the server's page, Settings → Users; all else is synced without it"

    def __init__(self) -> None:
        super().__init__(f"{self.what}: {self.advice}")


@dataclass(frozen=True)
class KoreaderAccount:
    """origin: `typed in`, `found` or `made`, with a reason for its name where that is not the account's own.

    sync: whether progress calls work, None when that cannot be told.
    """

    username: str
    password: str = field(repr=False)
    origin: str
    sync: bool | None

    @property
    def headers(self) -> dict[str, str]:
        """What a KOReader call carries; never together with a Bearer token (contract §2.4)."""
        key = hashlib.md5(self.password.encode(), usedforsecurity=False).hexdigest()
        return {"x-auth-user": self.username, "x-auth-key": key}


def provision(connection: Connection) -> KoreaderAccount:
    """The account for KOReader calls, ready for use. One that was typed in is taken as it is, and never made.

    Raises ItemFailed when there is none to be had, TargetUnavailable when the server is away. Source: contract §3.3.
    """
    setup = connection.setup
    if setup.koreader_username:
        return typed_account(connection)
    own, origin = read_own(connection), "found"
    if own is None:
        own, origin = make_own(connection)
    if not isinstance(own.get("password"), str):
        raise ItemFailed("the server does not show the KOReader account's password: set booklore.koreader_password")
    sync = switch_on(connection, own)
    return KoreaderAccount(own["username"], own["password"], origin, sync)


def typed_account(connection: Connection) -> KoreaderAccount:
    """The account as it was typed in, after the server has accepted it."""
    setup = connection.setup
    account = KoreaderAccount(setup.koreader_username, setup.koreader_password, "typed in", None)
    response = connection.ask_anonymously("/api/koreader/users/auth", account.headers)
    if response.status_code in (401, 403):
        raise ItemFailed("the server refuses the KOReader account that was typed in: correct or remove it")
    if response.status_code != 200 or not isinstance(json_body(response), dict):
        raise declined(response, writing=False)
    try:
        own = read_own(connection)
    except NoPermission:
        return account
    if own is None or not same_name(own["username"], account.username):
        return account
    return KoreaderAccount(account.username, account.password, "typed in", switch_on(connection, own))


def read_own(connection: Connection) -> dict[str, Any] | None:
    """The KOReader account of whoever is logged in, None when there is none yet. Raises NoPermission."""
    response = connection.read(OWN)
    if response.status_code == 403 and message(response):
        raise NoPermission
    if response.status_code == 404 and message(response):
        return None
    return account_object(response, writing=False)


def make_own(connection: Connection) -> tuple[dict[str, Any], str]:
    """A new account and its origin: under the account's own name, or one near to it when that is taken."""
    name, origin = own_name(connection), "made"
    for username in (name, f"{name}-{secrets.token_hex(3)}"):
        body = {"username": username, "password": secrets.token_urlsafe(18)}
        response = connection.ask("PUT", OWN, json=body)
        if response.status_code not in (400, 409):
            break
        origin = f"made so, for the name {name} is taken"
    else:
        raise ItemFailed(
            f"{reason(response)}; it takes no KOReader account {name} nor {username}: make one on its page"
        )
    if response.status_code == 403 and message(response):
        raise NoPermission
    made = account_object(response, writing=True)
    log.info("made a KOReader account")
    return {**made, "password": body["password"]}, origin


def own_name(connection: Connection) -> str:
    """The name of whoever is logged in; of a pasted token only the server knows whose it is."""
    setup = connection.setup
    return setup.username.strip() if not setup.token else str(read_me(connection)["username"])


def read_me(connection: Connection) -> dict[str, Any]:
    """Who is logged in, as the server tells it. Raises Declined."""
    return account_object(connection.read("/api/v1/users/me"), writing=False)


def account_object(response: Any, writing: bool) -> dict[str, Any]:
    body = json_body(response)
    if response.status_code == 200 and isinstance(body, dict) and isinstance(body.get("username"), str):
        return body
    raise declined(response, writing)


def switch_on(connection: Connection, own: dict[str, Any]) -> bool:
    """Whether the account's sync is on, after having switched it on: a new one starts with it off (contract §3.3)."""
    if own.get("syncEnabled") is True:
        return True
    response = connection.ask("PATCH", f"{OWN}/sync", params={"enabled": "true"})
    if not 200 <= response.status_code < 300:
        log.warning("the KOReader account's sync cannot be switched on: %s", reason(response))
    return 200 <= response.status_code < 300


def same_name(one: str, other: str) -> bool:
    """The servers compare names without case and without spaces at the end (contract §2.5)."""
    return one.rstrip().casefold() == other.rstrip().casefold()
