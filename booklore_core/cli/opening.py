"""Opens the core for one command, and closes it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from booklore_core.cli.errors import Refused
from booklore_core.cli.output import reserve_stdout

if TYPE_CHECKING:
    from booklore_core.core import Core
    from booklore_core.storage.places import Places

DATABASE_URL = "BOOKLORE_DATABASE_URL"


def find_places() -> "Places":
    """Where things lie, by the environment. Raises BadSetting for a file that cannot be read."""
    from booklore_core.storage.places import Places

    return Places.from_environment({**database_url(), **os.environ})


def database_url() -> dict[str, str]:
    """The database's address from a file, as it may hold a password."""
    file = os.environ.get(f"{DATABASE_URL}_FILE")
    if not file:
        return {}
    from booklore_core.storage.preset import read_secret_file

    return {DATABASE_URL: read_secret_file(Path(file), f"{DATABASE_URL}_FILE").strip()}


@contextmanager
def opened(plugins: bool = True) -> Iterator["Core"]:
    """The core; without plugins it opens whatever hangs in one. Raises Refused when the data folder cannot be used."""
    from booklore_core.core import Core

    reserve_stdout()
    core = Core(usable_places(), entry_points=None if plugins else ())
    try:
        if plugins:
            core.catch_up()
        yield core
    finally:
        core.close()


def usable_places() -> "Places":
    """Where things lie, with the data folder made. Raises BadSetting when config.toml is none, and Refused."""
    from booklore_core.storage.preset import read_config

    places = find_places()
    read_config(places.config)  # the plugins, which ask for their settings first, are not to blame
    try:
        places.home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Refused(f"{places.home}: cannot be used as data folder ({error.strerror}); set BOOKLORE_HOME") from error
    return places
