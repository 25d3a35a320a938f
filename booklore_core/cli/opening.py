"""Opens the core for one command, and closes it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from booklore_core.cli.errors import Refused
from booklore_core.cli.output import reserve_stdout

if TYPE_CHECKING:
    from booklore_core.core import Core
    from booklore_core.storage.places import Places

PRODUCT = "booklore"
"""The target that this program is named after: its home library."""


def find_places() -> "Places":
    """Where things lie, by the environment."""
    from booklore_core.storage.places import Places

    return Places.from_environment()


@contextmanager
def opened() -> Iterator["Core"]:
    """The core. Raises Refused when the data folder or config.toml cannot be used."""
    from booklore_core.core import Core

    reserve_stdout()
    core = Core(usable_places())
    try:
        yield core
    finally:
        core.close()


def usable_places() -> "Places":
    """Where things lie, with the data folder made. Raises Refused."""
    places = find_places()
    check_config(places.config)
    try:
        places.home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Refused(f"{places.home}: cannot be used as data folder ({error.strerror}); set BOOKLORE_HOME") from error
    return places


def check_config(path: Path) -> None:
    """Raises Refused when config.toml is none: the plugins, which ask for their settings first, are not to blame."""
    import tomllib

    try:
        tomllib.loads(path.read_text(encoding="utf-8") if path.is_file() else "")
    except (OSError, ValueError) as error:
        raise Refused(f"{path}: {error}") from error
