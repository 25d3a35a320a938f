"""To which book of a BookOrbit a file's digest leads: of a file that lies in two libraries it is now the one, now the
other, and a server that is made anew, or another one, has other ids. So it is asked in each run, once for each file,
before anything is told. Source: bookorbit contract 4, 13."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from booklore_core import ItemRejected
from booklore_targets.bookorbit.orbit_connection import PLUGIN, OrbitConnection
from booklore_targets.bookorbit.orbit_devices import LOOKING, as_device, hex_of

MOST_HASHES, BESIDE = 500, 50


class OrbitWays:
    """What a run has found out."""

    def __init__(self) -> None:
        self._led: dict[str, str | None] = {}
        self._digests: dict[str, list[str] | None] = {}

    def note(self, asked: Iterable[str], found: Mapping[str, str]) -> None:
        self._led.update((digest, found.get(digest)) for digest in asked)

    def of(self, connection: OrbitConnection, digests: Iterable[str]) -> dict[str, str | None]:
        """digest → the book that it leads to, None where the server does not know it."""
        wanted = list(dict.fromkeys(digests))
        unknown = [one for one in wanted if one not in self._led]
        for start in range(0, len(unknown), MOST_HASHES):
            part = unknown[start : start + MOST_HASHES]
            self.note(part, led(connection, part))
        return {one: self._led[one] for one in wanted}

    def look_into(self, connection: OrbitConnection, numbers: Iterable[str]) -> None:
        """Asks for the digests of these books' files, and of those beside them, which may be asked for next."""
        for number in numbers:
            if number not in self._digests and number.isdecimal():
                first = (int(number) - 1) // BESIDE * BESIDE + 1
                try:
                    self._look_into(connection, [str(first + one) for one in range(BESIDE)])
                except ItemRejected:  # how many it takes is not told
                    self._look_into(connection, [number])

    def _look_into(self, connection: OrbitConnection, numbers: Sequence[str]) -> None:
        answer = connection.ask("GET", f"{PLUGIN}/catalog/manifest", ids=",".join(numbers))
        listed = {str(one["id"]): [file.get("fileHash") for file in one["files"]] for one in answer["items"]}
        self._digests |= dict.fromkeys(numbers)
        self._digests |= {one: [str(digest) for digest in of if digest] for one, of in listed.items()}

    def digests(self, number: str) -> Sequence[str] | None:
        """Of the files of a book that was looked into, None where the server has no such book."""
        return self._digests.get(number)

    def clear(self) -> None:
        self._led.clear()
        self._digests.clear()


def led(connection: OrbitConnection, digests: Sequence[str]) -> dict[str, str]:
    """digest → the book that it leads to just now, where the server knows it. At most 500."""
    answer = connection.tell("match-check", {**as_device(hex_of(LOOKING)), "hashes": list(digests)}, writes=False)
    return {one["hash"]: str(one["bookId"]) for one in answer["matches"]}
