"""The one action that changes any setting, and what it asks; the two switches that have a gesture."""

from collections.abc import Generator
from dataclasses import replace
from typing import Any

from booklore_core.actions.own import action
from booklore_core.actions.plugins import count_owed, put_away
from booklore_core.core import Core
from booklore_core.flows import Ask, Choose, Confirm, Flow, Question, Request, Result
from booklore_core.settings import ENABLED, BadSetting, Setting, Value
from booklore_core.storage.since import TRIGGERS

FIXED_BY = {"env": "environment", "file": "configuration file"}
GIVEN_IN = {"env": "the environment", "file": "config.toml"}
"""Where a value comes from that nobody can change here, for who holds the device, and for who sits at the computer."""


KEEP, DISCARD = "Keep it for when it is on again", "Discard it for good"
KEPT = "kept for when it is on again"


def sync_mode(core: Core) -> str:
    """What starts a sync: `automatic`, `manual` or `custom`. *Manual only* comes before the chosen mode."""
    return "manual" if core.settings["sync.manual_only"] else str(core.settings["sync.mode"])


@action("Set", "Changes one setting.", menu=None)
def set_setting(core: Core, request: Request) -> Flow:
    """Changes a setting. args: name; value, without which a switch flips and anything else is asked for.

    Raises BadSetting for a name that there is not and for a given value that does not fit.
    """
    if "name" not in request.args:
        raise BadSetting("which setting? Its name is missing; `booklore config show` lists them")
    before = core.settings.value(str(request.args["name"]))
    if "value" in request.args:
        return (yield from change(core, request, before, request.args["value"]))
    try:
        wanted = yield from ask(before)
        return Result() if wanted is None else (yield from change(core, request, before, wanted))
    except BadSetting as error:
        return Result(str(error), ok=False)


def ask(value: Value) -> Generator[Question, Any, Any]:
    """What a person wants a setting to be; None for cancelled."""
    setting, text = value.setting, question_text(value)
    if setting.choices:
        answer = yield Choose(text, [word(choice) for choice in setting.choices], setting.choices.index(value.value))
        return None if answer is None else setting.choices[answer]
    if setting.type is bool:
        return not value.value
    if setting.type is int:
        low, high = (None if limit is None else int(limit) for limit in (setting.low, setting.high))
        return (yield Ask(text, value.value, low=low, high=high))
    return (yield Ask(text, "" if setting.secret else str(value.value), secret=setting.secret))


def change(core: Core, request: Request, before: Value, wanted: Any) -> Flow:
    """Sets a setting. A device cannot move secrets: those that would go elsewhere then are asked for anew (design §9).

    They are forgotten before the setting is stored, so that at no time an old secret meets a new address; with them
    what the plugin was given for them: a login's tokens open the account as well.
    """
    setting, section = before.setting, before.name.partition(".")[0]
    if setting.local and request.device is not None:
        return Result(f"Only at the computer can this be changed: `booklore config set {before.name}`", ok=False)
    is_new = setting.warns and wanted not in ("", before.value)
    warning = setting.warns.get(setting.check(wanted, before.name)) if is_new else None
    if warning and not (yield Confirm(f"{warning} Choose it all the same?", choice_name(setting, wanted))):
        return Result(f"{before.name} stays {before.value}. {warning}", ok=False)
    if setting.name == ENABLED.name and setting.check(wanted, before.name) is False:
        return (yield from switch_off(core, request, before))
    if request.device is None or not setting.forgets or setting.check(wanted, before.name) == before.value:
        return store(core, before, wanted)
    secrets = [one for one in (core.settings.value(f"{section}.{key}") for key in setting.forgets) if one.value]
    fixed = next((one for one in (before, *secrets) if one.source in FIXED_BY), None)
    if fixed:
        reason = f"{fixed.name} is set by the {FIXED_BY[fixed.source]}"
        return Result(f"{before.name} cannot be changed from here while {reason}", ok=False)
    for secret in secrets:
        core.settings.unset(secret.name)
    core.store(section).secrets.clear()
    result = store(core, before, wanted)
    for secret in secrets:
        text = f"{question_text(secret)}\nIt was forgotten because “{shown_name(setting)}” was changed."
        answer = yield Ask(text, secret=True)
        if answer:
            core.settings.set(secret.name, answer)
    return result


def switch_off(core: Core, request: Request, before: Value) -> Flow:
    """Switches a plugin off. What waits for its targets is kept for when it is on again, or discarded: as a person
    says, or `discard` of the args."""
    plugin = before.name.partition(".")[0]
    counts = core.kinds.in_words(count_owed(core, plugin))
    discards = request.args.get("discard")
    if discards is None and counts:
        discards = yield Choose(f"What becomes of what waits for {plugin}: {counts}?", (KEEP, DISCARD), 0)
        if discards is None:
            return Result(f"{plugin} stays on", ok=False)
    result = store(core, before, False)
    if not result.ok:
        return result
    away = put_away(core, plugin, bool(discards))
    message = f"{core.kinds.in_words(away)} {'discarded' if discards else KEPT}" if away else ""
    return replace(result, message=message, data={"discarded" if discards else "kept": away})


def store(core: Core, before: Value, wanted: Any) -> Result:
    """Sets a setting and says what holds now. An empty secret changes nothing, as its dialog
    never shows the old one; None removes it."""
    name, setting = before.name, before.setting
    if setting.secret and wanted == "":
        return Result()
    now = core.settings.unset(name) if wanted in ("", None) else core.settings.set(name, wanted)
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
    shown = choice_name(setting, value.value) if setting.choices else value.value
    return f"{label}: {'not set' if shown == '' else shown} {setting.unit}".rstrip()


def question_text(value: Value) -> str:
    """The setting's name and unit, and on a second line what it does."""
    setting = value.setting
    unit = f" ({setting.unit})" if setting.unit else ""
    return f"{shown_name(setting)}{unit}" + (f"\n{setting.help}" if setting.label else "")


def shown_name(setting: Setting) -> str:
    return setting.label or setting.help


def choice_name(setting: Setting, choice: str) -> str:
    return dict(zip(setting.choices, setting.words, strict=False)).get(choice) or word(choice)


def word(text: str) -> str:
    """`on_session` → `On session`."""
    return text.replace("_", " ").capitalize()


@action(
    "Enable sync", "When off, nothing is written down.", order=1, dispatcher="BookLore Sync: toggle sync",
    checked=lambda core: bool(core.settings["sync.enabled"]),
)  # fmt: skip
def toggle_sync(core: Core, request: Request) -> Result:
    """Enable sync, or stop writing anything down. args: enabled, without it the switch flips."""
    wanted = request.args.get("enabled", not core.settings["sync.enabled"])
    return switch(core, "sync.enabled", wanted, "Sync enabled", "Sync disabled")


@action(
    "Manual only (cache everything)", "Everything is queued and sent only when you ask.", order=2, menu=TRIGGERS,
    args={"enabled": True}, radio=True, checked=lambda core: sync_mode(core) == "manual",
    dispatcher="BookLore Sync: toggle manual sync only",
)  # fmt: skip
def toggle_manual_only(core: Core, request: Request) -> Result:
    """Manual only: queue everything, send when asked. Switched off, the mode `manual` gives way to `automatic`.

    args: enabled, without it the switch flips.
    """
    wanted = request.args.get("enabled", sync_mode(core) != "manual")
    if not wanted and core.settings["sync.mode"] == "manual":
        core.settings.set("sync.mode", "automatic")
    return switch(core, "sync.manual_only", wanted, "Manual only: syncs when you ask", "Syncs automatically")


def switch(core: Core, name: str, wanted: Any, on: str, off: str) -> Result:
    value = core.settings.set(name, wanted)
    if value.value != wanted:
        return Result(f"{name} is set by the {value.source} and stays {value.value}", ok=False)
    return Result(on if value.value else off, data={name: value.value})
