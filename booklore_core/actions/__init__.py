"""What a person can ask for, declared once: KOReader's menu, its gestures and the command line show the same."""

from typing import Any

from booklore_core.actions.clear import CLEAR_ACTIONS, QUEUES
from booklore_core.actions.connection import TEST_CONNECTION
from booklore_core.actions.doctor import DOCTOR
from booklore_core.actions.login import LOG_IN
from booklore_core.actions.match import LONG_PRESS, MATCH_ACTIONS, wanted_book
from booklore_core.actions.quarantine import QUARANTINE_ACTIONS
from booklore_core.actions.settings import SET_SETTING, TRIGGERS, sync_mode
from booklore_core.actions.track import TRACK_BOOK
from booklore_core.actions.verify import VERIFY
from booklore_core.core import Core, Report
from booklore_core.flows import Action, Flow, Request, Result
from booklore_core.settings import BadSetting
from booklore_core.storage.counts import LETTERS, short_counts

SYNC_AND_CACHE = ("Sync & Cache",)


def sync_pending(core: Core, request: Request) -> Flow:
    """Sync Pending Now."""
    yield from ()
    report = core.sync(request.args.get("target"), request.progress)
    return Result(summary(report), ok=report.is_complete, data=report_json(report))


def sync_book(core: Core, request: Request) -> Flow:
    """Sync this book: sends what waits of one book and of no other."""
    yield from ()
    book = wanted_book(core, request).partial_md5
    report = core.sync(request.args.get("target"), request.progress, book=book)
    return Result(summary(report), data=report_json(report))


def summary(report: Report) -> str:
    """A toast about a sync: what arrived, what did not, and why (seed sync-and-cache)."""
    delivered, left = report.total("delivered"), report.total("waiting")
    rejected = report.total("rejected")
    parts = [f"{short_counts(delivered)} synced" if delivered else "", f"{short_counts(left)} waiting" if left else ""]
    parts += [f"{short_counts(rejected)} rejected" if rejected else ""]
    parts += [f"{target}: {reason}" for target, reason in report.unavailable.items()]
    return "\n".join(part for part in parts if part) or "Nothing to sync"


def report_json(report: Report) -> dict[str, Any]:
    """The shape that `booklore sync --json` prints."""
    names = ("delivered", "waiting", "rejected")
    per_target = {
        run.target: {**{name: getattr(run, name) for name in names}, "unavailable": run.unavailable}
        for run in report.runs
    }
    totals = {name: report.total(name) for name in names}
    return {
        **totals,
        "unavailable": list(report.unavailable),
        "requests": report.requests,
        "targets": per_target,
    }


def sync_label(core: Core) -> str:
    counts = short_counts(core.pending())
    return f"Sync Pending Now ({counts})" if counts else "Sync Pending Now"


def view_pending(core: Core, request: Request) -> Flow:
    """View Pending Sessions: what is known and what waits. Nothing is changed."""
    yield from ()
    status = core.status()
    books = status.books
    lines = ["Book cache", f"  Books: {books['total']}, matched {books['matched']}, unmatched {books['unmatched']}"]
    lines += ["Pending uploads", *(f"  {QUEUES[kind]}: {status.pending.get(kind, 0)}" for kind in LETTERS)]
    lines += ["Progress history", f"  Synced progress: {status.synced.get('progress', 0)}"]
    return Result("\n".join(lines), title="Pending Sessions", data=status.as_json())


def toggle_sync(core: Core, request: Request) -> Flow:
    """Enable sync, or stop writing anything down."""
    yield from ()
    return toggle(core, "sync.enabled", request, "Sync enabled", "Sync disabled")


def toggle_manual_only(core: Core, request: Request) -> Flow:
    """Manual only: queue everything, send when asked. Switched off, the mode `manual` gives way to `automatic`."""
    yield from ()
    wanted = request.args.get("enabled", sync_mode(core) != "manual")
    if not wanted and core.settings["sync.mode"] == "manual":
        core.settings.set("sync.mode", "automatic")
    request = Request(request.book, {"enabled": wanted}, request.device)
    return toggle(core, "sync.manual_only", request, "Manual only: syncs when you ask", "Syncs automatically")


def toggle(core: Core, name: str, request: Request, on: str, off: str) -> Result:
    """Flips a switch, or sets it to what the request says is `enabled`."""
    wanted = request.args.get("enabled", not core.settings[name])
    value = core.settings.set(name, wanted)
    if value.value != wanted:
        return Result(f"{name} is set by the {value.source} and stays {value.value}", ok=False)
    return Result(on if value.value else off, data={name: value.value})


def is_enabled(name: str) -> Any:
    return lambda core: bool(core.settings[name])


CORE_ACTIONS = (
    Action(
        "toggle_sync", "Enable sync", toggle_sync, "When off, nothing is written down.", order=1,
        checked=is_enabled("sync.enabled"), dispatcher="BookLore Sync: toggle sync",
    ),
    Action(
        "sync_pending", sync_label, sync_pending, "Sends everything that waits.", order=1, menu=SYNC_AND_CACHE,
        enabled=lambda core: bool(core.pending()), dispatcher="BookLore Sync: sync pending items",
    ),
    Action("sync_book", "Sync this book", sync_book, "Sends what waits of this book.", order=3, menu=LONG_PRESS),
    Action(
        "view_pending", "View Pending Sessions", view_pending, "Shows what is known and what waits.", order=2,
        menu=SYNC_AND_CACHE,
    ),
    Action(
        "toggle_manual_only", "Manual only (cache everything)", toggle_manual_only,
        "Everything is queued and sent only when you ask.", order=2, menu=TRIGGERS, args={"enabled": True}, radio=True,
        checked=lambda core: sync_mode(core) == "manual", dispatcher="BookLore Sync: toggle manual sync only",
    ),
)  # fmt: skip
"""The core's own actions; plugins add theirs through `register_actions`."""


def all_actions(core: Core) -> dict[str, Action]:
    """Every action by name: the core's own, then the plugins'."""
    single = (LOG_IN, TEST_CONNECTION, TRACK_BOOK, VERIFY, DOCTOR, SET_SETTING)
    own = (*CORE_ACTIONS, *MATCH_ACTIONS, *CLEAR_ACTIONS, *QUARANTINE_ACTIONS, *single)
    return {action.name: action for action in own} | dict(core.actions)


def find_action(core: Core, name: str) -> Action:
    """Raises BadSetting for an action that there is not."""
    action = all_actions(core).get(name)
    if action is None:
        raise BadSetting(f"there is no action {name!r}")
    return action


def finish(core: Core, action: Action, result: Result) -> Result:
    """Takes in the facts that follow from a flow's answers, under the name of the plugin whose action it is."""
    core.put(result.items, core.action_owners.get(action.name, "core"))
    return result


def start(core: Core, name: str, request: Request) -> Flow:
    """The flow of an action. Raises BadSetting for a name that there is not."""
    action = find_action(core, name)
    result = yield from action.run(core, request)
    return finish(core, action, result)
