"""The settings that the core declares: its own, and those that plugins have without a word of theirs: `since`, what of
the past a feature or target is given at first, and a target's `repeat_after`."""

from datetime import UTC, datetime

from booklore_core.settings import HISTORY, BadSetting, Setting, Settings
from booklore_core.storage.store import StoredSettings

TRIGGERS, PREFERENCES = ("Sync Settings", "Sync Triggers"), ("Preferences",)

SYNC = (
    Setting("enabled", bool, True, "Write down and sync what is read", label="Enable sync"),
    Setting("manual_only", bool, False, "Queue everything and send only when asked", label="Manual only"),
    Setting("mode", str, "automatic", "What starts a sync", ("automatic", "manual", "custom"), label="Sync triggers"),
    Setting("on_suspend", bool, True, "Sync when the device goes to sleep", label="Sync on suspend", menu=TRIGGERS),
    Setting("wifi_on_suspend", bool, False, "Enable Wi-Fi for it", label="Connect WiFi on suspend", menu=TRIGGERS),
    Setting("ask_wifi", bool, False, "Ask before enabling WiFi", menu=TRIGGERS),
    Setting("wake_delay", int, 15, "Wait after waking up before a sync", (), 0, 3600, "seconds", menu=TRIGGERS),
    Setting("wake_cooldown", int, 300, "Least time between wake syncs", (), 0, 86400, "seconds", menu=TRIGGERS),
    Setting("silent", bool, False, "Show no messages on the device", label="Silent mode", menu=PREFERENCES),
)

PAST = "{} of the past: a date such as 2026-01-31, all, or nothing"


def parse_since(text: str) -> datetime | None:
    """Where the past begins that is given: a date, or `all`. None: from now on. Raises ValueError for anything else."""
    if not text:
        return None
    if text == "all":
        return datetime.fromtimestamp(0, UTC)
    try:
        given = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"expected a date such as 2026-01-31, all, or nothing, got {text!r}") from error
    return given if given.tzinfo else given.replace(tzinfo=UTC)


SEND_SINCE = Setting(
    "since", str, "", PAST.format("What a new target is given"), label="Send the past since", fits=parse_since
)
READ_SINCE = Setting(
    "since", str, "all", PAST.format("What a new feature reads"), label="Read the past since", fits=parse_since
)

TWICE = "Wait before what may have arrived and is not found is sent again"
REPEAT_AFTER = Setting("repeat_after", int, 600, TWICE, (), 0, 86400, "seconds")
"""A request may be carried out minutes after it was given up. Source: server contract §17."""

MOST_KEPT = 100
"""So many changes of a setting are remembered."""

OF_TARGETS = (SEND_SINCE, REPEAT_AFTER)


def since_of(settings: Settings, plugin: str) -> datetime | None:
    """What a plugin's setting says; a plugin without one is given nothing. Raises BadSetting where somebody has wished
    for what is none: a past that was not wanted could not be taken back."""
    name = f"{plugin}.since"
    if name not in settings:
        return None
    wanted = settings.value(name)
    if wanted.faults:
        raise BadSetting(wanted.faults[0].text)
    return parse_since(wanted.value)


def note_agreed(settings: Settings, stored: StoredSettings, now: datetime) -> None:
    """Keeps since when each setting that warns people is what it is, and of a plugin that is off that it is nothing."""
    before = stored.get(HISTORY) or {}
    after = dict(before)
    for name in {*before, *settings.warning}:
        history, is_on = before.get(name, []), settings.enabled(name.partition(".")[0])
        value = settings[name] if name in settings and is_on else None
        if (name in settings or not is_on) and (not history or history[-1][1] != value):
            after[name] = [*history[-MOST_KEPT:], [now.timestamp(), value]]
    if after != before:
        stored.set(HISTORY, after)
