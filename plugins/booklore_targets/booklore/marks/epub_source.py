"""The server's EPUB of a book: from this machine where the very file lies here, else fetched once and kept."""

from __future__ import annotations

import hashlib
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from booklore_core import BookRef, ItemFailed, ItemRejected
from booklore_targets.booklore.book_memory import BookMemory
from booklore_targets.booklore.digest import OFFSETS, SAMPLE, Remote, fetch, read_piece, read_remote

if TYPE_CHECKING:
    from booklore_targets.booklore.cfi import Epub
    from booklore_targets.booklore.run import Run

PIECE = 4 * 1024 * 1024
"""Bytes of one request: what is cut off goes on from there."""

LARGEST = 200 * 1024 * 1024
"""Bytes of an EPUB that is fetched."""

FETCH_SECONDS = 40.0
"""How long one call fetches: the core gives a call up after a minute."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ServerEpub:
    """is_readers: whether the reader's file is the same, so that its positions are good in this one."""

    epub: Epub
    is_readers: bool


class EpubSource:
    """Keeps the last book's EPUB open: items come book by book."""

    def __init__(self, run: Run) -> None:
        self._run, self._connection = run, run.connection
        self._digests = BookMemory(run.connection.store, "epub")
        self._book, self._opened = "", (None, "")  # type: tuple[str, tuple[Epub | None, str]]

    def open(self, book: BookRef, book_id: str) -> ServerEpub:
        """Raises ItemRejected when the server has no EPUB of the book that can be read, Declined when that cannot be
        told or done now."""
        if self._book != book_id:
            self.close()
            self._opened = self._open(book, book_id)
            self._book = book_id
        epub, digest = self._opened
        assert epub is not None
        return ServerEpub(epub, digest == book.partial_md5)

    def close(self) -> None:
        epub, _ = self._opened
        self._book, self._opened = "", (None, "")
        if epub:
            epub.close()

    def _open(self, book: BookRef, book_id: str) -> tuple[Epub, str]:
        from booklore_targets.booklore.cfi import Epub, UnreadableEpub

        file = next((one for one in self._run.identities.read(book_id).files if one.book_type == "EPUB"), None)
        if file is None:
            raise ItemRejected("the server has no EPUB of this book, so there is no place for it in the text")
        book_type = None if file.is_primary else file.book_type
        remote = self._remote(book_id, book_type, [file.name, file.size_kb])
        path = self._local(book, remote) or self._kept(remote) or self._fetch(book_id, book_type, remote)
        try:
            return Epub.open(path), remote.digest or ""
        except UnreadableEpub as error:
            if path.parent == self._connection.store.cache:
                path.unlink(missing_ok=True)
            raise ItemRejected(str(error)) from error
        except OSError as error:
            raise ItemFailed(f"the EPUB {path.name} cannot be read: {error.strerror}") from error

    def _remote(self, book_id: str, book_type: str | None, seen: list[str | int]) -> Remote:
        """Size and digest of the server's file, asked for anew when its name or size in KB has changed."""
        known = self._digests.get(book_id)
        if known and known["file"] == seen:
            return Remote(known["size"], known["digest"])
        remote = read_remote(self._connection, int(book_id), book_type, None)
        if remote is None or remote.digest is None:
            raise ItemFailed("the server's EPUB cannot be read there; its library may want a scan")
        self._digests.set(book_id, {"file": seen, "size": remote.size, "digest": remote.digest})
        return remote

    def _local(self, book: BookRef, remote: Remote) -> Path | None:
        """The reader's own file, where this machine has it and the server has the same."""
        path = Path(book.file or "")
        try:
            is_same = bool(book.file) and path.is_file() and path.stat().st_size == remote.size
            return path if is_same and partial_digest(path) == remote.digest else None
        except (OSError, ValueError):
            return None

    def _kept(self, remote: Remote) -> Path | None:
        path = self._connection.store.cache / f"{remote.digest}.epub"
        if not path.is_file():
            return None
        os.utime(path)  # the longest unused goes first
        return path

    def _fetch(self, book_id: str, book_type: str | None, remote: Remote) -> Path:
        """The whole file, proven. Raises ItemRejected when it is too large, ItemFailed when it is not complete yet, or
        not what it was."""
        if remote.size > LARGEST:
            raise ItemRejected(
                f"the server's EPUB has {remote.size:,} bytes, more than the {LARGEST:,} that are fetched"
            )
        cache = self._connection.store.cache
        draft, until = cache / f"{book_id}-{remote.digest}.part", self._connection.now() + FETCH_SECONDS
        with draft.open("ab") as file:
            while file.tell() < remote.size and self._connection.now() < until:
                content = self._piece(book_id, book_type, file.tell(), remote.size)
                if not content:
                    break
                file.write(content)
            size = file.tell()
        if 0 < size < remote.size and self._connection.now() >= until:
            done = f"{size // 2**20} of {remote.size // 2**20} MiB"
            raise ItemFailed(f"the server's EPUB is being fetched, {done} so far; the next sync goes on")
        if size != remote.size or partial_digest(draft) != remote.digest:
            draft.unlink(missing_ok=True)
            self._digests.remove(book_id)
            raise ItemFailed("the server's EPUB came incomplete, or changed on the way; the next sync fetches it again")
        path = draft.replace(cache / f"{remote.digest}.epub")
        log.info("fetched the server's EPUB of book %s, %d bytes", book_id, size)
        return self._connection.store.cache / path.name  # asked for once more: what is too much goes now

    def _piece(self, book_id: str, book_type: str | None, offset: int, size: int) -> bytes:
        """The file from there on, empty when it cannot be had or is another one by now."""
        response = fetch(self._connection, int(book_id), book_type, offset, PIECE)
        if response.status_code == 200 and offset == 0:
            return response.content if len(response.content) == size else b""
        piece = read_piece(response, offset, PIECE)
        return piece.content if piece and piece.size == size else b""


def partial_digest(path: Path) -> str:
    """KOReader's digest of a file. Raises OSError."""
    digest, size = hashlib.md5(usedforsecurity=False), path.stat().st_size
    with path.open("rb") as file:
        for offset in (one for one in OFFSETS if one < size):
            file.seek(offset)
            digest.update(file.read(SAMPLE))
    return digest.hexdigest()
