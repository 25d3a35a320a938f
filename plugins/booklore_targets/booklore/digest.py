"""KOReader's digest of a file on the server: from one range for its head, and one for each sample beyond."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from booklore_targets.booklore.connection import Connection

if TYPE_CHECKING:
    from requests import Response

SAMPLE = 1024
OFFSETS = (0, *(SAMPLE << 2 * power for power in range(11)))
"""Where KOReader takes its samples. Source: koreader frontend/util.lua, partialMD5."""

HEAD = OFFSETS[5] + SAMPLE
"""Bytes of the first range, 257 KiB: six samples in one request. Most books are read in two, to 16 MiB in three."""


class Remote(NamedTuple):
    """A file of the server. size: bytes. digest: None where the size was all that was wanted."""

    size: int
    digest: str | None


class Piece(NamedTuple):
    """Bytes of a file, from offset on; size is the whole file's."""

    offset: int
    size: int
    content: bytes


def read_remote(connection: Connection, book_id: int, book_type: str | None, size: int | None) -> Remote | None:
    """A book's file, its primary one or that of the given type; None when there is no such file.

    size: bytes of the file that it may be, None when they are not known; one of another size is read no further.
    Needs access to the library and no permission (contract §5.2.1). Raises TargetUnavailable.
    """
    digest, known = hashlib.md5(usedforsecurity=False), 0
    for piece in read_pieces(connection, book_id, book_type):
        if piece is None:
            return None
        if size not in (None, piece.size):
            return Remote(piece.size, None)
        known = piece.size
        for sample in samples_of(piece):
            digest.update(sample)
    return Remote(known, digest.hexdigest())


def samples_of(piece: Piece) -> Iterator[bytes]:
    """The samples that begin in a piece of a file."""
    starts = (offset - piece.offset for offset in OFFSETS)
    return (piece.content[start : start + SAMPLE] for start in starts if 0 <= start < len(piece.content))


def read_pieces(connection: Connection, book_id: int, book_type: str | None) -> Iterator[Piece | None]:
    """The file's samples up to its end; None where the file cannot be had, or changes while it is read."""
    response = fetch(connection, book_id, book_type, 0, HEAD)
    if response.status_code == 200:
        yield Piece(0, len(response.content), response.content)  # something on the way has removed the Range header
        return
    first = read_piece(response, 0, HEAD)
    yield first
    for offset in (one for one in OFFSETS if first and HEAD <= one < first.size):
        piece = read_piece(fetch(connection, book_id, book_type, offset, SAMPLE), offset, SAMPLE)
        yield piece if piece and first and piece.size == first.size else None


def fetch(connection: Connection, book_id: int, book_type: str | None, offset: int, length: int) -> Response:
    headers = {"Range": f"bytes={offset}-{offset + length - 1}", "Accept-Encoding": "identity", "Accept": "*/*"}
    params = {"bookType": book_type} if book_type else None
    return connection.read(f"/api/v1/books/{book_id}/content", params=params, headers=headers)


def read_piece(response: Response, offset: int, length: int) -> Piece | None:
    """The one range of an answer, None when it is another one, none or incomplete."""
    found = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", response.headers.get("Content-Range", ""))
    if response.status_code != 206 or found is None:
        return None
    first, last, size = (int(number) for number in found.groups())
    is_whole = len(response.content) == last - first + 1 == min(length, size - first)
    return Piece(first, size, response.content) if is_whole and first == offset else None
