"""Lines that could not be taken in: shown, tried again, put away."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from booklore_core.actions.own import ADVANCED, action
from booklore_core.core import Core
from booklore_core.flows import Confirm, Flow, Request, Result
from booklore_core.kinds import quantity
from booklore_core.settings import BadSetting
from booklore_core.storage.counts import iso_utc


def holds_something(core: Core) -> bool:
    return core.quarantine.count() > 0


@action(
    "View Quarantine", "Shows the lines that could not be taken in.", order=4, menu=ADVANCED, enabled=holds_something
)
def list_quarantine(core: Core, request: Request) -> Result:
    """Shows the lines, the newest first. args: none."""
    lines = core.quarantine.lines()
    told = [f"{one.id}: {one.source}: {one.field}: {one.reason}" for one in lines]
    listed = [{**asdict(one), "seen_at": iso_utc(one.seen_at)} for one in lines]
    data = {"count": core.quarantine.count(), "lines": listed}
    return Result("\n".join(told) or "No line is in quarantine", title="Quarantine", data=data)


@action("Retry Quarantine", "Tries to take those lines in again.", order=5, menu=ADVANCED, enabled=holds_something)
def retry_quarantine(core: Core, request: Request) -> Result:
    """Tries lines again. args: ids, those of the list; without them all."""
    before = core.quarantine.count()
    again = core.retry_quarantine(wanted_ids(core, request))
    left = core.quarantine.count()
    message = f"{quantity(before - left, 'line')} taken in, {left} still in quarantine"
    return Result(message, ok=not again.rejected, data={"taken": before - left, "left": left})


@action("Place Quarantine", "Says when lines were written whose time nobody knows.", menu=None)
def place_quarantine(core: Core, request: Request) -> Result:
    """Takes lines in. args: ids; at, when the first of them was written, an ISO time: the others keep their distances,
    and without a zone it is this computer's; insist, that this is so whatever other lines say."""
    ids, first = wanted_ids(core, request), wanted_time(request)
    if not ids:
        raise BadSetting("ids: expected the numbers of lines, as the list of the quarantine shows them")
    before = core.quarantine.count()
    again = core.place_quarantine(ids, first, bool(request.args.get("insist")))
    left, reasons = core.quarantine.count(), {one.field: one.reason for one in reversed(again.rejected)}
    why = "; ".join(reasons.values())
    taken, others = before - left, before - left - len(ids) + len(again.rejected)
    also = f", {others} of them because the same boot wrote them" if others > 0 else ""
    message = f"{quantity(taken, 'line')} taken in{also}, {left} still in quarantine{f': {why}' if why else ''}"
    return Result(message, ok=not again.rejected, data={"taken": taken, "left": left})


@action("Dismiss Quarantine", "Puts those lines away for good.", order=6, menu=ADVANCED, enabled=holds_something)
def dismiss_quarantine(core: Core, request: Request) -> Flow:
    """Puts lines away for good. args: ids, those of the list; without them all, if a person agrees."""
    ids, count = wanted_ids(core, request), core.quarantine.count()
    if ids is None and count:
        question = f"Put {quantity(count, 'line')} away for good? What they tell is lost."
        if not (yield Confirm(question, ok="Dismiss")):
            return Result("Nothing was dismissed", data={"dismissed": 0})
    dismissed = core.quarantine.dismiss(ids, core.clock())
    return Result(f"{quantity(dismissed, 'line')} dismissed", data={"dismissed": dismissed})


def wanted_ids(core: Core, request: Request) -> Sequence[int] | None:
    """None: all. Raises BadSetting for what is no list of numbers, and for numbers of no line."""
    ids = request.args.get("ids")
    if ids is None:
        return None
    if not (isinstance(ids, list | tuple) and all(isinstance(one, int) for one in ids)):
        raise BadSetting("ids: expected a list of numbers, as the list of the quarantine shows them")
    missing = sorted(set(ids) - {one.id for one in core.quarantine.chosen(ids)})
    if missing:
        are = "is" if len(missing) == 1 else "are"
        raise BadSetting(f"{', '.join(map(str, missing))} {are} not in quarantine; see `booklore quarantine list`")
    return ids


def wanted_time(request: Request) -> datetime:
    """Raises BadSetting for what is no time."""
    told = request.args.get("at")
    try:
        return datetime.fromisoformat(str(told)).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        raise BadSetting(f"at: {told} is no time; expected one such as 2026-11-20T21:30 or 2026-11-20T20:30Z") from None
