"""What can be told about plugins: a line in the list, and the whole description."""

from typing import TYPE_CHECKING, Any

from booklore_core import hookspecs
from booklore_core.plugin_manager import Plugin
from booklore_core.settings import BadSetting
from booklore_core.storage.counts import count_pending_at

if TYPE_CHECKING:
    from booklore_core.core import Core

WAITING_OF_FEATURE = """
SELECT due.kind AS kind, COUNT(DISTINCT due.item_id) AS count FROM due JOIN items i ON i.id = due.item_id
WHERE i.plugin = :plugin GROUP BY due.kind
"""


def find_plugin(core: "Core", name: str) -> Plugin:
    """Raises BadSetting for a name that there is not."""
    plugin = core.plugins.plugins.get(name)
    if plugin is None:
        raise BadSetting(f"there is no plugin {name!r}; `booklore plugins list` shows them")
    return plugin


def plugin_json(core: "Core", plugin: Plugin) -> dict[str, Any]:
    """A plugin as `plugins list --json` shows it."""
    return {
        "name": plugin.name,
        "kind": "target" if plugin.is_target else "feature",
        "enabled": plugin.enabled,
        "version": plugin.version,
        "source": plugin.source,
        "waiting": waiting_for(core, plugin),
        "error": plugin.error,
    }


def waiting_for(core: "Core", plugin: Plugin) -> dict[str, int]:
    """kind → how many items wait: at a target, those to be taken; of a feature, those it made."""
    owned = targets_of(core, plugin)
    if not owned:
        rows = core.database.rows(WAITING_OF_FEATURE, plugin=plugin.name)
        return {row["kind"]: row["count"] for row in rows}
    sums: dict[str, int] = {}
    for name in owned:
        for counts in count_pending_at(core.database, name).values():
            for kind, count in counts.items():
                sums[kind] = sums.get(kind, 0) + count
    return sums


def targets_of(core: "Core", plugin: Plugin) -> list[str]:
    return [name for name, owner in core.outbox.subscribers().items() if owner == plugin.name]


def plugin_details(core: "Core", plugin: Plugin) -> dict[str, Any]:
    """Everything about a plugin that a person may ask, but for its settings."""
    return {
        **plugin_json(core, plugin),
        "help": plugin.help,
        "hooks": hooks_of(plugin),
        "targets": targets_of(core, plugin),
        "actions": [name for name, (owner, _) in core.plugin_actions.items() if owner == plugin.name],
        "errors": plugin.errors,
        "notes": plugin.notes,
    }


def hooks_of(plugin: Plugin) -> list[str]:
    """The hooks that a plugin implements."""
    declared = [name for name, value in vars(hookspecs).items() if hasattr(value, f"{hookspecs.PROJECT}_spec")]
    return [name for name in declared if hasattr(plugin.module, name)]
