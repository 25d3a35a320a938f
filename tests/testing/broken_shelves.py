"""Targets that are broken, each in one way, and the test of the contract that says so.

They are kept as examples, and run by `test_target_contract.py` in a process of its own: what is broken in several ways
has to fail at the test of each, and at no other; a soak runs each alone.
"""

import contextlib
import json
import os
import threading
from dataclasses import replace

import requests
from shelf_world import Library, Shelf, ShelfContract

from booklore_core import BookUnmatched, Candidate, Check, ItemFailed, ItemRejected, Match, TargetUnavailable
from booklore_core.testing.target_contract import HttpTargetContract, TargetContract

BROKEN_AT = {}
"""Class → the test that it fails."""


def fails(test):
    def note(broken):
        BROKEN_AT[broken] = f"test_{test}"
        return broken

    return note


@fails("what_was_edited_arrives_as_it_is_now")
class KeepsTheFirstEdition(Library):
    def keep(self, item):
        if item.kind != "annotation" or item.key not in self.remote.rows:
            super().keep(item)


@fails("a_rating_that_was_taken_away_is_cleared")
class TakesNoneForNothing(Library):
    def write(self, item):
        if item.body.get("rating", 0) is not None:
            super().write(item)


@fails("what_was_removed_goes")
class KeepsWhatWasRemoved(Library):
    def write(self, item):
        if not item.is_tombstone:
            super().write(item)


@fails("the_removal_of_what_never_came_is_no_fault")
class RemovesWhatIsNotThere(Shelf):
    def remove(self, key):
        del self.remote.rows[key]


@fails("what_people_write_arrives_in_every_script")
class SpeaksAsciiOnly(Library):
    def keep(self, item):
        super().keep(item)
        row = self.remote.rows[item.key]
        row.update(
            (name, text.encode("ascii", "replace").decode()) for name, text in row.items() if isinstance(text, str)
        )


@fails("a_book_that_the_remote_does_not_have_waits_for_it")
class GuessesBooks(Library):
    def match(self, books):
        return {book.partial_md5: Match("id-0", "guess") for book in books} | super().match(books)


@fails("an_item_whose_match_has_gone_waits_for_a_new_one")
class ForgetsWhatAStaleMatchIs(Library):
    def deliver(self, item, before):
        try:
            return super().deliver(item, before)
        except BookUnmatched as error:
            raise ItemRejected(error.reason) from error


@fails("a_kind_that_it_does_not_know_is_not_swallowed")
class SwallowsOtherKinds(Library):
    def deliver(self, item, before):
        return super().deliver(item, before) if item.kind in self.kinds else None


@fails("it_opens_again_after_it_was_closed")
class ClosesForGood(Library):
    closed = 0

    def deliver(self, item, before):
        if self.closed > 2:
            raise TargetUnavailable("closed for good", maybe_sent=False)
        self.closed = 0
        return super().deliver(item, before)

    def close(self):
        self.closed += 1


@fails("an_item_is_found_when_it_is_there_and_only_then")
class FindsNothing(Library):
    def find(self, item):
        return None


@fails("the_connection_test_tells_whether_it_works")
class AlwaysSaysYes(Library):
    def check(self):
        return [Check("shelf", True, "all is well")]


@fails("the_place_that_was_told_is_told_back")
class TellsPlacesOfAHundred(Library):
    def keep(self, item):
        super().keep(item)
        if item.kind == "progress":
            self.remote.places[item.book.match] = item.body["percent"] * 100


@fails("its_books_are_known_by_their_id_and_no_others")
class KnowsEveryId(Library):
    def book(self, remote_id):
        return Candidate(remote_id, "Some book")


@fails("a_book_is_matched_for_certain_or_not_at_all")
class TakesAllBooksForOne(Library):
    def match(self, books):
        found = super().match(books)
        return dict.fromkeys(found, Match("id-0", "guess")) if len(books) > 2 and not self.remote.rows else found


@fails("a_batch_arrives_and_each_item_once")
class DropsTheEndOfABatch(Library):
    def deliver_batch(self, items):
        kept = items if self.remote.has_failed else items[:1]
        super().deliver_batch(kept)


@fails("an_item_that_is_refused_costs_the_others_nothing")
class SwallowsARefusal(Shelf):
    def ask(self, change=None):
        with contextlib.suppress(ItemRejected):
            super().ask(change)


@fails("an_item_whose_book_is_not_there_costs_other_books_nothing")
class StopsAtAnUnknownBook(Shelf):
    def declined(self, status):
        return TargetUnavailable("not there") if status == 404 else super().declined(status)


@fails("an_error_of_the_remote_is_not_taken_for_an_answer")
class TakesAnErrorForAnAnswer(Shelf):
    def ask(self, change=None):
        try:
            super().ask(change)
        except ItemFailed as error:
            if error.reason != "answers 500":
                raise


@fails("a_remote_that_is_away_ends_the_run_and_counts_no_attempt")
class TriesEachItemAtNobody(Shelf):
    def away(self, reason):
        return ItemFailed(reason)


@fails("an_account_that_is_refused_ends_the_run_and_counts_no_attempt")
class TriesARefusedAccountForEachItem(Shelf):
    def declined(self, status):
        return ItemFailed("refused") if status == 401 else super().declined(status)


@fails("a_repeat_after_a_lost_answer_is_no_second_one")
class TakesARepeatForSomethingNew(Shelf):
    def deliver(self, item, before):
        if before.maybe_sent and not item.is_tombstone:
            item = replace(item, key=f"{item.key} again")
        return super().deliver(item, before)


@fails("a_remote_that_says_nothing_is_given_up_by_the_target_itself")
class WaitsForEver(Shelf):
    timeout = 20


@fails("a_call_that_hangs_holds_up_nobody_else_and_is_made_up_for")
class NeverComesBack(Shelf):
    def ask(self, change=None):
        if self.remote.fault == "hangs":
            threading.Event().wait(10)
        super().ask(change)


class Hook:
    """The right one, which those below break."""

    name, kinds, timeout = "hook", frozenset({"session"}), 5.0

    def __init__(self, url, store):
        self.url, self.store = url, store

    def deliver(self, item, before):
        if item.kind not in self.kinds:
            raise ItemRejected(f"no {item.kind} is taken here")
        try:
            answer = self.send(item)
        except requests.RequestException as error:
            raise TargetUnavailable(str(error)) from error
        if answer.status_code == 401:
            raise TargetUnavailable("the account is refused", maybe_sent=False)
        if not answer.ok:
            raise ItemFailed(f"it answers {answer.status_code}")

    def send(self, item):
        return requests.put(f"{self.url}/{item.idempotency_key}", json=dict(item.body), timeout=self.timeout)


@fails("a_remote_that_says_nothing_is_given_up_by_the_target_itself")
class GivesNoTimeout(Hook):
    timeout = None


@fails("a_request_that_was_lost_is_made_again")
class TakesSendingForArriving(Hook):
    def deliver(self, item, before):
        if self.store.get(item.key) == "sent":
            return
        try:
            super().deliver(item, before)
        except TargetUnavailable as error:
            if "without response" in error.reason:
                self.store.set(item.key, "sent")
            raise


@fails("a_call_that_was_given_up_sends_nothing_more")
class GoesOnAfterItsRunWasClosed(Hook):
    def send(self, item):
        requests.get(self.url, timeout=self.timeout)
        return super().send(item)


class HookContract(HttpTargetContract):
    made = Hook

    def make_target(self, url, store):
        return self.made(url, store)


class Diary:
    """A right one that keeps lines in a file by the keys of what they say. Nothing makes its remote fail."""

    name, kinds = "diary", frozenset({"annotation", "rating"})

    def __init__(self, file):
        self.file = file

    def deliver(self, item, before):
        if item.kind not in self.kinds:
            raise ItemRejected(f"no {item.kind} is taken here")
        lines = json.loads(self.file.read_text()) if self.file.exists() else {}
        self.write(lines, item, before)
        self.file.write_text(json.dumps(lines))

    def write(self, lines, item, before):
        if item.is_tombstone or item.body.get("rating", 0) is None:
            lines.pop(item.key, None)
        else:
            lines[item.key] = f"{item.book.title} by {item.book.authors}: {dict(item.body)}"


@fails("what_was_edited_arrives_as_it_is_now")
class WritesAnEditBelow(Diary):
    def write(self, lines, item, before):
        known = lines.get(item.key)
        super().write(lines, item, before)
        if known and lines.get(item.key, known) != known:
            lines[f"{item.key}, before"] = known


@fails("what_was_removed_goes")
class WritesARemovalBelow(Diary):
    def write(self, lines, item, before):
        super().write(lines, item, before)
        if item.is_tombstone:
            lines[item.key] = "is removed"


@fails("a_rating_that_was_taken_away_is_cleared")
class WritesThatStarsWereTakenBelow(Diary):
    def write(self, lines, item, before):
        known = lines.get(item.key)
        super().write(lines, item, before)
        if item.body.get("rating", 0) is None:
            lines |= {item.key: known, f"{item.key}, later": "no stars"}


@fails("a_repeat_after_a_lost_answer_is_no_second_one")
class WritesARepeatBelow(Diary):
    def write(self, lines, item, before):
        known = lines.get(item.key)
        super().write(lines, item, before)
        if before.maybe_sent and lines.get(item.key) == known:
            lines[f"{item.key}, again"] = known


class DiaryContract(TargetContract):
    made = Diary

    def make_target(self, store):
        return self.made(self.folder / "diary.json")

    def held(self):
        file = self.folder / "diary.json"
        return list(json.loads(file.read_text()).values()) if file.exists() else []


def contract_of(*broken):
    """The contract of a target that is broken in all these ways, named by the first."""
    base = {Hook: HookContract, Diary: DiaryContract}.get(broken[0].__base__, ShelfContract)
    return type(f"Test{broken[0].__name__}", (base,), {"made": type("Broken", broken, {}), "patience": 0.4})


def kin(base, *but):
    return [one for one in BROKEN_AT if issubclass(one, base) and one not in but]


GROUPS = [kin(Library), kin(Shelf, *kin(Library)), kin(Hook), kin(Diary)]
"""Those that can be broken together."""

for group in [[one] for one in BROKEN_AT] if os.environ.get("EACH_ALONE") else GROUPS:
    globals()[f"Test{group[0].__name__}"] = contract_of(*group)
