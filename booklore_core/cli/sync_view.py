"""What a sync came to, for people; shown without loading the core or the command line."""

from collections.abc import Mapping
from typing import Any

from booklore_core.cli.output import show, show_table
from booklore_core.kinds import Kinds

Report = Mapping[str, Any]
"""What `booklore sync --json` prints."""

COUNTED = ("delivered", "waiting", "rejected")


def show_report(report: Report, kinds: Kinds) -> None:
    if not report["targets"]:
        show("No target is enabled; see `booklore plugins list`.")
        return
    rows = [
        (
            name,
            *(kinds.in_words(run[what]) or "-" for what in COUNTED),
            run["unavailable"] or "-",
        )
        for name, run in report["targets"].items()
    ]
    show_table(rows, "TARGET", "DELIVERED", "WAITING", "REJECTED", "UNAVAILABLE")


def is_idle(report: Report) -> bool:
    """Whether there was nothing to do for any target."""
    runs = report["targets"].values()
    return bool(runs) and not any(run[what] for run in runs for what in (*COUNTED, "unavailable"))
