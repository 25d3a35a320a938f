"""Which of the Lua plugin's settings is which of ours, and what of it is taken over: never what a person has set here.

Values are raw texts: a password `00123` stays one. Source: lua-plugin-behaviour §9.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from booklore_core import BadSetting, Setting
from booklore_targets.booklore.lua_plugin.loose_values import is_true, text_of, whole_of

URL, USERNAME, PASSWORD = "booklore.url", "booklore.username", "booklore.password"
KOREADER = "booklore.koreader_username", "booklore.koreader_password"
ACCOUNT: Mapping[str, str] = {
    "server_url": URL,
    "booklore_username": USERNAME,
    "booklore_password": PASSWORD,
    "username": KOREADER[0],
    "password": KOREADER[1],
}
OWNERS: Mapping[str, str] = {PASSWORD: USERNAME, KOREADER[1]: KOREADER[0]}
"""Whose password it is."""

OTHERS: Mapping[str, tuple[str, ...]] = {
    "is_enabled": ("sync.enabled",),
    "sync_mode": ("sync.mode",),
    "manual_sync_only": ("sync.manual_only",),
    "force_push_session_on_suspend": ("sync.on_suspend",),
    "connect_network_on_suspend": ("sync.wifi_on_suspend",),
    "ask_wifi_enable": ("sync.ask_wifi",),
    "silent_messages": ("sync.silent",),
    "session_detection_mode": ("sessions.mode",),
    "min_duration": ("sessions.min_duration",),
    "min_pages": ("sessions.min_pages",),
    "progress_decimal_places": ("sessions.decimals",),
    "rating_sync_enabled": ("ratings.enabled",),
    "rating_sync_mode": ("ratings.mode",),
    "highlights_notes_sync_enabled": ("annotations.enabled",),
    "bookmarks_sync_enabled": ("bookmarks.enabled",),
    "notes_destination": ("annotations.destination",),
    "upload_strategy": ("annotations.upload", "bookmarks.upload"),
    "booklore_shelf_name": ("deletions.shelf",),
    "hardcover_token": ("hardcover.token",),
}
WORDS: Mapping[str, str] = {"koreader_scaled": "scaled"}
"""The plugin's word for a choice, where ours is another."""

TRIGGERS = ("manual_sync_only", "force_push_session_on_suspend", "connect_network_on_suspend")
ANOTHER = "it belongs to another address or account"


@dataclass
class SettingSteps:
    """What is to be done about the settings, by our names. taken: name → value, secrets among them. kept: what differs
    here and stays, and why. unfit: what does not fit. unknown: the plugin's keys that have no counterpart here.
    is_same_library: whether the plugin's server and account are those here, as far as it tells them."""

    taken: dict[str, Any] = field(default_factory=dict, repr=False)
    kept: dict[str, str] = field(default_factory=dict)
    unfit: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    is_same_library: bool = True


def settings_of(rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Key → raw text of `plugin_settings`; what is NULL says nothing. Modes that were never chosen follow from what
    was (§1.9)."""
    found = {text_of(row.get("key")): text_of(row["value"]) for row in rows if row.get("value") is not None}
    if "sync_mode" not in found and any(key in found for key in TRIGGERS):
        is_manual, *on_suspend = (is_true(found.get(key)) for key in TRIGGERS)
        found["sync_mode"] = "manual" if is_manual else "automatic" if all(on_suspend) else "custom"
    return found


def plan_settings(core: Any, found: Mapping[str, str]) -> SettingSteps:
    """What becomes of each setting. Changes nothing."""
    steps = SettingSteps()
    plan_account(core, found, steps)
    for key, text in ((key, text) for key, text in found.items() if text.strip()):
        names = [name for name in OTHERS.get(key, ()) if name in core.settings]
        if not names and key not in ACCOUNT:
            steps.unknown.append(key)
        for name in names:
            plan_one(core, name, text, steps)
    return steps


def plan_account(core: Any, found: Mapping[str, str], steps: SettingSteps) -> None:
    """The server's address, and who logs in there. A password goes to the server that it was for and to no other, and
    with its own name; one that is here already is never sent to an address that was not."""
    told = {name: found[key] for key, name in ACCOUNT.items() if found.get(key)}
    if URL in told and (core.settings[URL] or not has_secrets(core)):
        plan_one(core, URL, told[URL], steps)
    here = steps.taken.get(URL, core.settings[URL])
    is_there = here == (checked(core, URL, told[URL]) if URL in told else "")
    for name in [name for name in ACCOUNT.values() if name in told and name != URL]:
        owner = OWNERS.get(name, "")
        is_owners = owner not in told or steps.taken.get(owner, core.settings[owner]) == told[owner]
        if is_there and is_owners:
            plan_one(core, name, told[name], steps)
        elif core.settings[name] != told[name]:
            steps.kept[name] = ANOTHER
    account = steps.taken.get(USERNAME, core.settings[USERNAME])
    steps.is_same_library = (is_there or URL not in told) and account in ("", told.get(USERNAME, account))


def has_secrets(core: Any) -> bool:
    """Whether something here would go to a new address."""
    return any(core.settings[f"booklore.{name}"] for name in core.settings.declaration(URL).forgets)


def checked(core: Any, name: str, text: str) -> Any:
    """The text as a value of that setting, None for none."""
    try:
        return in_its_type(core.settings.declaration(name), name, text)
    except BadSetting:
        return None


def in_its_type(setting: Setting, name: str, text: str) -> Any:
    """Raises BadSetting for what does not fit. Numbers were written in Lua: `2.0` is 2."""
    number = whole_of(text) if setting.type is int else None
    return setting.check(WORDS.get(text, text) if number is None else number, name)


def plan_one(core: Any, name: str, text: str, steps: SettingSteps) -> None:
    """Takes a value where nobody has set one here."""
    here = core.settings.value(name)
    value = checked(core, name, text)
    if value is None or "\ufffd" in text:
        steps.unfit.append(name)
    elif here.source == "default" and value != here.value:
        steps.taken[name] = value
    elif value != here.value:
        steps.kept[name] = "it was set here"


def take_settings(core: Any, steps: SettingSteps) -> None:
    """Stores what is to be taken; the address before what goes there. Secrets come to lie where secrets do."""
    for name, value in steps.taken.items():
        core.settings.set(name, value)
    if steps.taken:
        core.refresh()


def told_of_settings(steps: SettingSteps) -> Iterator[str]:
    """In sentences; values are not told, for some are secrets."""
    if steps.taken:
        yield f"Settings that are taken over: {', '.join(steps.taken)}."
    if steps.kept:
        kept = ", ".join(f"{name} ({why})" for name, why in steps.kept.items())
        yield f"Settings that stay as they are here: {kept}."
    if steps.unfit:
        yield f"Settings that do not fit and are left out: {', '.join(steps.unfit)}."
    if steps.unknown:
        yield f"Settings without a counterpart here: {', '.join(steps.unknown)}."
    if steps.taken.get("sync.enabled") is False:
        yield "The plugin was switched off, and so is Enable sync here."
