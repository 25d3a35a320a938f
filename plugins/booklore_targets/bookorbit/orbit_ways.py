"""To which book of a BookOrbit a file's digest leads: of a file that lies in two libraries it is now the one, now the
other, and the server does not say when that changes. So it is asked in each run, once for each file, before anything
is told. Source: bookorbit contract 4, 13."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from booklore_core import BookRef
from booklore_targets.bookorbit.orbit_connection import OrbitConnection
from booklore_targets.bookorbit.orbit_devices import LOOKING, as_device, hex_of

MOST_HASHES = 500


class OrbitWays:
    """What a run has found out."""

    def __init__(self) -> None:
        self._led: dict[str, str | None] = {}

    def note(self, asked: Iterable[str], found: Mapping[str, str]) -> None:
        self._led.update((digest, found.get(digest)) for digest in asked)

    def astray(self, connection: OrbitConnection, books: Iterable[BookRef]) -> dict[str, str]:
        """The digests that lead to another book than that which theirs is matched with, and to which."""
        wanted = {one.partial_md5: one.match for one in books if one.match}
        unknown = [digest for digest in wanted if digest not in self._led]
        for start in range(0, len(unknown), MOST_HASHES):
            part = unknown[start : start + MOST_HASHES]
            answer = connection.tell("match-check", {**as_device(hex_of(LOOKING)), "hashes": part}, writes=False)
            self.note(part, {one["hash"]: str(one["bookId"]) for one in answer["matches"]})
        led = {digest: self._led.get(digest) for digest in wanted}
        return {digest: there for digest, there in led.items() if there and there != wanted[digest]}

    def clear(self) -> None:
        self._led.clear()
