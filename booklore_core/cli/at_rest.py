"""What a sync said that found nothing to do: while all that it depends on is as it was, the next one says the same.

To load the program takes a second, to see that nothing has changed a few milliseconds; who has it started every minute
notices. Nothing is concluded from what a look might miss: whatever else there is in the database than rows that only
tell of the past is compared as a whole, and so are environment, configuration, secrets and the files of every plugin.
"""

import hashlib
import json
import os
import sqlite3
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from booklore_core.cli.errors import is_expected
from booklore_core.cli.opening import find_places
from booklore_core.cli.output import say, show_json
from booklore_core.cli.status_view import DatabaseFile
from booklore_core.cli.sync_view import Report, show_report
from booklore_core.kinds import Kinds

if TYPE_CHECKING:
    from booklore_core.core import Core
    from booklore_core.storage.places import Places

DECIDING = (
    "SELECT * FROM settings ORDER BY name",
    "SELECT * FROM plugins ORDER BY name",
    "SELECT * FROM plugin_store ORDER BY plugin, key",
    "SELECT * FROM subscriptions ORDER BY target, kind",
    "SELECT * FROM kinds ORDER BY name",
    "SELECT name, place FROM features WHERE place < (SELECT MAX(id) FROM events) ORDER BY name",
    "SELECT id, version FROM quarantine WHERE dismissed_at IS NULL ORDER BY id",
)
"""Who is there and what they want; the features that have something before them, as those that are off; the lines that
another version takes in, or a person."""

UNDONE = """
SELECT (SELECT COUNT(*) FROM owed) + (SELECT COUNT(*) FROM proposals WHERE question <> '')
    + (SELECT COUNT(*) FROM failures) AS waiting
"""
Standing = Mapping[str, Any]


def say_again(as_json: bool) -> bool:
    """Says what the last sync said if nothing has changed since. Returns whether it did."""
    try:
        places = find_places()
        note = json.loads(note_of(places).read_text(encoding="utf-8"))
        if note["around"] != around(note["names"], note["files"], note["salt"]) or note["standing"] != standing(places):
            return False
        report, said, is_told = note["report"], note["said"], note["is_told"]
    except Exception as error:
        if not isinstance(error, OSError | ValueError | KeyError | TypeError) and not is_expected(error):
            raise
        return False
    if as_json:
        show_json(report)
    elif is_told:
        show_report(report, Kinds(()))
    say(said)
    return True


def standing(places: "Places") -> Standing | None:
    """What a sync finds in the data folder; None where something waits, or nobody can tell as fast."""
    file = places.database_file
    if file is None or not file.is_file():
        return None
    try:
        database = DatabaseFile(file)
        database.rows("BEGIN")  # one view of all
        if database.rows(UNDONE)[0]["waiting"]:
            return None
        rows = [database.rows(sql) for sql in DECIDING]
        database.close()
    except sqlite3.Error:
        return None
    secret_files = [value for name, value in os.environ.items() if name.endswith("_FILE")]
    files = states([str(places.config), str(places.secrets), *secret_files])
    return {"database": digest(rows), "files": files}


def around(names: Iterable[str], files: Iterable[str], salt: str) -> Standing:
    """What a sync is run with: variables by name, and the files of the program and of plugins."""
    wanted = set(names)
    given = {name: value for name, value in os.environ.items() if name.startswith("BOOKLORE_") or name in wanted}
    return {"environ": digest([salt, given]), "path": states(sys.path), "files": states(files)}


def states(paths: Iterable[str]) -> dict[str, list[int] | None]:
    """path → what changes when somebody changes it."""
    return {path: state(path) for path in paths}


def state(path: str) -> list[int] | None:
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return [found.st_mtime_ns, found.st_size, found.st_ino]


def digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


def note_of(places: "Places") -> Path:
    """Where it is kept: with what may go any time."""
    return places.home / "cache" / "at-rest.json"


class Rest:
    """Around one sync: keeps what it said where it found everything at rest, and left it so."""

    def __init__(self) -> None:
        self._places = find_places()
        self._before, self._around = standing(self._places), dict[str, Any]()

    def look_around(self, core: "Core") -> None:
        """While the core is open. Nothing is kept where a plugin is ill: it may be well the next time."""
        plugins = core.plugins.plugins.values()
        if self._before is None or any(one.errors or one.notes for one in plugins):
            return
        packages = {__name__.partition(".")[0], *(one.package for one in plugins)}
        modules = [one for name, one in sys.modules.items() if name.partition(".")[0] in packages]
        files = sorted({str(one.__file__) for one in modules if getattr(one, "__file__", None)})
        named = {value.setting.env for value in core.settings if value.setting.env}
        names, salt = sorted(named | {f"{name}_FILE" for name in named}), os.urandom(16).hex()
        self._around = {"names": names, "files": files, "salt": salt, "around": around(names, files, salt)}

    def keep(self, report: Report, said: str, is_told: bool) -> None:
        """When the core is closed: what was said. is_told: whether people are shown the report, too."""
        if not self._around or standing(self._places) != self._before:
            return
        note = {**self._around, "standing": self._before, "report": report, "said": said, "is_told": is_told}
        with suppress(OSError):  # then the next sync looks again
            file = note_of(self._places)
            file.parent.mkdir(parents=True, exist_ok=True)
            draft = file.with_suffix(f".{os.getpid()}")
            draft.write_text(json.dumps(note), encoding="utf-8")
            draft.chmod(0o600)
            draft.replace(file)
