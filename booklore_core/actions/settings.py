"""The one action that changes any setting, and what it asks; the two switches that have a gesture."""

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

from booklore_core.flows import Action, Ask, Choose, Flow, Question, Request, Result
from booklore_core.settings import TRIGGERS as TRIGGERS
from booklore_core.settings import BadSetting, Setting, Value

if TYPE_CHECKING:
    from booklore_core.core import Core

FIXED_BY = {"env": "environment", "file": "configuration file"}


def sync_mode(core: "Core") -> str:
    """What starts a sync: `automatic`, `manual` or `custom`. *Manual only* comes before the chosen mode."""
    return "manual" if core.settings["sync.manual_only"] else str(core.settings["sync.mode"])


def set_setting(core: "Core", request: Request) -> Flow:
    """Changes the setting `name`: to `value` where that is given, else a switch flips and anything else is asked for.

    Raises BadSetting for a name that there is not and for a given value that does not fit.
    """
    before = core.settings.value(str(request.args.get("name", "")))
    if "value" in request.args:
        return (yield from change(core, request, before, request.args["value"]))
    try:
        wanted = yield from ask(before)
        return Result() if wanted is None else (yield from change(core, request, before, wanted))
    except BadSetting as error:
        return Result(str(error), ok=False)


SET_SETTING = Action("set_setting", "Set", set_setting, "Changes one setting.", menu=None)


def ask(value: Value) -> Generator[Question, Any, Any]:
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


def change(core: "Core", request: Request, before: Value, wanted: Any) -> Flow:
    """Sets a setting. A device cannot move secrets: those that would go elsewhere then are asked for anew (design §9).

    They are forgotten before the setting is stored, so that at no time an old secret meets a new address.
    """
    setting = before.setting
    if request.device is None or not setting.forgets or setting.check(wanted, before.name) == before.value:
        return store(core, before, wanted)
    secrets = secrets_of(core, before)
    fixed = next((one for one in (before, *secrets) if one.source in FIXED_BY), None)
    if fixed:
        reason = f"{fixed.name} is set by the {FIXED_BY[fixed.source]}"
        return Result(f"{before.name} cannot be changed from here while {reason}", ok=False)
    forget(core, before, secrets)
    result = store(core, before, wanted)
    for secret in secrets:
        yield from ask_anew(core, secret, shown_name(setting))
    return result


def secrets_of(core: "Core", value: Value) -> list[Value]:
    """The secrets that are set and go where this setting says."""
    section = value.name.partition(".")[0]
    found = [core.settings.value(f"{section}.{key}") for key in value.setting.forgets]
    return [secret for secret in found if secret.value]


def forget(core: "Core", value: Value, secrets: list[Value]) -> None:
    """Forgets secrets, and what the plugin was given for them: a login's tokens open the account as well."""
    for secret in secrets:
        core.settings.unset(secret.name)
    core.store(value.name.partition(".")[0]).secrets.clear()


def ask_anew(core: "Core", secret: Value, what: str) -> Generator[Question, Any, None]:
    text = f"{question_text(secret)}\nIt was forgotten because “{what}” was changed."
    answer = yield Ask(text, secret=True)
    if answer:
        core.settings.set(secret.name, answer)


def store(core: "Core", before: Value, wanted: Any) -> Result:
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


def text_of(value: Value) -> str:
    """A setting's name with what it is set to; a secret is never shown."""
    setting, label = value.setting, shown_name(value.setting)
    if setting.type is bool:
        return label
    if setting.secret:
        return f"{label}: {'***' if value.value else 'not set'}"
    shown = word(str(value.value)) if setting.choices else value.value
    return f"{label}: {'not set' if shown == '' else shown} {setting.unit}".rstrip()


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


def toggle_sync(core: "Core", request: Request) -> Flow:
    """Enable sync, or stop writing anything down."""
    yield from ()
    return toggle(core, "sync.enabled", request, "Sync enabled", "Sync disabled")


def toggle_manual_only(core: "Core", request: Request) -> Flow:
    """Manual only: queue everything, send when asked. Switched off, the mode `manual` gives way to `automatic`."""
    yield from ()
    wanted = request.args.get("enabled", sync_mode(core) != "manual")
    if not wanted and core.settings["sync.mode"] == "manual":
        core.settings.set("sync.mode", "automatic")
    request = Request(request.book, {"enabled": wanted}, request.device)
    return toggle(core, "sync.manual_only", request, "Manual only: syncs when you ask", "Syncs automatically")


def toggle(core: "Core", name: str, request: Request, on: str, off: str) -> Result:
    """Flips a switch, or sets it to what the request says is `enabled`."""
    wanted = request.args.get("enabled", not core.settings[name])
    value = core.settings.set(name, wanted)
    if value.value != wanted:
        return Result(f"{name} is set by the {value.source} and stays {value.value}", ok=False)
    return Result(on if value.value else off, data={name: value.value})


def is_enabled(name: str) -> Callable[["Core"], bool]:
    return lambda core: bool(core.settings[name])


SWITCH_ACTIONS = (
    Action(
        "toggle_sync", "Enable sync", toggle_sync, "When off, nothing is written down.", order=1,
        checked=is_enabled("sync.enabled"), dispatcher="BookLore Sync: toggle sync",
    ),
    Action(
        "toggle_manual_only", "Manual only (cache everything)", toggle_manual_only,
        "Everything is queued and sent only when you ask.", order=2, menu=TRIGGERS, args={"enabled": True}, radio=True,
        checked=lambda core: sync_mode(core) == "manual", dispatcher="BookLore Sync: toggle manual sync only",
    ),
)  # fmt: skip
