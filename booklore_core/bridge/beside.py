"""What lies beside the shim in a KOReader folder and does the same work: a person is told of it."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

from booklore_core.core import Core

FORMER = "bookloresync.koplugin"
"""The plugin that was here before the shim."""

KEPT_IN = {"settings/kosync.lua": "settings", "settings.reader.lua": "kosync"}
"""Where KOReader keeps the settings of its own progress sync, newer versions and older ones: file → table.
Source: koreader plugins/kosync.koplugin/main.lua."""

TABLE = r'^ {{4}}\["{}"\] = \{{$(.*?)^ {{4}}\}}'
SERVER = re.compile(r'^ *\["custom_server"\] = "([^"\\]+)"', re.MULTILINE)
IS_ON = re.compile(r'^ *\["auto_sync"\] = true', re.MULTILINE)
USUAL_PORTS = (80, 443)


def rivals(core: Core, shim: Path, bridge: str) -> Iterator[str]:
    """A sentence for each thing beside the shim that would do its work, too. bridge: the bridge's own address."""
    koreader = shim.parents[1]
    former = shim.with_name(FORMER)
    if former.exists():
        yield (
            f"{former} is there, too, and would send the same reading a second time: remove that folder. "
            "What it has kept goes along with `booklore import-lua-plugin`."
        )
    server = own_sync(koreader)
    if server and is_below_any(server, [bridge, *(target.address for target in core.targets.values())]):
        yield (
            f"KOReader's own progress sync is on for the same server, {without_account(server)}: switch off "
            "*Tools → Progress sync → Automatically keep documents in sync*, or the two lead you back and forth."
        )


def own_sync(koreader: Path) -> str | None:
    """The server of KOReader's own progress sync, where that is another than KOReader's and goes by itself."""
    for name, table in KEPT_IN.items():
        file = koreader / name
        text = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
        found = re.search(TABLE.format(table), text, re.MULTILINE | re.DOTALL)
        if found:
            server = SERVER.search(found[1])
            return server[1] if server and IS_ON.search(found[1]) else None
    return None


def is_below_any(url: str, addresses: Iterable[str]) -> bool:
    """Whether a URL is that of one of the servers, or lies below it, with or without TLS."""
    host, path = place_of(url)
    return any(host and host == place_of(one)[0] and path.startswith(place_of(one)[1]) for one in addresses if one)


def place_of(url: str) -> tuple[tuple[str, int | None] | None, str]:
    """Host with its port, unless that is a usual one, and path; None for what is no address."""
    try:
        parts = urlsplit(url)
        port = None if parts.port in USUAL_PORTS else parts.port
    except ValueError:
        return None, "/"
    return (parts.hostname, port) if parts.hostname else None, f"{parts.path.rstrip('/')}/"


def without_account(url: str) -> str:
    return re.sub(r"//[^/]*@", "//", url)
