"""What is begun together: requests to a target, whose outcome is unknown until all of them have been answered."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from booklore_core.pipeline.facts import batched
from booklore_core.pipeline.ledger import Delivery

TOGETHER = 20
"""Items of a lane that are begun together, where they are looked for afterwards if the run is cut off."""


Request = Sequence[Delivery]
"""One item, or a batch."""


@dataclass(frozen=True)
class Groups:
    """How a target's items are grouped. lanes: requests that it takes at a time. batched: the kinds that go in batches.
    spans: those whose batches may be of several books. looked_for: the kinds of which one that was begun and never sent
    costs a look; of the others it might be held for good, so no more of them are begun than are sent at once."""

    lanes: int
    batched: frozenset[str]
    spans: frozenset[str]
    looked_for: frozenset[str]

    def of(self, deliveries: Iterable[Delivery], most: int) -> Iterator[list[Request]]:
        """Groups of requests, each of neighbours of one kind and book that were never begun before, at most so many in
        a batch; everything else alone. The kinds and each book's items keep their order; books take turns, so that
        several lanes have something to do."""
        for _, alike in groupby(deliveries, lambda one: one.item.kind if one.is_fresh else one.id):
            some = list(alike)
            kind = some[0].item.kind
            size = most if kind in self.batched else 1
            turn = max(size, TOGETHER) if kind in self.looked_for else size
            books = [some] if kind in self.spans else [list(one) for _, one in groupby(some, book_of)]
            requests = [request for of_book in books for request in batched(of_book, size)]
            yield from filled(in_turns(requests, turn) if self.lanes > 1 else requests, turn * self.lanes)


def book_of(one: Delivery) -> str:
    return one.item.book.partial_md5


def in_turns(requests: Iterable[Request], turn: int) -> list[Request]:
    """First those with the first items of every book, turn of them, then those with the next ones."""
    before, turns = Counter[str](), list[tuple[int, Request]]()
    for request in requests:
        book = book_of(request[0])
        turns.append((before[book] // turn, request))
        before[book] += len(request)
    return [request for _, request in sorted(turns, key=lambda one: one[0])]


def filled(requests: Iterable[Request], most: int) -> Iterator[list[Request]]:
    """Groups of at most so many items, or of a single request."""
    group: list[Request] = []
    for request in requests:
        if group and sum(map(len, group)) + len(request) > most:
            yield group
            group = []
        group.append(request)
    if group:
        yield group
