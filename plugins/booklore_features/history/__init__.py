"""History: the reading that KOReader's own statistics know of, as sessions; each second of it once.

Statistics tell of every page how long it was shown. What lies close together makes a session (seed import-and-matching,
*Extract Historical Data*). Time that is accounted for already is left out first, be it by a session or by what the
devices told live: so what comes a second time, from a copy or from another device's file, adds nothing.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from booklore_core import Facts, Item, Journal, Remark, Section, Setting, hookimpl
from booklore_features.history.cutting import Limits
from booklore_features.history.past import Past
from booklore_features.history.statistics_file import open_statistics

MENU = ("Import & Matching",)
IDLE_CAP = 600
"""Seconds that a page counts at most where the plugin that declares it is not there."""


@hookimpl
def register_settings() -> Iterable[Setting]:
    about = "Whether reading of the past can be taken from KOReader's statistics"
    yield Setting("enabled", bool, True, about, label="Reading history", menu=MENU)
    about, label = "Longest pause between two pages of a session of the past", "Longest pause in past sessions"
    yield Setting("session_gap", int, 300, about, label=label, low=0, high=24 * 3600, unit="seconds", menu=MENU)


@hookimpl
def import_history(
    path: Path, journal: Journal, facts: Facts, settings: Section, progress: Callable[[int, int], None]
) -> Iterator[Item | Remark] | None:
    opened = open_statistics(path)
    if opened is None:
        return None
    limits = Limits(settings["session_gap"], settings.get("sessions.idle_cap", IDLE_CAP))
    return Past(*opened, journal, facts, limits).news(progress)
