"""Where the server is, and who logs in there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING

from booklore_core import Declined, TargetUnavailable

if TYPE_CHECKING:
    from booklore_core import Section

PAGE_SUFFIX = re.compile(r"(/api(/v1|/koreader)?|/login|/dashboard)$")
"""What people paste along with the address: it belongs to the web page or to another client's settings."""

HEADER, OURS = re.compile(r"[A-Za-z0-9_-]+"), re.compile(r"(?i)(authorization|host|accept|range|content-|x-auth-)")

RUN_LOGIN = "run `booklore login`"
OR_DISABLE = f"{RUN_LOGIN}, or `booklore plugins disable booklore` to go without one"
MEND = "correct that, or unset it and run `booklore login`"
SERVER_LOG = "the server's log tells why; what was read is kept until then"


class NoLogin(TargetUnavailable):
    """Nobody can be logged in now. what: what is so. advice: what to do; here: the same, for who is just logging in."""

    def __init__(self, what: str, advice: str = "", here: str = "") -> None:
        super().__init__(f"{what}: {advice}" if advice else what, maybe_sent=False)
        self.what, self.advice, self.here = what, advice, here or advice


@dataclass(frozen=True)
class Setup:
    """One server and one account. url: without a slash at the end. The KOReader account is "" unless typed in.

    token: a refresh token that was pasted; with one, user name and password do not matter.
    """

    url: str
    username: str
    password: str = field(repr=False)
    token: str = field(default="", repr=False)
    koreader_username: str = ""
    koreader_password: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    ca_file: str | None = None
    verify_tls: bool = True

    @property
    def account(self) -> str:
        """What tells this account's tokens from another's."""
        return f"token {sha256(self.token.encode()).hexdigest()[:16]}" if self.token else self.username


def read_setup(settings: Section) -> Setup:
    """The set-up as it is now. Raises NoLogin when something is missing, TargetUnavailable for what cannot be right."""
    try:
        texts = {name: settings[name] for name in ("url", "username", "password", "token")}
        koreader = {name: settings[name] for name in ("koreader_username", "koreader_password")}
        headers = read_headers(settings["headers"])
        ca_file, verify_tls = settings["ca_file"] or None, settings["verify_tls"]
    except ValueError as error:
        raise TargetUnavailable(str(error), maybe_sent=False) from error
    needed = ("url", "token") if texts["token"] else ("url", "username", "password")
    missing = [name for name in needed if not texts[name].strip()]
    if missing:
        values = [settings.settings.value(f"{settings.name}.{name}") for name in missing]
        faults = [fault.text for value in values for fault in value.faults]
        if faults:
            raise NoLogin("; ".join(faults), MEND)
        lacks = "" if "url" in missing else f" (booklore.{missing[0]} is missing)"
        raise NoLogin(
            f"no server is set up{lacks}",
            RUN_LOGIN if lacks else OR_DISABLE,
            "give its address, and a user name and password",
        )
    texts["url"], texts["token"] = server_url(texts["url"]), texts["token"].strip()
    return Setup(**texts, **koreader, headers=headers, ca_file=ca_file, verify_tls=verify_tls)


def read_headers(text: str) -> dict[str, str]:
    """Name → value of the lines `Name: value`. Raises ValueError for others, and for names that the target uses."""
    headers = {}
    for line in filter(str.strip, text.splitlines()):
        name, colon, value = (part.strip() for part in line.partition(":"))
        if not (colon and HEADER.fullmatch(name) and value.isascii() and value.isprintable()) or OURS.match(name):
            raise ValueError("expected lines `Name: value` for a proxy")
        headers[name] = value
    return headers


def server_url(text: str) -> str:
    """The server's address without what belongs to its pages. Raises TargetUnavailable when it is no address."""
    from booklore_core.http import normalize_url

    try:
        return PAGE_SUFFIX.sub("", normalize_url(text))
    except (Declined, ValueError) as error:
        raise TargetUnavailable(f"booklore.url: {error}", maybe_sent=False) from error
