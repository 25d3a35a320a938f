"""`booklore doctor`: the health of everything, with what to do."""

from collections.abc import Sequence

from booklore_core.cli.acting import perform
from booklore_core.cli.checks import Line, report
from booklore_core.cli.errors import error_in_one_line, is_expected
from booklore_core.cli.opening import find_places, opened
from booklore_core.cli.options import Json
from booklore_core.cli.output import reserve_stdout


def doctor(as_json: Json = False) -> None:
    """Look at the data folder, the database, the settings, the plugins, the targets and the queue."""
    reserve_stdout()
    report(look_at_everything(), as_json)


def look_at_everything() -> Sequence[Line]:
    """Every check, as far as the core can be opened."""
    before = {line["check"]: line for line in look_at_places() if not line["ok"]}  # opening mends what it can
    try:
        with opened() as core:
            lines: Sequence[Line] = perform(core, "doctor").data
            return [before.get(line["check"], line) for line in [*lines, *look_at_mount()]]
    except Exception as error:
        if not is_expected(error):
            raise
        return without_core(error_in_one_line(error))


def look_at_places() -> Sequence[Line]:
    from dataclasses import asdict

    from booklore_core.actions.doctor import check_places

    return [asdict(check) for check in check_places(find_places())]


def look_at_mount() -> Sequence[Line]:
    from dataclasses import asdict

    from booklore_core.bridge.mounts import check_mount

    found = check_mount(find_places())
    return [asdict(found)] if found else []


def without_core(reason: str) -> Sequence[Line]:
    from dataclasses import asdict

    from booklore_core.targets import Check

    broken = Check("core", False, reason, "nothing else can be checked before this is mended")
    return [*look_at_places(), asdict(broken)]
