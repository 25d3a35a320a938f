"""What the optional parts of a target have to keep, each where the target has it."""

import pytest

from booklore_core.targets import (
    CheckableTarget,
    Declined,
    LookingTarget,
    MatchingTarget,
    ProgressTarget,
    SearchableTarget,
    TargetUnavailable,
)
from booklore_core.testing.target_contract.bench import Bench


class PartTests(Bench):
    """A part that a target does not have skips its test."""

    def test_it_opens_again_after_it_was_closed(self) -> None:
        first, second = self.facts(2)[:2]
        self.house.put([first])
        self.house.sync()

        self.house.target.close()
        self.house.target.close()
        self.house.put([second])
        self.house.sync()

        self.all_arrived(2, "after it was closed twice")

    def test_an_item_is_found_when_it_is_there_and_only_then(self) -> None:
        self.needs(LookingTarget, "it has no `find`: a repeat changes nothing at its remote")
        kind = min(self.house.target.looked_for & set(self.house.kinds), default="")
        if not kind:
            pytest.skip("it looks for none of what is examined")
        there, missing = self.fact(kind), self.fact(kind, 1)
        self.house.put([there])
        self.house.sync()

        found = [self.house.target.find(self.house.match_of(one)) for one in (there, missing)]

        assert found[0] is not None, "what was delivered is not found: it would be sent a second time"
        assert found[1] is None, f"what was never sent is found as {found[1]!r}: it would never be sent"

    def test_the_connection_test_tells_whether_it_works(self) -> None:
        self.needs(CheckableTarget, "it has no `check`")
        good = self.house.target.check()
        assert all(one.ok for one in good), f"all works, and its test says {[one for one in good if not one.ok]}"

        self.break_down("unreachable")
        try:
            bad = self.house.target.check()
        except TargetUnavailable:
            return

        assert not all(one.ok for one in bad), "nobody is there, and its test says that all is well"

    def test_the_place_that_was_told_is_told_back(self) -> None:
        self.needs(ProgressTarget, "it has no `remote_progress`")
        if "progress" not in self.house.kinds:
            pytest.skip("it takes no progress")
        place = self.fact("progress")
        assert self.house.target.remote_position(place.book) is None, "nobody has read, and there is a place"
        self.house.put([place])
        self.house.sync()

        remote = self.house.target.remote_position(place.book)

        assert remote is not None, "a place was told, and none is told back"
        assert remote.percent == pytest.approx(place.body["percent"], abs=0.0002)

    def test_its_books_are_known_by_their_id_and_no_others(self) -> None:
        self.needs(SearchableTarget, "it has no `search`")
        books = self.books()
        matches = self.house.target.match(books)
        assert set(matches) == {one.partial_md5 for one in books}, "it does not match the books that its remote has"

        ids = [match.remote_id for match in matches.values()]
        assert all(self.house.target.book(one) for one in ids), "it does not know a book by the id that it gave"
        try:
            strange = self.house.target.book("987654321")
        except Declined:
            return
        assert strange is None, f"no book has the id 987654321, and it says {strange}"

    def test_a_book_is_matched_for_certain_or_not_at_all(self) -> None:
        self.needs(MatchingTarget, "it needs no match of a book")
        books = self.books()

        matches = self.house.target.match(books)

        ids = [match.remote_id for match in matches.values()]
        assert len(set(ids)) == len(ids) == len(books), f"{len(books)} books of the remote are matched as {matches}"
