"""What is begun together: requests to a target, whose outcome is unknown until all of them have been answered."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from booklore_core.pipeline.facts import batched
from booklore_core.pipeline.gateway import Gateway
from booklore_core.pipeline.ledger import Delivery
from booklore_core.targets import BookUnmatched, Declined

TOGETHER = 20
"""Items of a lane that are begun together."""

Request = Sequence[Delivery]
"""One item, or a batch."""


class Groups:
    """How a target's items are grouped, as it says just now."""

    def __init__(self, target: Gateway) -> None:
        self._lanes, self._size = target.lanes, target.batch_size
        self._batched, self._spans, self._looked_for = target.batched, target.spans_books, target.looked_for

    def of(self, deliveries: Iterable[Delivery], most: int | None = None) -> Iterator[list[Request]]:
        """Groups of requests, each of neighbours of one kind and book that were never begun before, at most so many in
        a batch; everything else alone. The kinds and each book's items keep their order; books take turns where several
        lanes want something to do.

        One that was begun and never sent costs a look. Where nobody can look it might be held for good, so no more of
        those are begun than are sent at once.
        """
        for _, alike in groupby(deliveries, lambda one: one.item.kind if one.is_fresh else one.id):
            some = list(alike)
            kind = some[0].item.kind
            size = (most or self._size) if kind in self._batched else 1
            lanes = self._lanes(kind) if len(some) > 1 else 1
            turn = TOGETHER if size == 1 and kind in self._looked_for else size
            books = [some] if kind in self._spans else [list(one) for _, one in groupby(some, book_of)]
            requests = [request for of_book in books for request in batched(of_book, size)]
            yield from filled(in_turns(requests, turn) if lanes > 1 else requests, turn * lanes, turn)


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


def filled(requests: Iterable[Request], most: int, turn: int) -> Iterator[list[Request]]:
    """Groups of at most so many items, turn of them of one book: what comes after a batch waits for its answer."""
    group: list[Request] = []
    counts = Counter[str]()
    for request in requests:
        book = book_of(request[0])
        if group and (counts.total() + len(request) > most or counts[book] + len(request) > turn):
            yield group
            group, counts = [], Counter[str]()
        group.append(request)
        counts[book] += len(request)
    if group:
        yield group


def is_of_all(request: Request, error: Declined) -> bool:
    """Whether an error is about each item of a request: there is one, or their book is not there."""
    return len(request) == 1 or (isinstance(error, BookUnmatched) and len(set(map(book_of, request))) == 1)
