"""Files that e-readers send: kept in a folder of each device's own until the action that they are for is done."""

import os
import re
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

from fastapi import HTTPException

from booklore_core.bridge.models import FilePart
from booklore_core.bridge.parts import ABOUT, WAL, FileState, Upload
from booklore_core.core import Core
from booklore_core.flows import Request
from booklore_core.settings import BadSetting

NAME = re.compile(r"^[a-z0-9][a-z0-9._-]{0,59}\.sqlite3?(-wal)?$")
"""What a file may be called: nothing that could lead out of its folder."""

UPLOADS = "uploads"
"""The folder of all devices' folders, in the data folder."""

MIB = 1024 * 1024
MAX_FILE, MAX_FILES = 512 * MIB, 4
"""Bytes of a file; files of a device at a time."""

MAX_SENT, PER = 2 * MAX_FILE, timedelta(hours=1)
"""Bytes that a device may send, and in which time."""

RESERVE = 256 * MIB
"""Bytes that stay free on the disk: the database may grow there, too."""

MAX_CHANGES, WITHIN = 3, timedelta(minutes=10)
"""So often a file may change while it is sent, each time so soon after the last part."""

KEPT = timedelta(days=1)
"""For how long a file lies there that nobody asks for."""

TOO_LARGE = "{} is larger than {} MiB, which is the most that is taken of a file; take it over from a computer"
TOO_MANY = "this e-reader has {} other files here that no action has asked for yet; they go after a day"
TOO_MUCH = "this e-reader has sent more than {} MiB within an hour; try again later"
NO_ROOM = "the computer that the core runs on has no room for {}; make some and try again"
NOT_KEPT = "{} could not be kept: {}"
CHANGES = "{} was written to again and again while it was sent; try once more when no book is open"
BEYOND = "the part goes beyond the end of the file"
NO_PATH = "path: an e-reader cannot name a file of this computer; it sends its own, and names that as `file`"
NO_FILE = "file: {!r} is no file that an e-reader sends"
NOT_WHOLE = "{} has not arrived whole; try again"


class NotTaken(HTTPException):
    """A part is refused; the text says why, and what to do."""


class Uploads:
    """What devices send. Every thread may use it."""

    def __init__(self, core: Core) -> None:
        self._core, self._folder, self._lock = core, core.places.home / UPLOADS, threading.Lock()
        self._sent: dict[str, tuple[datetime, int]] = {}

    def take(self, device: str, name: str, part: FilePart, body: bytes) -> int:
        """Takes a part in. Returns how much of this state of the file is held: where to go on. Raises NotTaken.

        Of another state than what is held nothing of that counts any more. A part that does not begin where the held
        ones end changes nothing.
        """
        upload = Upload(self._of(device) / name)
        if part.size > MAX_FILE:
            raise NotTaken(413, TOO_LARGE.format(name, MAX_FILE // MIB))
        if part.offset + len(body) > part.size:
            raise NotTaken(422, BEYOND)
        with self._lock:
            try:
                state = upload.state()
                if state is None or not state.is_of(part):
                    state = self._begin(upload, state, part)
                if body and part.offset == state.held:
                    self._check_room(device, name, part.size - state.held, len(body))
                    state = upload.add(state, body, self._core.clock())
            except OSError as error:
                raise NotTaken(507, NOT_KEPT.format(name, error.strerror or error)) from error
        return state.held

    def _begin(self, upload: Upload, before: FileState | None, part: FilePart) -> FileState:
        """Begins a file anew. One that does not stand still is given up, and begins from nothing the next time."""
        now = self._core.clock()
        is_going_on = before is not None and abs(now - before.at) < WITHIN
        changes = before.changes + 1 if before and is_going_on else 0
        if changes > MAX_CHANGES:
            upload.remove()
            raise NotTaken(409, CHANGES.format(upload.path.name))
        self.sweep()
        if before is None and len(list(upload.path.parent.glob(f"*{ABOUT}"))) >= MAX_FILES:
            raise NotTaken(409, TOO_MANY.format(MAX_FILES))
        return upload.begin(FileState(size=part.size, changed=part.changed, changes=changes, at=now))

    def _check_room(self, device: str, name: str, missing: int, size: int) -> None:
        """Raises NotTaken, and OSError when nobody can tell."""
        now = self._core.clock()
        since, sent = self._sent.get(device, (now, 0))
        since, sent = (since, sent + size) if abs(now - since) < PER else (now, size)
        if sent > MAX_SENT:
            raise NotTaken(429, TOO_MUCH.format(MAX_SENT // MIB), {"Retry-After": str(int(PER.total_seconds()))})
        if shutil.disk_usage(self._folder).free < missing + RESERVE:
            raise NotTaken(507, NO_ROOM.format(name))
        self._sent[device] = since, sent

    def sweep(self) -> None:
        """Removes what has lain there for too long."""
        oldest = (self._core.clock() - KEPT).timestamp()
        for path in self._folder.glob("*/*"):
            with suppress(OSError):  # somebody else may remove it, too
                if path.stat().st_mtime < oldest:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()

    @contextmanager
    def lent(self, request: Request) -> Iterator[Request]:
        """A device's request, with the file that it names as `path`: one of its own that has arrived whole.

        It stays as it is, whatever is sent meanwhile, until the action is done; then it is gone. Raises BadSetting.
        """
        args = dict(request.args)
        if "path" in args:
            raise BadSetting(NO_PATH)
        name = args.pop("file", None)
        if name is None:
            yield request
            return
        upload = self._named(request.device or "", name)
        state, folder = self._lend(upload)
        try:
            yield replace(request, args={**args, "path": str(folder / upload.path.name)})
        finally:
            self._take_back(upload, state, folder)

    def _named(self, device: str, name: object) -> Upload:
        if not isinstance(name, str) or not NAME.fullmatch(name) or name.endswith(WAL):
            raise BadSetting(NO_FILE.format(name))
        return Upload(self._of(device) / name)

    def _lend(self, upload: Upload) -> tuple[FileState, Path]:
        with self._lock:
            state, beside = upload.state(), upload.beside.state()
            if state is None or not state.is_whole:
                raise BadSetting(NOT_WHOLE.format(upload.path.name))
            try:
                folder = Path(tempfile.mkdtemp(prefix="lent-", dir=upload.path.parent))
                for one in (upload, upload.beside) if beside and beside.is_whole else (upload,):
                    link(one.path, folder)
            except OSError as error:
                raise BadSetting(NOT_KEPT.format(upload.path.name, error.strerror or error)) from error
        return state, folder

    def _take_back(self, upload: Upload, lent: FileState, folder: Path) -> None:
        """What was sent anew since stays: another action will ask for it."""
        shutil.rmtree(folder, ignore_errors=True)
        with self._lock, suppress(OSError):
            if upload.state() == lent:
                upload.remove()
            upload.path.parent.rmdir()  # the last one out; else it is not empty

    def _of(self, device: str) -> Path:
        """A device's folder: its id may be any text."""
        return self._folder / sha256(device.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def link(path: Path, folder: Path) -> None:
    """The same file in another folder; a copy where the file system knows no links. Raises OSError."""
    try:
        os.link(path, folder / path.name)
    except OSError:
        shutil.copyfile(path, folder / path.name)
