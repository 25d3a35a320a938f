"""What is known, what waits and what runs here: View Pending Sessions and About."""

from datetime import datetime
from importlib.metadata import version

from booklore_core.actions.own import SYNC_AND_CACHE, action
from booklore_core.core import Core
from booklore_core.flows import Request, Result
from booklore_core.kinds import quantity
from booklore_core.plugin_manager import DISTRIBUTION, Plugin

SHOWN = 5


@action("View Pending Sessions", "Shows what is known and what waits.", order=2, menu=SYNC_AND_CACHE)
def view_pending(core: Core, request: Request) -> Result:
    """Nothing is changed. args: none."""
    status = core.status()
    books, kinds = status.books, status.kinds.all_of({**status.pending, **status.synced})
    lines = [f"{one['name']}: last synced {local(one['last_sync'])}" for one in status.targets if one["last_sync"]]
    lines += ["Book cache", f"  Books: {books['total']}, matched {books['matched']}, unmatched {books['unmatched']}"]
    counts = {kind: f"{status.pending.get(kind.name, 0)}{status.beside(kind.name)}" for kind in kinds}
    lines += ["Pending uploads", *(f"  {kind.many.capitalize()}: {count}" for kind, count in counts.items())]
    lines += ["History", *(f"  {kind.history_name}: {status.synced.get(kind.name, 0)}" for kind in kinds)]
    lines += [f"Given up: {one.book} for {one.target}: {one.reason}" for one in status.superseded[:SHOWN]]
    lines += [f"Asked: {one.text}" for one in status.asked]
    lines += [status.aside] if status.aside else []
    return Result("\n".join(lines), title="Pending Sessions", data=status.as_json())


@action("About", "Versions, plugins, and when this device was last in touch.", order=1000)
def about(core: Core, request: Request) -> Result:
    """What runs here. Asks no server. args: none."""
    lines = [
        f"BookLore Sync {version(DISTRIBUTION)}",
        *(f"{name}: {target.about or 'enabled'}" for name, target in core.targets.items()),
        f"Waiting for them: {core.kinds.in_words(core.pending()) or 'nothing'}",
        *(device_lines(core, request.device) if request.device else ()),
        "Plugins:",
        *(f"  {plugin_line(plugin)}" for plugin in core.plugins.plugins.values()),
    ]
    return Result("\n".join(lines), title="About")


def device_lines(core: Core, device: str) -> list[str]:
    """How the device stands that asks."""
    known = core.devices.find(device) or {}
    waiting = quantity(known.get("waiting") or 0, "event")
    seen = local(known["last_seen"]) if known.get("last_seen") else "never"
    return [
        f"On this device: the plugin's version {known.get('shim') or 'is not told'}, {waiting} not handed over yet",
        f"Last contact: {seen}",
    ]


def local(moment: str) -> str:
    """A moment as the clock on the wall of whoever runs this shows it."""
    return f"{datetime.fromisoformat(moment).astimezone():%d %b %Y, %H:%M}"


def plugin_line(plugin: Plugin) -> str:
    state = " – off" if not plugin.enabled else " – not loaded" if plugin.module is None else ""
    return f"{plugin.name} {plugin.version}".rstrip() + state
