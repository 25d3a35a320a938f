"""Runs an action for a command: what it asks in the terminal, how far it is as a bar."""

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import typer

from booklore_core.cli.errors import Refused, Stopped, is_expected
from booklore_core.cli.progress import Activity
from booklore_core.cli.terminal import Reply, person, run_flow
from booklore_core.kinds import quantity

if TYPE_CHECKING:
    from booklore_core.core import Core
    from booklore_core.flows import Result

log = logging.getLogger(__name__)

STILL_WAITING = 3
"""The exit code for: done, but items still wait."""


GOES_ON = "the same command goes on there the next time"


def perform(
    core: "Core",
    action: str,
    book: str | None = None,
    args: Mapping[str, Any] | None = None,
    reply: Reply | None = None,
) -> "Result":
    """What an action comes to. book: as `Books.find` knows it. reply: answers its questions; or a person does."""
    from booklore_core.actions import owner_of, start
    from booklore_core.flows import Request
    from booklore_core.guard.culprit import told

    activity, matched = Activity(), core.count_books()["matched"]
    flow = start(core, action, Request(book, args or {}, progress=activity.tell))
    try:
        return run_flow(flow, reply or person(), activity)
    except KeyboardInterrupt:
        raise Stopped(so_far(core, activity, matched)) from None
    except BaseException as error:
        owner = owner_of(core, action)
        if owner is None or is_expected(error) or isinstance(error, typer.Exit | typer.Abort):
            raise
        log.info("the action %s", action, exc_info=error)
        raise Refused(f"the action {action} of plugin {owner.name} failed: {told(error, owner.package)}") from error


def so_far(core: "Core", activity: Activity, matched: int) -> str:
    """What was done of a work that goes on where it was when it is asked for again. matched: so many books were it."""
    more = core.count_books()["matched"] - matched
    parts = [f"{quantity(more, 'book')} matched"] if more > 0 else []
    for label, (done, total) in activity.told.items():
        if label in core.targets:
            delivered = max(0, total - len(core.ledger.due(label)))
            parts.append(f"{delivered} of {total} delivered to {label}")
        else:
            parts.append(f"{label}: {done} of {total} done")
    return f"stopped: {', '.join(parts)}; {GOES_ON}" if parts else "stopped"


def given(**args: Any) -> dict[str, Any]:
    """The arguments that somebody gave."""
    return {name: value for name, value in args.items() if value is not None}


def insist(result: "Result") -> "Result":
    """Raises Refused when the action could not do its work."""
    if not result.ok:
        raise Refused(result.message)
    return result
