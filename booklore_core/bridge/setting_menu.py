"""Settings as lines of the menu, made from their declarations."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from booklore_core.actions.settings import FIXED_BY, choice_name, set_setting, sync_mode, text_of, word
from booklore_core.core import Core
from booklore_core.plugin_manager import Plugin
from booklore_core.settings import Value
from booklore_core.storage.counts import count_pending_at
from booklore_core.storage.since import OF_TARGETS, PREFERENCES, READ_SINCE, TRIGGERS

WHAT_TO_SYNC, PLUGINS = ("What to Sync",), ("Plugins",)
CUSTOM_ONLY = ("sync.on_suspend", "sync.wifi_on_suspend")
HAVE_ACTIONS = ("sync.enabled", "sync.manual_only")
MODES = (
    ("automatic", 1, "Automatic", "Syncs after reading, on going to sleep and after waking up."),
    ("custom", 3, "Custom", "Lets you choose below what starts a sync."),
)
SWITCH, FIRST, LAST = 1, 10, 95
"""Where a plugin's switch, its own settings in their order, and what every target has stand within a submenu."""


@dataclass(frozen=True)
class MenuEntry:
    """One line of the menu. menu: the submenus above it. items: a submenu that is this very line."""

    id: str
    text: str
    menu: tuple[str, ...]
    action: str | None = None
    args: Mapping[str, Any] = field(default_factory=dict)
    help: str = ""
    enabled: bool = True
    checked: bool | None = None
    radio: bool = False
    dispatcher: str = ""
    order: int = 100
    items: tuple["MenuEntry", ...] = ()


def setting_entries(core: Core) -> Iterator[MenuEntry]:
    """A line for each setting, where its declaration says, and a switch per plugin."""
    yield from mode_entries(core)
    sections: dict[str, list[Value]] = {}
    for value in core.settings:
        sections.setdefault(value.name.partition(".")[0], []).append(value)
    for section, values in sections.items():
        plugin = core.plugins.plugins.get(section)
        yield from sync_entries(core, values) if plugin is None else plugin_entries(plugin, values)
    yield from (plugin_switch(core, plugin, sections.get(name, [])) for name, plugin in core.plugins.plugins.items())


def mode_entries(core: Core) -> Iterator[MenuEntry]:
    """The radio buttons beside *Manual only*, which is an action of its own."""
    chosen = sync_mode(core)
    for mode, order, text, about in MODES:
        args = {"name": "sync.mode", "value": mode}
        id_ = f"sync.mode={mode}"
        checked = chosen == mode
        yield MenuEntry(id_, text, TRIGGERS, set_setting.name, args, about, checked=checked, radio=True, order=order)


def sync_entries(core: Core, values: list[Value]) -> Iterator[MenuEntry]:
    """The core's own settings."""
    custom = sync_mode(core) == "custom"
    for order, value in enumerate(values, FIRST):
        if value.name not in (*HAVE_ACTIONS, "sync.mode"):
            enabled = custom or value.name not in CUSTOM_ONLY
            yield setting_entry(value, value.setting.menu or PREFERENCES, order, enabled)


def plugin_entries(plugin: Plugin, values: list[Value]) -> Iterator[MenuEntry]:
    """A plugin's settings; greyed out while it is off. A target's switch stands with the other plugins' only."""
    own_place = place_of(plugin, values)
    for order, value in enumerate(values, FIRST):
        place = value.setting.menu or own_place
        if not is_switch(value):
            is_common = value.setting in (READ_SINCE, *OF_TARGETS)
            yield setting_entry(value, place, LAST if is_common else order, plugin.enabled)
        elif not plugin.is_target:
            yield replace(setting_entry(value, place, SWITCH), text=label_of(plugin))


def setting_entry(value: Value, menu: tuple[str, ...], order: int, enabled: bool = True) -> MenuEntry:
    """A setting's line: a switch, a submenu of radio buttons, or a value that is asked for."""
    setting, about = value.setting, help_of(value)
    enabled = enabled and value.source not in FIXED_BY and not setting.local
    args = {"name": value.name}
    if setting.choices:
        buttons = tuple(choice_entry(value, choice, enabled) for choice in setting.choices)
        return MenuEntry(value.name, text_of(value), menu, help=about, enabled=enabled, order=order, items=buttons)
    checked = bool(value.value) if setting.type is bool else None
    return MenuEntry(value.name, text_of(value), menu, set_setting.name, args, about, enabled, checked, order=order)


def choice_entry(value: Value, choice: str, enabled: bool) -> MenuEntry:
    args = {"name": value.name, "value": choice}
    id_, checked = f"{value.name}={choice}", value.value == choice
    text = choice_name(value.setting, choice)
    return MenuEntry(id_, text, (), set_setting.name, args, enabled=enabled, checked=checked, radio=True)


def plugin_switch(core: Core, plugin: Plugin, values: list[Value]) -> MenuEntry:
    """A plugin's switch; its help says what the plugin is, what waits for it and what went wrong."""
    own = [target.name for target in core.targets.values() if target.plugin == plugin.name]
    counted = [core.kinds.short_counts(count_pending_at(core.database, target)["waiting"]) for target in own]
    switch = next(filter(is_switch, values), None)
    parts = [plugin.help, *(f"Waiting: {counts}" for counts in counted if counts), plugin.error or ""]
    return MenuEntry(
        f"plugin {plugin.name}",
        label_of(plugin),
        PLUGINS,
        set_setting.name,
        {"name": f"{plugin.name}.enabled"},
        "\n".join(part for part in parts if part),
        enabled=switch is not None and switch.source not in FIXED_BY,
        checked=switch is not None and bool(switch.value),
    )


def place_of(plugin: Plugin, values: list[Value]) -> tuple[str, ...]:
    """Where a plugin's settings stand that do not say it: with those that do, else in a submenu of its own."""
    told = [value.setting.menu for value in values if value.setting.menu]
    return told[0] if told else (*WHAT_TO_SYNC, label_of(plugin))


def is_switch(value: Value) -> bool:
    return value.name.endswith(".enabled")


def label_of(plugin: Plugin) -> str:
    """The label of the plugin's switch, or its name."""
    return plugin.label or word(plugin.name)


def help_of(value: Value) -> str:
    fixed = FIXED_BY.get(value.source)
    return f"{value.setting.help} (set by the {fixed})" if fixed else value.setting.help
