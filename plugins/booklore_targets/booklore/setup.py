"""Where the server is, and who logs in there."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from booklore_core import Declined, TargetUnavailable

if TYPE_CHECKING:
    from booklore_core import Section

PAGE_SUFFIX = re.compile(r"(/api(/v1|/koreader)?|/login|/dashboard)$")
"""What people paste along with the address: it belongs to the web page or to another client's settings."""


@dataclass(frozen=True)
class Setup:
    """One server and one account. url: without a slash at the end. The KOReader account is "" unless typed in."""

    url: str
    username: str
    password: str = field(repr=False)
    koreader_username: str = ""
    koreader_password: str = field(default="", repr=False)
    ca_file: str | None = None
    verify_tls: bool = True


def read_setup(settings: Section) -> Setup:
    """The set-up as it is now. Raises TargetUnavailable when something is missing or cannot be right."""
    try:
        texts = {name: settings[name] for name in ("url", "username", "password")}
        koreader = {name: settings[name] for name in ("koreader_username", "koreader_password")}
        ca_file, verify_tls = settings["ca_file"] or None, settings["verify_tls"]
    except ValueError as error:
        raise TargetUnavailable(str(error), maybe_sent=False) from error
    missing = [name for name, value in texts.items() if not value.strip()]
    if missing:
        lacks = "" if "url" in missing else f" (booklore.{missing[0]} is missing)"
        raise TargetUnavailable(f"no server is set up{lacks}: run `booklore login`", maybe_sent=False)
    texts["url"] = server_url(texts["url"])
    return Setup(**texts, **koreader, ca_file=ca_file, verify_tls=verify_tls)


def server_url(text: str) -> str:
    """The server's address without what belongs to its pages. Raises TargetUnavailable when it is no address."""
    from booklore_core.http import normalize_url

    try:
        return PAGE_SUFFIX.sub("", normalize_url(text))
    except (Declined, ValueError) as error:
        raise TargetUnavailable(f"booklore.url: {error}", maybe_sent=False) from error
