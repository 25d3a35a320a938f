"""Moves everything to another database."""

import os

from booklore_core.actions.own import action
from booklore_core.core import Core
from booklore_core.flows import Request, Result
from booklore_core.hookspecs import PROJECT
from booklore_core.kinds import quantity
from booklore_core.settings import BadSetting
from booklore_core.storage.copying import Differs, copy_all
from booklore_core.storage.faults import redact
from booklore_core.storage.occupancy import guarded, occupants

COPIED = """{rows} of {tables} copied from {source} to {target}, each compared with what it was.
Set BOOKLORE_DATABASE_URL to the new address for `booklore serve` and every command.
Secrets and fetched files stay in {home}, and the old database as it is."""


@action("Copy Database", "Copies everything to another database.", menu=None)
def copy_database(core: Core, request: Request) -> Result:
    """Copies every table to an empty database; what is copied is kept only once all of it was compared. args: url."""
    if request.device is not None:
        raise BadSetting("a database is copied at the computer that it is on: `booklore database copy URL`")
    url, home = str(request.args["url"]), core.places.home
    with guarded(home):
        if others := [one for one in occupants(home) if not is_this_command(one)]:
            raise BadSetting(f"{home} is in use by {', '.join(others)}; stop it first")
        try:
            kinds = [kind for _, kind in core.registry.declared.values()]
            counts = copy_all(core.database, url, kinds, request.progress)
        except Differs as error:
            return Result(str(error), ok=False)
    source, target, count = redact(core.database.url), redact(url), sum(counts.values())
    rows, tables = quantity(count, "row"), quantity(len(counts), "table")
    told = COPIED.format(rows=rows, tables=tables, source=source, target=target, home=home)
    return Result(told, data={"from": source, "to": target, "rows": count, "tables": counts})


def is_this_command(occupant: str) -> bool:
    return occupant.endswith(f"(process {os.getpid()})") and not occupant.startswith(f"{PROJECT} serve")
