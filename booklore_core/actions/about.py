"""About: versions, plugins, and how the device and its queue stand."""

from importlib.metadata import version
from typing import TYPE_CHECKING

from booklore_core.flows import Action, Flow, Request, Result
from booklore_core.plugin_manager import DISTRIBUTION, Plugin

if TYPE_CHECKING:
    from booklore_core.core import Core


def about(core: "Core", request: Request) -> Flow:
    """What runs here. Asks no server."""
    yield from ()
    lines = [
        f"BookLore Sync {version(DISTRIBUTION)}",
        *(f"{name}: {target.about or 'enabled'}" for name, target in core.targets.items()),
        f"Waiting for them: {core.kinds.short_counts(core.pending()) or 'nothing'}",
        *device_lines(core, request.device),
        "Plugins:",
        *(f"  {plugin_line(plugin)}" for plugin in core.plugins.plugins.values()),
    ]
    return Result("\n".join(lines), title="About")


def device_lines(core: "Core", device: str | None) -> list[str]:
    """How the device stands that asks; nothing where no device does."""
    if device is None:
        return []
    known = core.devices.find(device) or {}
    return [
        f"Shim on this device: {known.get('shim') or 'not told'}",
        f"Waiting on this device: {known.get('waiting') or 0}",
        f"Last contact: {known.get('last_seen') or 'never'}",
    ]


def plugin_line(plugin: Plugin) -> str:
    state = " – off" if not plugin.enabled else " – not loaded" if plugin.module is None else ""
    return f"{plugin.name} {plugin.version}".rstrip() + state


ABOUT = Action("about", "About", about, "Versions, plugins, and when this device was last in touch.", order=1000)
