"""`booklore login`: server and account, tested before they take the place of what worked before."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from booklore_core.cli.checks import show_checks
from booklore_core.cli.errors import Refused
from booklore_core.cli.opening import PRODUCT, opened
from booklore_core.cli.options import Json, Yes
from booklore_core.cli.output import say
from booklore_core.cli.terminal import is_interactive, prompt, read_secret

if TYPE_CHECKING:
    from booklore_core.core import Core
    from booklore_core.targets import Check

URL, USERNAME, PASSWORD = (f"{PRODUCT}.{name}" for name in ("url", "username", "password"))
ACCOUNT = "account"
"""The check that says whether the credentials are good."""


def login(
    url: Annotated[str | None, typer.Option(help="Address of the BookLore or Grimmory server.")] = None,
    username: Annotated[str | None, typer.Option(help="Name of the account there.")] = None,
    password_file: Annotated[Path | None, typer.Option(help="File with its password, - for standard input.")] = None,
    as_json: Json = False,
    yes: Yes = False,
) -> None:
    """Log in to the server: asks for what is missing, tests it and keeps it. Makes the KOReader account if needed."""
    given = {URL: url, USERNAME: username, PASSWORD: read_secret(password_file) if password_file else None}
    with opened() as core:
        target = product_target(core)
        checks = try_out(core, target, complete(core, given, may_ask=not yes))
    show_checks(checks, as_json)
    wrong = next((check for check in checks if not check.ok), None)
    if wrong:
        outcome = "logged in, but" if is_logged_in(checks) else "not logged in, nothing was changed:"
        say(f"{outcome} {wrong.check}: {wrong.detail}")
        raise typer.Exit(1)


def try_out(core: "Core", target: Any, wanted: dict[str, str]) -> "list[Check]":
    """What a login comes to. Unless it succeeds, the former account is put back."""
    former = remember(core)
    is_in = False
    try:
        for name, value in wanted.items():
            store(core, name, value)
        checks: list[Check] = target.log_in()
        is_in = is_logged_in(checks)
        return checks
    finally:
        if not is_in:
            put_back(core, former)
        core.refresh()


def is_logged_in(checks: "list[Check]") -> bool:
    return any(check.check == ACCOUNT and check.ok for check in checks)


def product_target(core: "Core") -> Any:
    """Raises Refused unless the target that a login belongs to works."""
    target = core.targets.get(PRODUCT)
    if target is None:
        plugin = core.plugins.plugins.get(PRODUCT)
        reason = (plugin and plugin.error) or "it is not enabled"
        raise Refused(f"the plugin {PRODUCT} does not work: {reason}; see `booklore plugins doctor`")
    return target


def complete(core: "Core", given: dict[str, str | None], may_ask: bool) -> dict[str, str]:
    """What is to be stored: what was given, and what a person answers where something is missing."""
    wanted = {name: value for name, value in given.items() if value is not None}
    for name in (URL, USERNAME):
        known = core.settings[name]
        if name not in wanted and core.settings.value(name).source in ("default", "database"):
            wanted[name] = ask_for(name, known, may_ask)
    if PASSWORD not in wanted and password_is_missing(core, wanted, may_ask):
        wanted[PASSWORD] = prompt("Password", "--password-file", secret=True, may_ask=may_ask)
    return wanted


def ask_for(name: str, known: str, may_ask: bool) -> str:
    label, option = {URL: ("Server URL", "--url"), USERNAME: ("User name", "--username")}[name]
    return prompt(label, option, known, may_ask=may_ask)


def password_is_missing(core: "Core", wanted: dict[str, str], may_ask: bool) -> bool:
    """A stored password belongs to the server and account it was stored for; on a terminal it may be a new one."""
    password = core.settings.value(PASSWORD)
    if password.source in ("env", "file") and password.value:
        return False
    is_same = all(core.settings[name] == value for name, value in wanted.items())
    return not (password.value and is_same) or (may_ask and is_interactive())


def store(core: "Core", name: str, value: str) -> None:
    """Raises Refused when environment or config.toml say something else: the login would not be the one asked for."""
    holds = core.settings.set(name, value)
    if holds.value != value:
        where = "the environment" if holds.source == "env" else "config.toml"
        raise Refused(f"{name} is set by {where} to something else; remove it there or leave the option out")


def layers(core: "Core") -> dict[str, Any]:
    """Where each part of the account is kept."""
    from booklore_core.storage.store import StoredSettings

    return {**dict.fromkeys((URL, USERNAME), StoredSettings(core.database)), PASSWORD: core.secrets}


def remember(core: "Core") -> dict[str, Any]:
    return {name: layer.read(name) for name, layer in layers(core).items()}


def put_back(core: "Core", former: dict[str, Any]) -> None:
    for name, layer in layers(core).items():
        if former[name] is None:
            layer.remove(name)
        else:
            layer.write(name, former[name])
