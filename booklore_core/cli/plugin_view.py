"""A plugin as `booklore plugins` shows it."""

from typing import Any

from booklore_core import hookspecs
from booklore_core.actions.plugins import check_plugin, known_plugins, notes_of, targets_of, waiting_for
from booklore_core.core import Core
from booklore_core.plugin_manager import Plugin
from booklore_core.settings import BadSetting


def find_plugin(core: Core, name: str) -> Plugin:
    """Raises BadSetting for a name that there is not."""
    plugin = known_plugins(core, and_kept=True).get(name)
    if plugin is None:
        raise BadSetting(f"there is no plugin {name!r}; `booklore plugins list` shows them")
    return plugin


def plugin_json(core: Core, plugin: Plugin) -> dict[str, Any]:
    """A plugin as `plugins list --json` shows it; its error is what the doctor says."""
    kind, check = "target" if plugin.is_target else "feature", check_plugin(core, plugin)
    error = None if check.ok else check.detail
    known = {name: getattr(plugin, name) for name in ("enabled", "version", "source")}
    told = {"waiting": waiting_for(core, plugin), "error": error, "notes": notes_of(core, plugin)}
    return {"name": plugin.name, "kind": kind, **known, **told}


def plugin_details(core: Core, plugin: Plugin) -> dict[str, Any]:
    """Everything about a plugin that a person may ask, but for its settings. hooks: those that it implements."""
    hooks = [name for name, value in vars(hookspecs).items() if hasattr(value, f"{hookspecs.PROJECT}_spec")]
    return {
        **plugin_json(core, plugin),
        "help": plugin.help,
        "hooks": [name for name in hooks if hasattr(plugin.module, name)],
        "targets": targets_of(core, plugin.name),
        "actions": [name for name, (owner, _) in core.plugin_actions.items() if owner == plugin.name],
        "errors": plugin.errors,
    }
