"""Where e-readers reach the bridge, and what stands in their way."""

import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

import typer

from booklore_core.cli.commands.serve import PORT
from booklore_core.cli.errors import Refused
from booklore_core.cli.opening import find_places
from booklore_core.cli.output import say

Url = Annotated[
    str | None,
    typer.Option(
        envvar="BOOKLORE_BRIDGE_URL", help="Address at which e-readers reach this computer.", show_default="found out"
    ),
]
BridgePort = Annotated[
    int | None,
    typer.Option(
        envvar="BOOKLORE_PORT", min=0, max=65535, help="Port of the bridge.",
        show_default=f"that of the running `booklore serve`, else {PORT}",
    ),
]  # fmt: skip
Header = Annotated[
    list[str] | None,
    typer.Option(
        "--header", metavar="'Name: value'",
        help="Sent with every request, for an access proxy before the bridge; may be given again. '' takes all away.",
    ),
]  # fmt: skip

OPEN_IT = "`booklore serve --host 0.0.0.0`"
CONNECT_SECONDS = 2.0
HEADER = re.compile(r"(?P<name>[A-Za-z0-9-]+): *(?P<value>[^\r\n]*[^\r\n ])")
OWN_HEADERS = ("authorization", "content-type", "content-length", "host", "connection")


@dataclass(frozen=True)
class Way:
    """url: what an e-reader is told. doubt: why it may find nobody there, in a sentence."""

    url: str
    doubt: str = ""

    def tell_doubt(self) -> None:
        if self.doubt:
            say(self.doubt)


def way_to_bridge(url: str | None, port: int | None) -> Way:
    """The address that a person has given, in full; else where the running bridge is reached.

    Raises ItemFailed for what is no address.
    """
    from booklore_core.bridge.listening import is_loopback
    from booklore_core.http import normalize_url

    if not url:
        return way_to_this_computer(port)
    full = normalize_url(url)
    doubt = f"{full} leads an e-reader to itself: that is right only for a core that runs on the e-reader."
    return Way(full, doubt if is_loopback(urlsplit(full).hostname or "") else "")


def way_to_this_computer(port: int | None) -> Way:
    from booklore_core.bridge.listening import address, is_loopback, listeners, own_host

    running = [one for one in listeners(find_places().home) if not port or port == one.port]
    reached = next((one.url for one in running if one.is_open), None)
    if reached:
        return Way(reached)
    host, at = own_host(), running[0].port if running else port or PORT
    url = address(host, at)
    if running:
        closed = (
            f"`booklore serve` listens on {running[0].host} only, where no e-reader reaches it: start it as {OPEN_IT}."
        )
        return Way(url, closed)
    if is_loopback(host):
        return Way(url, f"This computer is in no network: start {OPEN_IT} in one, or give an address with --url.")
    silent = f"No `booklore serve` runs here, and nothing answers at {url} yet: start {OPEN_IT}, or give --url."
    return Way(url, "" if answers(host, at) else silent)


def answers(host: str, port: int) -> bool:
    """Whether anybody does, such as a container of this computer's."""
    try:
        socket.create_connection((host, port), CONNECT_SECONDS).close()
    except OSError:
        return False
    return True


def header_table(given: Sequence[str] | None) -> dict[str, str] | None:
    """The headers by name, None when none are given. Raises Refused for what is no header, or one of the shim's own."""
    if not given:
        return None
    found = [HEADER.fullmatch(one.strip()) for one in given if one.strip()]
    if not all(found):
        raise Refused("--header: expected 'Name: value', such as 'CF-Access-Client-Id: abc'")  # the value is a secret
    table = {one["name"]: one["value"] for one in found if one}
    for name in table:
        if name.lower() in OWN_HEADERS:
            raise Refused(f"--header: {name} is one that the shim sends itself; a proxy has to go by another")
    return table
