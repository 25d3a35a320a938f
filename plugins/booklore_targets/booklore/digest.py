"""KOReader's digest of a file on the server, from at most twelve ranges of 1,024 bytes."""

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


class Sample(NamedTuple):
    """Bytes of a file, from offset on; size is the whole file's."""

    offset: int
    size: int
    content: bytes


def remote_digest(connection: Connection, book_id: int, book_type: str | None) -> str | None:
    """The partial MD5 of a book's file, of its primary one or of the given type; None when there is no such file.

    Needs access to the library and no permission (contract §5.2.1). Raises TargetUnavailable.
    """
    digest = hashlib.md5(usedforsecurity=False)
    for sample in read_samples(connection, book_id, book_type):
        if sample is None:
            return None
        digest.update(sample.content)
    return digest.hexdigest()


def read_samples(connection: Connection, book_id: int, book_type: str | None) -> Iterator[Sample | None]:
    """The file's samples up to its end; None where the file cannot be had, or changes while it is read."""
    size = None
    for offset in OFFSETS:
        if size is not None and offset >= size:
            return
        response = fetch(connection, book_id, book_type, offset)
        if offset == 0 and response.status_code == 200:
            yield from samples_of(response.content)  # something on the way has removed the Range header
            return
        sample = read_sample(response)
        fits = sample is not None and sample.offset == offset and size in (None, sample.size)
        yield sample if fits else None
        size = sample.size if sample else 0


def fetch(connection: Connection, book_id: int, book_type: str | None, offset: int) -> Response:
    headers = {"Range": f"bytes={offset}-{offset + SAMPLE - 1}", "Accept-Encoding": "identity", "Accept": "*/*"}
    params = {"bookType": book_type} if book_type else None
    return connection.read(f"/api/v1/books/{book_id}/content", params=params, headers=headers)


def read_sample(response: Response) -> Sample | None:
    """The one range of an answer, None when it is anything else or incomplete."""
    found = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", response.headers.get("Content-Range", ""))
    if response.status_code != 206 or found is None:
        return None
    first, last, size = (int(number) for number in found.groups())
    is_whole = len(response.content) == last - first + 1 == min(SAMPLE, size - first)
    return Sample(first, size, response.content) if is_whole else None


def samples_of(content: bytes) -> Iterator[Sample]:
    """The samples of a file that was sent whole."""
    for offset in OFFSETS:
        if offset < len(content):
            yield Sample(offset, len(content), content[offset : offset + SAMPLE])
