"""About: versions, plugins, and how the device and its queue stand."""

from importlib.metadata import version

from booklore_core.bridge.pairing import iso_utc
from booklore_core.core import Core
from booklore_core.flows import Action, Flow, Request, Result
from booklore_core.plugin_manager import DISTRIBUTION, Plugin
from booklore_core.storage.counts import short_counts
from booklore_core.targets import Target

DEVICE = "SELECT last_seen, waiting, shim FROM devices WHERE id = :id"


def about(core: Core, request: Request) -> Flow:
    """What runs here. Asks no server."""
    yield from ()
    row = core.database.row(DEVICE, id=request.device) or {"last_seen": None, "waiting": None, "shim": None}
    lines = [
        f"BookLore Sync {version(DISTRIBUTION)}",
        f"Shim on this device: {row['shim'] or 'not told'}",
        *(f"{name}: {told(target)}" for name, target in core.targets.items()),
        f"Waiting for them: {short_counts(core.pending()) or 'nothing'}",
        f"Waiting on this device: {row['waiting'] or 0}",
        f"Last contact: {iso_utc(row['last_seen']) or 'never'}",
        "Plugins:",
        *(f"  {describe(plugin)}" for plugin in core.plugins.plugins.values()),
    ]
    return Result("\n".join(lines), title="About")


def told(target: Target) -> str:
    """What a target says of its remote, from memory."""
    return str(getattr(target, "about", "") or "enabled")


def describe(plugin: Plugin) -> str:
    state = " – not loaded" if plugin.module is None else "" if plugin.enabled else " – off"
    return f"{plugin.name} {plugin.version}".rstrip() + state


ABOUT = Action("about", "About", about, "Versions, plugins, and when this device was last in touch.", order=1000)
