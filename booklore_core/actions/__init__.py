"""What a person can ask for, one file each: KOReader's menu, its gestures and the command line show the same."""

from collections.abc import Iterator, Sequence
from typing import Any

from booklore_core.actions.about import ABOUT
from booklore_core.actions.clear import CLEAR_ACTIONS
from booklore_core.actions.match import MATCH_ACTIONS
from booklore_core.actions.settings import SET_SETTING, sync_mode
from booklore_core.actions.status import STATUS_ACTIONS
from booklore_core.actions.submenus import TRIGGERS
from booklore_core.actions.sync import SYNC_ACTIONS
from booklore_core.actions.verify import VERIFY_ACTIONS
from booklore_core.core import Core
from booklore_core.flows import Action, Flow, Request, Result
from booklore_core.settings import BadSetting
from booklore_core.targets import Check, Declined


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


def test_connection(core: Core, request: Request) -> Flow:
    """Test Connection, a line per check."""
    yield from ()
    checks = check_targets(core)
    lines = [f"{'✓' if check.ok else '✗'} {check.check}: {check.detail or check.advice}" for check in checks]
    ok = all(check.ok for check in checks)
    return Result("\n".join(lines), ok=ok, title="Test Connection", data=[check_json(check) for check in checks])


def check_targets(core: Core) -> Sequence[Check]:
    """What works at each target that can be tested."""
    found = [check for target in core.targets.values() for check in check_target(target)]
    return found or [Check("targets", False, "no target is enabled", "run `booklore plugins list`")]


def check_target(target: Any) -> Iterator[Check]:
    try:
        yield from target.check()
    except Declined as error:
        yield Check(target.name, False, error.reason)


def check_json(check: Check) -> dict[str, Any]:
    return {"check": check.check, "ok": check.ok, "detail": check.detail, "advice": check.advice}


def is_enabled(name: str) -> Any:
    return lambda core: bool(core.settings[name])


CORE_ACTIONS = (
    Action(
        "toggle_sync", "Enable sync", toggle_sync, "When off, nothing is written down.", order=1,
        checked=is_enabled("sync.enabled"), dispatcher="BookLore Sync: toggle sync",
    ),
    Action(
        "test_connection", "Test Connection", test_connection, "A line for each thing that has to work.", order=50,
        menu=("Authentication",), dispatcher="BookLore Sync: test connection",
    ),
    Action(
        "toggle_manual_only", "Manual only (cache everything)", toggle_manual_only,
        "Everything is queued and sent only when you ask.", order=2, menu=TRIGGERS, args={"enabled": True}, radio=True,
        checked=lambda core: sync_mode(core) == "manual", dispatcher="BookLore Sync: toggle manual sync only",
    ),
)  # fmt: skip

OWN = {
    action.name: action
    for some in (CORE_ACTIONS, SYNC_ACTIONS, STATUS_ACTIONS, MATCH_ACTIONS, CLEAR_ACTIONS, VERIFY_ACTIONS)
    for action in (*some, SET_SETTING, ABOUT)
}
"""The core's own actions; plugins add theirs through `register_actions`."""


def all_actions(core: Core) -> dict[str, Action]:
    """Every action by name: the core's own, then the plugins'. A plugin's that has a name of the core's is refused."""
    return OWN | {name: action for name, (plugin, action) in core.plugin_actions.items() if is_free(core, plugin, name)}


def is_free(core: Core, plugin: str, name: str) -> bool:
    """Whether a plugin may call its action so; if not, it is told."""
    if name in OWN:
        core.plugins.blame(core.plugins.plugins[plugin], f"register_actions: the name {name!r} is the core's own")
    return name not in OWN


def owner_of(core: Core, name: str) -> str:
    """The plugin whose action it is, `core` for our own."""
    return "core" if name in OWN else core.plugin_actions[name][0]


def find_action(core: Core, name: str) -> Action:
    """Raises BadSetting for an action that there is not."""
    action = all_actions(core).get(name)
    if action is None:
        raise BadSetting(f"there is no action {name!r}")
    return action


def start(core: Core, name: str, request: Request) -> Flow:
    """The flow of an action; the facts that follow from it are taken in under the name of the plugin whose action it
    is. Raises BadSetting for a name that there is not."""
    result = yield from find_action(core, name).run(core, request)
    core.put(result.items, owner_of(core, name))
    return result
