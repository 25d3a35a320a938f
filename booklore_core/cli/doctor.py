"""`booklore doctor`: the health of everything, with what to do."""

from typing import Any

import typer

from booklore_core.cli.check_data import check_database, check_kept_aside, check_queue, list_remarks
from booklore_core.cli.check_places import check_config, check_environment, check_home, check_secrets
from booklore_core.cli.opening import find_places, opened
from booklore_core.cli.options import Json
from booklore_core.cli.output import reserve_stdout, show_checks, show_json
from booklore_core.cli.plugin_facts import check_plugins


def doctor(as_json: Json = False) -> None:
    """Look at the data folder, the database, the settings, the plugins, the targets and the queue."""
    reserve_stdout()
    checks = [check_json(check) if not isinstance(check, dict) else check for check in examine()]
    (show_json if as_json else show_checks)(checks)
    if not all(check["ok"] for check in checks):
        raise typer.Exit(1)


def examine() -> list[Any]:
    """Every check, as far as the core can be opened."""
    from booklore_core.actions import check_targets
    from booklore_core.cli.errors import is_expected, one_line
    from booklore_core.targets import Check

    places = find_places()
    checks: list[Any] = [check_home(places), check_secrets(places)]
    try:
        with opened() as core:
            checks += [check_database(core), check_config(core), check_environment(core), *check_plugins(core)]
            checks += [*check_targets(core), check_queue(core), *check_kept_aside(core), *list_remarks(core)]
    except Exception as error:
        if not is_expected(error):
            raise
        checks.append(Check("core", False, one_line(error), "nothing else can be checked before this is mended"))
    return checks


def check_json(check: Any) -> dict[str, Any]:
    from booklore_core import actions

    return actions.check_json(check)
