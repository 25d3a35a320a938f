"""The settings that plugins have without a word of theirs: `since`, what of the past a feature or target is given at
first, and a target's `repeat_after`."""

from datetime import UTC, datetime

from booklore_core.settings import BadSetting, Setting, Settings

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

REPEAT_AFTER = Setting(
    "repeat_after",
    int,
    600,
    "Wait before what may have arrived and is not found is sent again",
    (),
    0,
    86400,
    "seconds",
)
"""A request may be carried out minutes after it was given up. Source: server contract §17."""

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
