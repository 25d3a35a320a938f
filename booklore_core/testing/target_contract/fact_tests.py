"""What a target has to make of facts: each once, edited, removed, in every script, and none swallowed."""

import json
from dataclasses import replace

import pytest

from booklore_core.items import Item
from booklore_core.targets import Before, BookUnmatched, Declined, MatchingTarget
from booklore_core.testing.target_contract.bench import Bench
from booklore_core.testing.target_contract.sample_facts import (
    NEVER_EDITED,
    NEVER_REMOVED,
    NOBODYS,
    edited_body,
    in_every_script,
    texts_of,
)


class FactTests(Bench):
    """Nothing fails here."""

    def test_a_batch_arrives_and_each_item_once(self) -> None:
        facts = self.facts()

        self.house.put(facts)
        run = self.house.sync()

        assert run.unavailable is None, f"the run ended early: {run.unavailable}"
        self.all_arrived(len(facts), "after a run in which nothing failed")

    def test_what_was_edited_arrives_as_it_is_now(self) -> None:
        for kind in self.each_of(NEVER_EDITED, "nobody edits any"):
            self.arrives(self.fact(kind))
            before, count = self.shown(), len(self.held())

            told = self.sample(kind, 0)
            edited = edited_body(kind, told, self.quoted)
            edited = edited if edited != told else {**self.sample(kind, 1)}
            if edited == told:
                continue  # its author knows one body only
            self.arrives(self.fact(kind, body=edited, minute=30))

            assert self.shown() != before, f"a {kind} was edited, and the remote holds what it held before"
            self.holds_at_most(count, f"a {kind} was edited, and stands beside what it was before")

    def test_a_rating_that_was_taken_away_is_cleared(self) -> None:
        if "rating" not in self.house.kinds:
            pytest.skip("it takes no ratings")
        self.arrives(self.fact("rating"))
        before, count = self.shown(), len(self.held())

        self.arrives(self.fact("rating", body={**self.sample("rating", 0), "rating": None, "stars": None}, minute=30))

        assert self.shown() != before, "the stars were taken away, and the remote still holds the rating"
        self.holds_at_most(count, "the stars were taken away, which stands beside the rating that there was")

    def test_what_was_removed_goes(self) -> None:
        for kind in self.each_of(NEVER_REMOVED, "nobody removes any"):
            self.arrives(self.fact(kind))
            before, count = self.shown(), len(self.held())

            self.arrives(self.tombstone(kind))

            assert self.shown() != before, f"a {kind} was removed, and the remote still holds it: {before}"
            self.holds_at_most(count - 1, f"a {kind} was removed, and something of it is still held")

    def test_the_removal_of_what_never_came_is_no_fault(self) -> None:
        kind = self.each_of(NEVER_REMOVED, "nobody removes any")[0]
        self.arrives(self.fact(kind, 1))
        strange = self.house.match_of(self.tombstone(kind))

        try:
            self.house.deliver(strange, Before(maybe_sent=True))
        except Declined as error:
            pytest.fail(f"a {kind} was removed before it came, which is done already, and not declined: {error}")

    def test_what_people_write_arrives_in_every_script(self) -> None:
        kept = {kind: self.kept_of(kind) for kind in self.house.kinds}
        if not any(kept.values()):
            pytest.skip("its remote holds nothing that people write")

        for kind, names in kept.items():
            odd = in_every_script(self.fact(kind, 1), self.house.target.has(MatchingTarget), self.quoted)
            self.arrives(odd)
            lost = [name for name in names if texts_of(odd)[name] not in self.shown()]
            assert not lost, f"{lost[0]} of a {kind} is held otherwise than it was written: {self.shown()}"

    def kept_of(self, kind: str) -> list[str]:
        """The fields that people write of which the remote holds the words."""
        fact = self.fact(kind)
        self.arrives(fact)
        shown = self.shown()
        return [name for name, text in texts_of(fact).items() if text in shown]

    def test_a_book_that_the_remote_does_not_have_waits_for_it(self) -> None:
        self.needs(MatchingTarget, "it needs no match of a book")
        kind = self.house.kinds[0]
        fact = self.fact(kind)
        nobodys = Item(kind, "contract nobody's", NOBODYS, fact.body, fact.occurred_at)

        self.house.put([nobodys, fact])
        self.house.sync()

        waiting = [(one["key"], one["state"]) for one in self.house.due()]
        assert waiting == [("contract nobody's", "unmatched")], f"expected one item to wait for its book, not {waiting}"
        assert len(self.held()) == 1, "the item of a book that the remote has did not arrive"

    def test_an_item_whose_match_has_gone_waits_for_a_new_one(self) -> None:
        self.needs(MatchingTarget, "it needs no match of a book")
        self.arrives(self.fact(self.house.kinds[0]))
        fact = self.fact(self.house.kinds[0])
        stale = Item(fact.kind, "contract stale", replace(NOBODYS, match="987654321"), fact.body, fact.occurred_at)

        with pytest.raises(BookUnmatched):
            self.house.deliver(stale, Before())

    def test_a_kind_that_it_does_not_know_is_not_swallowed(self) -> None:
        self.arrives(self.fact(self.house.kinds[0]))
        before, known = self.shown(), self.house.match_of(self.fact(self.house.kinds[0], 1))
        strange = Item("contract_kind", "strange", known.book, {"words": "of no known kind"}, known.occurred_at)

        try:
            self.house.deliver(strange, Before())
        except Declined:
            return
        assert self.shown() != before, "it says that a kind it does not know was delivered; raise ItemRejected"

    def arrives(self, item: Item) -> None:
        """Sends an item, which has to be taken at once."""
        self.house.put([item])
        run = self.house.sync()
        due = self.house.due()
        assert not due, f"a {item.kind} does not arrive: {due[0]['reason'] or run.unavailable}"

    def holds_at_most(self, count: int, why: str) -> None:
        """What is examined of a remote that holds facts, not what it was told of them one after the other."""
        held = self.held()
        assert self.is_log() or len(held) <= count, f"{why}: {held}"

    def tombstone(self, kind: str, number: int = 0) -> Item:
        return self.fact(kind, number, body={**self.sample(kind, number), "removed": True}, minute=45)

    def shown(self) -> str:
        """All that the remote holds, as text."""
        return json.dumps(self.held(), ensure_ascii=False, default=str)
