"""Lines that could not be taken in: shown, tried again, put away."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from booklore_core.actions.submenus import ADVANCED
from booklore_core.flows import Action, Confirm, Flow, Request, Result
from booklore_core.settings import BadSetting

if TYPE_CHECKING:
    from booklore_core.core import Core
    from booklore_core.pipeline.quarantine import QuarantinedLine

LISTED = 1000


def list_quarantine(core: "Core", request: Request) -> Flow:
    """Shows the lines, the newest first; `limit` in args says how many."""
    yield from ()
    lines = core.quarantine.lines(int(request.args.get("limit", LISTED)))
    told = [f"{one.id}: {one.source}: {one.field}: {one.reason}" for one in lines]
    data = {"count": core.quarantine.count(), "lines": [*map(line_json, lines)]}
    return Result("\n".join(told) or "No line is in quarantine", title="Quarantine", data=data)


def line_json(line: "QuarantinedLine") -> dict[str, Any]:
    names = ("id", "source", "line", "field", "reason")
    seen_at = f"{datetime.fromtimestamp(line.seen_at, UTC):%Y-%m-%dT%H:%M:%SZ}"
    return {**{name: getattr(line, name) for name in names}, "seen_at": seen_at}


def retry_quarantine(core: "Core", request: Request) -> Flow:
    """Tries lines again: those of `ids` in args, or all."""
    yield from ()
    before = core.quarantine.count()
    again = core.retry_quarantine(wanted_ids(request))
    left = core.quarantine.count()
    message = f"{lines_in_words(before - left)} taken in, {left} still in quarantine"
    return Result(message, ok=not again.rejected, data={"taken": before - left, "left": left})


def dismiss_quarantine(core: "Core", request: Request) -> Flow:
    """Puts lines away for good, those of `ids` in args or all, if a person agrees."""
    ids, count = wanted_ids(request), core.quarantine.count()
    if ids is None and count:
        question = f"Put {lines_in_words(count)} away for good? What they tell is lost."
        if not (yield Confirm(question, ok="Dismiss")):
            return Result("Nothing was dismissed", data={"dismissed": 0})
    dismissed = core.quarantine.dismiss(ids, core.clock())
    missing = len(set(ids or ())) - dismissed
    message = f"{lines_in_words(dismissed)} dismissed" + (f", {missing} not there" if missing > 0 else "")
    return Result(message, ok=missing <= 0, data={"dismissed": dismissed})


def wanted_ids(request: Request) -> Sequence[int] | None:
    """None: all. Raises BadSetting for what is no list of numbers."""
    ids = request.args.get("ids")
    if ids is None:
        return None
    if not isinstance(ids, list | tuple) or not all(isinstance(one, int) for one in ids):
        raise BadSetting("ids: expected a list of numbers, as the list of the quarantine shows them")
    return [*ids]


def lines_in_words(count: int) -> str:
    return "1 line" if count == 1 else f"{count} lines"


def holds_something(core: "Core") -> bool:
    return core.quarantine.count() > 0


QUARANTINE_ACTIONS = (
    Action(
        "list_quarantine", "View Quarantine", list_quarantine, "Shows the lines that could not be taken in.", order=4,
        menu=ADVANCED, enabled=holds_something,
    ),
    Action(
        "retry_quarantine", "Retry Quarantine", retry_quarantine, "Tries to take those lines in again.", order=5,
        menu=ADVANCED, enabled=holds_something,
    ),
    Action(
        "dismiss_quarantine", "Dismiss Quarantine", dismiss_quarantine, "Puts those lines away for good.", order=6,
        menu=ADVANCED, enabled=holds_something,
    ),
)  # fmt: skip
