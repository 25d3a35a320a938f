"""What a target has to keep while its remote fails: nothing is lost, nothing comes twice, nobody else has to wait."""

import time
from typing import Any

import pytest

from booklore_core.pipeline.delivery import RunSummary
from booklore_core.testing.target_contract.bench import Bench


class FaultTests(Bench):
    """Each test has the remote fail in one way, looks at what the core is told, and has it work again."""

    def test_an_item_that_is_refused_costs_the_others_nothing(self) -> None:
        due = self.goes_on("refuses")

        assert len(due) == 1, f"one item was refused, and {len(due)} wait"

    def test_an_item_whose_book_is_not_there_costs_other_books_nothing(self) -> None:
        due = self.goes_on("unknown")

        assert len({one["book"] for one in due}) == 1, f"one book is not there, and {len(due)} items of several wait"

    def goes_on(self, fault: str) -> list[dict[str, Any]]:
        """What waits after a run in which one item was refused."""
        self.break_down(fault)
        facts = self.facts()

        self.house.put(facts)
        run = self.house.sync()

        due = self.house.due()
        assert run.unavailable is None, f"one item was refused, and the run ended: {run.unavailable}"
        assert due, "an item was refused, and the target says that all were delivered"
        assert all(one["reason"] for one in due), "an item waits, and nobody is told why"
        self.mend()
        self.house.settle()
        self.all_arrived(len(facts), "when nothing was refused any more")
        return due

    def test_an_error_of_the_remote_is_not_taken_for_an_answer(self) -> None:
        self.break_down("error")
        facts = self.facts()

        self.house.put(facts)
        self.house.sync()

        assert len(self.house.due()) == len(facts), "items were answered by an error, and count as delivered"
        self.mend()
        self.house.settle()
        self.all_arrived(len(facts), "when the remote worked again")

    def test_a_remote_that_is_away_ends_the_run_and_counts_no_attempt(self) -> None:
        self.ends_the_run("unreachable")

    def test_an_account_that_is_refused_ends_the_run_and_counts_no_attempt(self) -> None:
        self.ends_the_run("unauthorised")

    def test_a_remote_that_says_nothing_is_given_up_by_the_target_itself(self) -> None:
        self.limit_calls(self.patience)

        run = self.ends_the_run("silent")

        ended = run.unavailable or ""
        assert "took longer than" not in ended, f"no answer for {self.patience:g} s: give every request a timeout"

    def ends_the_run(self, fault: str) -> RunSummary:
        self.break_down(fault)
        facts = self.facts()

        self.house.put(facts)
        run = self.house.sync()

        due = self.house.due()
        attempts = sum(one["retry_count"] for one in due)
        assert len(due) == len(facts), f"nobody took anything, and {len(facts) - len(due)} items count as delivered"
        assert run.unavailable, f"the run went on to the next item; raise TargetUnavailable ({due[0]['reason']})"
        assert not attempts, f"being away is no attempt of an item, and {attempts} were counted"
        self.mend()
        self.house.settle()
        self.all_arrived(len(facts), "when the remote was back")
        return run

    def test_a_request_that_was_lost_is_made_again(self) -> None:
        self.comes_through("lost_request")

    def test_a_repeat_after_a_lost_answer_is_no_second_one(self) -> None:
        self.comes_through("lost_answer")

    def comes_through(self, fault: str) -> None:
        is_to_be_mended = self.break_down(fault)
        facts = self.facts()

        self.house.put(facts)
        self.house.sync()

        assert self.house.due(), "nobody was told that the item arrived, and the target says that it did"
        if is_to_be_mended:
            self.mend()
        self.house.restart()
        self.house.settle()
        self.all_arrived(len(facts), "when the remote was back, after a restart")

    def test_a_call_that_hangs_holds_up_nobody_else_and_is_made_up_for(self) -> None:
        self.break_down("hangs")
        facts = self.facts()

        self.house.put(facts)
        self.limit_calls(0.3)
        run = self.house.sync()

        assert run.unavailable, "the call did not come back, and the run did not end"
        assert len(self.house.neighbour.received) == len(facts), "another target had to wait for this one"
        self.mend()
        self.limit_calls(60)
        self.has_come_back()
        self.house.settle()
        self.all_arrived(len(facts), "after a call that came back late")

    def has_come_back(self) -> None:
        """Waits for a call that was given up."""
        for _ in range(int(self.patience / 0.01)):
            if not self.house.target.lingering:
                return
            time.sleep(0.01)
        pytest.fail("the call goes on although the remote works again")
