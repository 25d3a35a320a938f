"""What can be told about plugins: their entry in the list, the whole description, and what ails them."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from booklore_core.cli.errors import Refused

if TYPE_CHECKING:
    from booklore_core.core import Core
    from booklore_core.plugin_manager import Plugin
    from booklore_core.targets import Check

WAITING_OF_FEATURE = """
SELECT due.kind AS kind, COUNT(DISTINCT due.item_id) AS count FROM due JOIN items i ON i.id = due.item_id
WHERE i.plugin = :plugin GROUP BY due.kind
"""
REPLAYS = """
SELECT COUNT(*) AS count, MAX(failed_at) AS failed_at, MAX(error) AS error FROM replays WHERE plugin = :plugin
"""
ORPHANS = "SELECT plugin, COUNT(*) AS count FROM replays GROUP BY plugin ORDER BY plugin"


def find_plugin(core: "Core", name: str) -> "Plugin":
    """Raises Refused for a name that there is not."""
    plugin = core.plugins.plugins.get(name)
    if plugin is None:
        raise Refused(f"there is no plugin {name!r}; `booklore plugins list` shows them")
    return plugin


def entry(core: "Core", plugin: "Plugin") -> dict[str, Any]:
    """A plugin as `plugins list --json` shows it."""
    return {
        "name": plugin.name,
        "kind": "target" if hasattr(plugin.module, "register_targets") else "feature",
        "enabled": plugin.enabled,
        "version": plugin.version,
        "source": plugin.source,
        "waiting": waiting(core, plugin),
        "error": plugin.error,
    }


def waiting(core: "Core", plugin: "Plugin") -> dict[str, int]:
    """kind → how many items wait: at a target, those to be taken; of a feature, those it made."""
    owned = targets(core, plugin)
    if not owned:
        rows = core.database.rows(WAITING_OF_FEATURE, plugin=plugin.name)
        return {row["kind"]: row["count"] for row in rows}
    sums: dict[str, int] = {}
    for name in owned:
        for counts in core.outbox.waiting_at(name).values():
            for kind, count in counts.items():
                sums[kind] = sums.get(kind, 0) + count
    return sums


def targets(core: "Core", plugin: "Plugin") -> list[str]:
    return [name for name in core.targets if core.target_owners.get(name) == plugin.name]


def describe(core: "Core", plugin: "Plugin") -> dict[str, Any]:
    """Everything about a plugin that a person may ask."""
    from booklore_core.cli.commands.config import entry as setting_entry

    prefix = f"{plugin.name}."
    settings = [setting_entry(value) for value in core.settings if value.name.startswith(prefix)]
    return {
        **entry(core, plugin),
        "help": plugin.help,
        "hooks": hooks(plugin),
        "targets": targets(core, plugin),
        "actions": [name for name in core.actions if core.action_owners.get(name) == plugin.name],
        "errors": plugin.errors,
        "settings": settings,
    }


def hooks(plugin: "Plugin") -> list[str]:
    """The hooks that a plugin implements."""
    from booklore_core import hookspecs

    declared = [name for name, value in vars(hookspecs).items() if hasattr(value, f"{hookspecs.PROJECT}_spec")]
    return [name for name in declared if hasattr(plugin.module, name)]


def check_plugins(core: "Core") -> "Iterator[Check]":
    """A line per plugin: its errors, and the events that wait for it. What is left of a removed one comes last."""
    plugins = core.plugins.plugins
    yield from (check_plugin(core, plugin) for _, plugin in sorted(plugins.items()))
    for row in core.database.rows(ORPHANS):
        if row["plugin"] not in plugins:
            detail = f"not installed; {row['count']} events wait for it"
            yield line(row["plugin"], False, detail, "install it again, or leave them: they harm nobody")


def check_plugin(core: "Core", plugin: "Plugin") -> "Check":
    replays = core.database.row(REPLAYS, plugin=plugin.name) or {}
    origin = f"{plugin.version} from {plugin.source}"
    if plugin.module is None:
        return line(plugin.name, False, plugin.error or "not loaded", f"update or remove {plugin.source}")
    if not plugin.enabled:
        return line(plugin.name, True, f"off, {origin}")
    if plugin.error:
        return line(plugin.name, False, plugin.error, f"update {plugin.source}, or switch the plugin off")
    if replays.get("count"):
        detail = f"{replays['count']} events wait for it; the last error: {replays['error']}"
        return line(plugin.name, False, detail, f"update {plugin.source}; they are tried again at the next hand-over")
    return line(plugin.name, True, f"works, {origin}")


def line(plugin: str, ok: bool, detail: str, advice: str = "") -> "Check":
    from booklore_core.targets import Check

    return Check(f"plugin {plugin}", ok, detail, advice)
