"""What a target's author says of it: how it is made, what its remote holds, and how that fails."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from booklore_core.items import BookRef, Item
from booklore_core.pipeline import gateway
from booklore_core.pipeline.gateway import Answer
from booklore_core.storage.store import Store
from booklore_core.targets import BatchTarget, Target, TargetUnavailable
from booklore_core.testing.reader import MORNING
from booklore_core.testing.target_contract.household import Household
from booklore_core.testing.target_contract.sample_facts import BOOKS, ONE_A_BOOK, sample_body

FAULTS: Mapping[str, str] = {
    "unreachable": "nobody is there",
    "unauthorised": "the account is refused: 401",
    "refuses": "one item is refused as it is, the others are taken: 422",
    "unknown": "of one item it is said that its book is not there, the others are taken: 404",
    "error": "whatever is written is answered by an error of the remote's own: 500",
    "lost_request": "the first item never gets there, and then nobody is there",
    "lost_answer": "the first item is taken, but nobody is told so, and then nobody is there",
    "silent": "whatever is asked is not answered",
    "hangs": "a call does not come back until all works again, and is carried out then",
}
"""How a remote may fail, for `TargetContract.fail`."""


class Bench:
    """The part of the contract that an author fills in. Two methods have to be there: `make_target` and `held`."""

    kinds: Collection[str] = ()
    """The kinds that are examined; by default all that the target takes."""

    quoted: Collection[str] = ()
    """The fields of a body that are the book's own words, where the target compares them with it."""

    patience = 5.0
    """Seconds of real time after which a call on a remote that says nothing should have come back."""

    folder: Path
    """An empty folder for the test."""

    def make_target(self, store: Store) -> Target:
        """The target, as a new process would have it: called again after a restart. store: what it may remember."""
        raise TypeError(f"{type(self).__name__} needs make_target(store), which returns the target")

    def _make(self, store: Store) -> Target:
        return self.make_target(store)

    def held(self) -> Sequence[Any]:
        """What the remote holds now, one entry for each fact, with the texts that a person would read there."""
        raise TypeError(f"{type(self).__name__} needs held(), which returns what the remote holds, one entry a fact")

    def is_log(self) -> bool:
        """Whether what `held` returns is a log of messages, in which an edit and a removal stand below what they are
        about. Of any other remote it is examined that they take its place."""
        return False

    def books(self) -> Sequence[BookRef]:
        """Three books at least. The remote of a target with `match` has to know them."""
        return BOOKS

    def sample(self, kind: str, number: int) -> Mapping[str, Any]:
        """The body of a fact, for each number another. A kind that is not of this project needs one of yours; a text in
        it that holds a blank is taken for one that a person wrote."""
        body = sample_body(kind, number)
        assert body is not None, f"what does a {kind} look like? Let sample(kind, number) return the body of one"
        return body

    def fail(self, fault: str) -> bool:
        """Makes the remote fail in one of the ways of FAULTS until `mend`; False where that cannot be done."""
        return False

    def mend(self) -> None:
        """Lets the remote work again."""

    @property
    def house(self) -> Household:
        """The core with the target, opened when it is first asked for."""
        if self._house is None:
            self._house = Household(self.folder.parent / "home", self._make, self.kinds)
            self._opened.callback(lambda: self.house.close())
        return self._house

    @property
    def store(self) -> Store:
        """What the target may remember."""
        return self.house.store

    _house: Household | None
    _opened: ExitStack

    @pytest.fixture(autouse=True)
    def _bench(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        self.folder, self._patch, self._house = tmp_path / "remote", monkeypatch, None
        self.folder.mkdir()
        with ExitStack() as self._opened:
            yield

    _patch: pytest.MonkeyPatch
    _fault = ""

    def limit_calls(self, seconds: float) -> None:
        """Has the core give a call up sooner than after a minute."""
        self._patch.setattr(gateway, "CALL_LIMIT", seconds)

    def break_down(self, fault: str) -> bool:
        """Lets the remote fail, or skips the test. An answer can get lost at any remote, on its way to the core: then
        this is False, and there is nothing to mend."""
        self._fault = fault
        if self.fail(fault):
            return True
        if fault != "lost_answer":
            pytest.skip(f"nothing here makes the remote fail like this: {FAULTS[fault]}")
        door = self.house.target
        self._patch.setattr(door, "deliver_all", unanswered(door.deliver_all))
        return False

    def facts(self, count: int = 3) -> list[Item]:
        """count facts of each kind: two of a book, and of another one; or each of its own where a book has one only."""
        return [self.fact(kind, number) for kind in self.house.kinds for number in range(count)]

    def fact(self, kind: str, number: int = 0, body: Mapping[str, Any] | None = None, minute: int = 0) -> Item:
        """body: another one than the sample's. minute: when it became so."""
        books = sorted(self.books(), key=lambda one: one.partial_md5)  # as a run comes to them
        about = books[number if kind in ONE_A_BOOK else number // 2]
        at = MORNING.replace(hour=8 + number, minute=minute)
        return Item(kind, f"contract {kind} {number}", about, self.sample(kind, number) if body is None else body, at)

    def each_of(self, excluded: Collection[str], why: str) -> list[str]:
        """The kinds that are examined and not excluded; skips where there is none."""
        kinds = [kind for kind in self.house.kinds if kind not in excluded]
        return kinds or pytest.skip(f"{why} of what it takes ({', '.join(self.house.kinds)})")

    def needs(self, part: type, why: str) -> None:
        """Skips where the target does not have an optional part."""
        if not self.house.target.has(part):
            pytest.skip(why)

    @property
    def refused_writes(self) -> Collection[int]:
        """Which writes have to be refused, counted from 1, that it is one item's, or those of a book that is not there:
        a batch goes by halves then, but for one of a single book that is not there."""
        target, first = self.house.target, self.house.kinds[0]
        is_batch = target.has(BatchTarget) and target.batch_size > 1 and first not in ONE_A_BOOK
        if is_batch and self._fault == "unknown" and first not in target.spans_books:
            return (1,)
        return (1, 3) if is_batch else (2,)

    def all_arrived(self, count: int, when: str) -> None:
        """Nothing waits, and the remote holds so many facts."""
        due = self.house.due()
        assert not due, f"{len(due)} items still wait {when}, such as {due[0]['key']}: {due[0]['reason']}"
        held = self.held()
        assert len(held) == count, f"{count} facts were to be held {when}, not {len(held)}: {held}"


def unanswered(call: Callable[..., None]) -> Callable[..., None]:
    """Requests that are carried out, and nobody is told so."""

    def lose(requests: Sequence[object], answers: list[Answer], *others: object) -> None:
        call(requests, answers, *others)
        answers[:] = [TargetUnavailable("the answer was lost") for _ in requests]

    return lose
