"""`booklore doctor`: the health of everything, with what to do."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from booklore_core.cli.check_data import check_database, check_kept_aside, check_queue, list_remarks
from booklore_core.cli.check_places import check_config, check_home, check_secrets, check_settings
from booklore_core.cli.checks import report
from booklore_core.cli.errors import is_expected, one_line
from booklore_core.cli.opening import find_places, opened
from booklore_core.cli.options import Json
from booklore_core.cli.output import reserve_stdout
from booklore_core.cli.plugin_facts import check_plugins

if TYPE_CHECKING:
    from booklore_core.targets import Check


def doctor(as_json: Json = False) -> None:
    """Look at the data folder, the database, the settings, the plugins, the targets and the queue."""
    reserve_stdout()
    report(examine(), as_json)


def examine() -> "Iterator[Check]":
    """Every check, as far as the core can be opened."""
    places = find_places()
    yield check_home(places)
    yield check_secrets(places)
    try:
        yield from examine_core()
    except Exception as error:
        if not is_expected(error):
            raise
        from booklore_core.targets import Check

        yield Check("core", False, one_line(error), "nothing else can be checked before this is mended")


def examine_core() -> "Iterator[Check]":
    from booklore_core.actions import check_targets

    with opened() as core:
        yield check_database(core)
        yield check_config(core)
        yield check_settings(core)
        yield from check_plugins(core)
        yield from check_targets(core)
        yield check_queue(core)
        yield from check_kept_aside(core)
        yield from list_remarks(core)
