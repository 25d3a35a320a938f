"""`booklore reset`: removes what this program has put into its data folder."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from booklore_core.cli.errors import Refused
from booklore_core.cli.opening import find_places
from booklore_core.cli.options import Json, Yes
from booklore_core.cli.output import say, show, show_json
from booklore_core.cli.terminal import confirmed
from booklore_core.kinds import quantity

if TYPE_CHECKING:
    from booklore_core.storage.places import Places

BESIDES_DATABASE = ("", "-wal", "-shm", "-journal")
SECRETS = ("secrets.json", "secrets.lock", "secrets.new")
FOLDERS = ("cache", "uploads")
"""What targets have fetched, and what e-readers have sent."""


def reset(yes: Yes = False, as_json: Json = False) -> None:
    """Remove the database, the secrets, the cache and what e-readers sent. What waits is lost; config.toml stays.

    What was sent stays where it is. Lines that are taken in again afterwards are looked for there before they are sent,
    so that nothing is there twice; only a target that cannot be looked at, such as a webhook, is given them again.

    Refused while `booklore serve` or another command uses them. --json prints {"removed": [PATH…]}.
    """
    places = find_places()
    count = len(own_files(places))
    if not count:
        tell([], as_json)
        say(f"{places.home}: nothing to remove")
        return
    if not confirmed(f"Remove {quantity(count, 'file')} in {places.home}, and with them all that waits?", "--yes", yes):
        say("nothing was removed")
        raise typer.Exit(1)
    tell(remove_all(places), as_json)
    if places.database_file is None or not is_inside(places.database_file, places.home):
        say("the database lies outside of the data folder; it was left as it is")
    elif not as_json:
        show("what was sent stays where it is; lines that are taken in again are looked for there before they are sent")
        show("where a book was matched anew, sessions stay with the earlier one and are sent to the later one as well")


def tell(removed: Sequence[Path], as_json: bool) -> None:
    if as_json:
        show_json({"removed": list(map(str, removed))})
    else:
        show(*(f"removed {path}" for path in removed))


def remove_all(places: "Places") -> list[Path]:
    """What was removed. Raises Refused, before anything is."""
    with alone(places.home):
        removed = own_files(places)
        for path in removed:
            path.unlink()
        for name in FOLDERS:
            remove_empty(places.home / name)
    return removed


@contextmanager
def alone(home: Path) -> Iterator[None]:
    """Has home to itself: nobody opens a core there meanwhile. Raises Refused, naming who is at work there.

    The guard stays when all else is removed: a lock whose file is gone can be held twice.
    """
    from booklore_core.storage.occupancy import guarded, occupants

    with guarded(home):
        found = occupants(home)
        if found:
            raise Refused(f"{home} is in use by {', '.join(found)}; stop it first")
        yield


def own_files(places: "Places") -> list[Path]:
    """The files in the data folder that this program has made."""
    return [path for path in possible_files(places) if path.is_file() or path.is_symlink()]


def possible_files(places: "Places") -> Iterator[Path]:
    database = places.database_file
    if database and is_inside(database, places.home):
        yield from (Path(f"{database}{suffix}") for suffix in BESIDES_DATABASE)
    yield from (places.home / name for name in SECRETS)
    for folder in (places.home / name for name in FOLDERS):
        if folder.is_dir() and not folder.is_symlink():
            yield from (path for path in sorted(folder.rglob("*")) if not path.is_dir())


def is_inside(path: Path, folder: Path) -> bool:
    return path.absolute().is_relative_to(folder.absolute())


def remove_empty(top: Path) -> None:
    """Removes the folders that hold nothing any more."""
    folders = [*sorted(top.rglob("*"), reverse=True), top] if top.is_dir() and not top.is_symlink() else []
    for folder in folders:
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
