"""What works at the targets, a line per check."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from booklore_core.actions.submenus import AUTHENTICATION
from booklore_core.flows import Action, Flow, Request, Result
from booklore_core.pipeline.gateway import Gateway
from booklore_core.targets import Check, Declined

if TYPE_CHECKING:
    from booklore_core.core import Core


def test_connection(core: "Core", request: Request) -> Flow:
    """Test Connection: what works at each target that can be tested."""
    yield from ()
    return result_of("Test Connection", check_targets(core))


def check_targets(core: "Core") -> Sequence[Check]:
    found = [check for target in core.targets.values() for check in check_target(target)]
    return found or [Check("targets", False, "no target is enabled", "run `booklore plugins list`")]


def check_target(target: Gateway) -> Iterator[Check]:
    try:
        yield from target.check()
    except Declined as error:
        yield Check(target.name, False, error.reason)


def result_of(title: str, checks: Sequence[Check], headline: str = "") -> Result:
    """An examination as a result that stays on the screen; its data are the checks."""
    lines = [f"{'✓' if check.ok else '✗'} {check.check}: {check.detail or check.advice}" for check in checks]
    message = "\n".join([headline, *lines] if headline else lines)
    return Result(message, ok=all(check.ok for check in checks), title=title, data=[*map(check_json, checks)])


def check_json(check: Check) -> dict[str, Any]:
    return {"check": check.check, "ok": check.ok, "detail": check.detail, "advice": check.advice}


TEST_CONNECTION = Action(
    "test_connection", "Test Connection", test_connection, "A line for each thing that has to work.", order=50,
    menu=AUTHENTICATION, dispatcher="BookLore Sync: test connection",
)  # fmt: skip
