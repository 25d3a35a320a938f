"""Settings as menu entries, made from their declarations, and the one action that changes any of them."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from booklore_core.core import Core
from booklore_core.flows import Action, Ask, Choose, Flow, Request, Result
from booklore_core.hookspecs import PROJECT
from booklore_core.plugin_manager import Plugin
from booklore_core.settings import BadSetting, Setting, Value
from booklore_core.storage.counts import count_pending_at

AUTHENTICATION, WHAT_TO_SYNC, PLUGINS = ("Authentication",), ("What to Sync",), ("Plugins",)
TRIGGERS, PREFERENCES = ("Sync Settings", "Sync Triggers"), ("Preferences",)

OWN_PLACES: Mapping[str, tuple[tuple[str, ...], int]] = {
    "sync.on_suspend": (TRIGGERS, 10),
    "sync.wifi_on_suspend": (TRIGGERS, 11),
    "sync.ask_wifi": (TRIGGERS, 20),
    "sync.wake_delay": (TRIGGERS, 21),
    "sync.wake_cooldown": (TRIGGERS, 22),
}
CUSTOM_ONLY = ("sync.on_suspend", "sync.wifi_on_suspend")
HAVE_ACTIONS = ("sync.enabled", "sync.manual_only")
MODES = (
    ("automatic", 1, "Automatic", "Syncs after reading, on going to sleep and after waking up."),
    ("custom", 3, "Custom", "Lets you choose below what starts a sync."),
)
FIXED_BY = {"env": "environment", "file": "configuration file"}
FIRST = ("url", "username", "password")
ORDER = {"choice": 20, "bool": 30, "int": 40, "float": 40, "text": 50}


@dataclass(frozen=True)
class Entry:
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
    items: tuple["Entry", ...] = ()


def sync_mode(core: Core) -> str:
    """What starts a sync: `automatic`, `manual` or `custom`. *Manual only* comes before the chosen mode."""
    return "manual" if core.settings["sync.manual_only"] else str(core.settings["sync.mode"])


def set_setting(core: Core, request: Request) -> Flow:
    """Changes the setting `name`: to `value` where that is given, else a switch flips and anything else is asked for.

    Raises BadSetting for a name that there is not and for a given value that does not fit.
    """
    before = core.settings.value(str(request.args.get("name", "")))
    if "value" in request.args:
        return store(core, before, request.args["value"])
    try:
        wanted = yield from ask(before)
        return Result() if wanted is None else store(core, before, wanted)
    except BadSetting as error:
        return Result(str(error), ok=False)


SET_SETTING = Action("set_setting", "Set", set_setting, "Changes one setting.")


def ask(value: Value) -> Generator[Any, Any, Any]:
    """What a person wants a setting to be; None for cancelled."""
    setting, text = value.setting, question_text(value)
    if setting.choices:
        answer = yield Choose(text, [word(choice) for choice in setting.choices], setting.choices.index(value.value))
        return None if answer is None else setting.choices[answer]
    if setting.type is bool:
        return not value.value
    if setting.type is int:
        return (yield Ask(text, value.value, low=whole(setting.low), high=whole(setting.high)))
    return (yield Ask(text, "" if setting.secret else str(value.value), secret=setting.secret))


def store(core: Core, before: Value, wanted: Any) -> Result:
    """Sets a setting and says what holds now. An empty secret changes nothing: its dialog never shows the old one."""
    name, setting = before.name, before.setting
    if setting.secret and wanted == "":
        return Result()
    now = core.settings.unset(name) if wanted == "" else core.settings.set(name, wanted)
    if name == "sync.mode" and now.value != "manual" and core.settings["sync.manual_only"]:
        core.settings.set("sync.manual_only", False)
    if now.source in FIXED_BY:
        return Result(f"{name} is set by the {FIXED_BY[now.source]} and stays as it is", ok=False)
    return Result("" if setting.type is bool or setting.choices else text_of(now))


def setting_entries(core: Core, values: Sequence[Value]) -> Iterator[Entry]:
    """The menu's entries for settings, each where design §12 has it, and a switch per plugin."""
    custom = sync_mode(core) == "custom"
    yield from mode_entries(core)
    for value in values:
        section, _, key = value.name.partition(".")
        plugin = core.plugins.plugins.get(section)
        if plugin is None:
            yield from own_entry(value, custom)
        elif key != "enabled":
            yield entry(value, place_of(plugin, values), rank(value), plugin.enabled)
        elif not is_target(plugin):
            yield entry(value, place_of(plugin, values), 1)
    yield from (plugin_entry(core, plugin, values) for plugin in core.plugins.plugins.values())


def mode_entries(core: Core) -> Iterator[Entry]:
    """The radio buttons beside *Manual only*, which is an action of its own."""
    chosen = sync_mode(core)
    for mode, order, text, about in MODES:
        args = {"name": "sync.mode", "value": mode}
        id_ = f"sync.mode={mode}"
        yield Entry(id_, text, TRIGGERS, SET_SETTING.name, args, about, checked=chosen == mode, radio=True, order=order)


def own_entry(value: Value, custom: bool) -> Iterator[Entry]:
    if value.name in HAVE_ACTIONS or value.name == "sync.mode":
        return
    place, order = OWN_PLACES.get(value.name, (PREFERENCES, rank(value)))
    yield entry(value, place, order, custom or value.name not in CUSTOM_ONLY)


def entry(value: Value, menu: tuple[str, ...], order: int, enabled: bool = True) -> Entry:
    """A setting's line: a switch, a submenu of radio buttons, or a value that is asked for."""
    setting, about = value.setting, help_of(value)
    enabled = enabled and value.source not in FIXED_BY
    args = {"name": value.name}
    if setting.choices:
        buttons = tuple(button(value, choice, enabled) for choice in setting.choices)
        return Entry(value.name, text_of(value), menu, help=about, enabled=enabled, order=order, items=buttons)
    checked = bool(value.value) if setting.type is bool else None
    return Entry(value.name, text_of(value), menu, SET_SETTING.name, args, about, enabled, checked, order=order)


def button(value: Value, choice: str, enabled: bool) -> Entry:
    args = {"name": value.name, "value": choice}
    id_, checked = f"{value.name}={choice}", value.value == choice
    return Entry(id_, word(choice), (), SET_SETTING.name, args, enabled=enabled, checked=checked, radio=True)


def plugin_entry(core: Core, plugin: Plugin, values: Sequence[Value]) -> Entry:
    """A plugin's switch; its help says what the plugin is, what waits for it and what went wrong."""
    name = f"{plugin.name}.enabled"
    waits = [waiting for target in core.targets.values() if target.plugin == plugin.name
             for waiting in [core.kinds.short_counts(count_pending_at(core.database, target.name)["waiting"])] if waiting]  # fmt: skip
    switch = next((value for value in values if value.name == name), None)
    parts = [plugin.help, *(f"Waiting: {counts}" for counts in waits), plugin.error or ""]
    return Entry(
        f"plugin {plugin.name}",
        label_of(plugin, values),
        PLUGINS,
        SET_SETTING.name,
        {"name": name},
        "\n".join(part for part in parts if part),
        enabled=switch is not None and switch.source not in FIXED_BY,
        checked=switch is not None and bool(switch.value),
    )


def place_of(plugin: Plugin, values: Sequence[Value]) -> tuple[str, ...]:
    """The home target's settings are about its account; every other plugin has a submenu of its own."""
    return AUTHENTICATION if plugin.name == PROJECT else (*WHAT_TO_SYNC, label_of(plugin, values))


def is_target(plugin: Plugin) -> bool:
    return hasattr(plugin.module, "register_targets")


def label_of(plugin: Plugin, values: Sequence[Value]) -> str:
    """The label of the plugin's `enabled`, or its name."""
    labels = [value.setting.label for value in values if value.name == f"{plugin.name}.enabled"]
    return next(filter(None, labels), word(plugin.name))


def rank(value: Value) -> int:
    key = value.name.partition(".")[2]
    return FIRST.index(key) if key in FIRST else ORDER[value.setting.type_name]


def text_of(value: Value) -> str:
    setting, label = value.setting, shown_name(value.setting)
    if setting.type is bool:
        return label
    if setting.secret:
        return f"{label}: {'***' if value.value else 'not set'}"
    shown = word(str(value.value)) if setting.choices else value.value
    return f"{label}: {'not set' if shown == '' else shown} {setting.unit}".rstrip()


def help_of(value: Value) -> str:
    fixed = FIXED_BY.get(value.source)
    return f"{value.setting.help} (set by the {fixed})" if fixed else value.setting.help


def question_text(value: Value) -> str:
    """The setting's name and unit, and on a second line what it does."""
    setting = value.setting
    unit = f" ({setting.unit})" if setting.unit else ""
    return f"{shown_name(setting)}{unit}" + (f"\n{setting.help}" if setting.label else "")


def shown_name(setting: Setting) -> str:
    return setting.label or setting.help


def word(text: str) -> str:
    """`on_session` → `On session`."""
    return text.replace("_", " ").capitalize()


def whole(number: float | None) -> int | None:
    return None if number is None else int(number)
