"""Opens the core for one command, and closes it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from booklore_core.cli.errors import Refused
from booklore_core.cli.output import reserve_stdout

if TYPE_CHECKING:
    from booklore_core.core import Core
    from booklore_core.places import Places

PRODUCT = "booklore"
"""The target that this program is named after: its home library."""


def find_places() -> "Places":
    """Where things lie, by the environment."""
    from booklore_core.places import Places

    return Places.from_environment()


@contextmanager
def opened() -> Iterator["Core"]:
    """The core. Raises Refused when the data folder cannot be used."""
    from booklore_core.core import Core

    reserve_stdout()
    places = find_places()
    try:
        core = Core(places)
    except OSError as error:
        raise Refused(f"{places.home}: cannot be used as data folder ({error.strerror}); set BOOKLORE_HOME") from error
    try:
        yield core
    finally:
        core.close()
