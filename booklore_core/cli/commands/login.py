"""`booklore login`: server and account, tested before they take the place of what worked before."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from booklore_core.cli.acting import given, perform
from booklore_core.cli.checks import show_checks
from booklore_core.cli.errors import Refused
from booklore_core.cli.opening import opened
from booklore_core.cli.options import Json, Yes
from booklore_core.cli.output import say
from booklore_core.cli.terminal import is_interactive, read_secret

if TYPE_CHECKING:
    from booklore_core.core import Core
    from booklore_core.flows import Result

OPTIONS = {"url": "--url", "username": "--username", "password": "--password-file", "token": "--token-file"}
"""By the name of the setting. A target's account may have others: those can be set by `booklore config set`."""


def login(
    url: Annotated[str | None, typer.Option(help="Address of the BookLore or Grimmory server.")] = None,
    username: Annotated[str | None, typer.Option(help="Name of the account there.")] = None,
    password_file: Annotated[Path | None, typer.Option(help="File with its password, - for standard input.")] = None,
    token_file: Annotated[Path | None, typer.Option(help="File with a refresh token, for single sign-on.")] = None,
    target: Annotated[str | None, typer.Option(help="Another target that has an account.")] = None,
    as_json: Json = False,
    yes: Yes = False,
) -> None:
    """Log in to the server: asks for what is missing, tests it and keeps it. Makes the KOReader account if needed."""
    password = read_secret(password_file) if password_file else None
    token = read_token(token_file) if token_file else None
    args = {
        "values": given(url=url, username=username, password=password, token=token),
        "ask": is_interactive() and not yes,
        **given(target=target),
    }
    from booklore_core.bridge.standing import note_targets

    with opened() as core:
        result = try_login(core, args)
        note_targets(core)
    if result.data is not None:
        show_checks(result.data, as_json)
    if not result.ok:
        why = next((one for one in result.data or () if not one["ok"]), None) if as_json else None
        outcome = result.message.partition("\n")[0]
        say(f"{outcome}: {why['check']}: {why['detail']}; {why['advice']}".removesuffix("; ") if why else outcome)
        raise typer.Exit(1)


def read_token(path: Path) -> str:
    """A token as a browser shows it, perhaps in quotes. Raises Refused for none, BadSetting."""
    token = read_secret(path, "--token-file").strip().strip('"')
    if not token:
        raise Refused(f"--token-file: there is no token in {path}")
    return token


def try_login(core: "Core", args: dict[str, Any]) -> "Result":
    """Raises Refused naming the option of what is missing."""
    from booklore_core.actions.login import Missing

    try:
        return perform(core, "log_in", args=args)
    except Missing as error:
        advice = (
            f"give {OPTIONS[error.name]}" if error.name in OPTIONS else f"run `booklore config set {error.setting}`"
        )
        raise Refused(f"{error}: {advice}") from error
