"""The contract of targets: right ones pass all of it, and each broken one fails at the test of what is broken."""

import os
import re
import subprocess
import sys

import broken_shelves
import pytest
from broken_shelves import BROKEN_AT, GROUPS
from shelf_world import ShelfContract

from booklore_core.testing.target_contract import HttpTargetContract

BROKEN = broken_shelves.__file__


class TestLibrary(ShelfContract):
    """Has every part, and its remote fails in every way: nothing is skipped."""

    @pytest.fixture(autouse=True)
    def skips_nothing(self, monkeypatch):
        monkeypatch.setattr(pytest, "skip", pytest.fail)


def failures(**environ):
    """Class and test of what fails, in a process of its own."""
    command = [sys.executable, "-m", "pytest", "-n", "0", "-rf", "-p", "no:cacheprovider", BROKEN]
    ran = subprocess.run(command, env={**os.environ, **environ}, capture_output=True, text=True, timeout=300)
    return sorted(re.findall(r"^FAILED \S+::Test(\w+)::(\S+)", ran.stdout, re.MULTILINE))


def test_each_broken_target_fails_at_the_test_of_what_is_broken_and_at_no_other():
    expected = [(group[0].__name__, BROKEN_AT[one]) for group in GROUPS for one in group]

    assert failures() == sorted(expected)


@pytest.mark.soak
def test_each_broken_target_fails_alone_at_one_test():
    assert failures(EACH_ALONE="1") == sorted((broken.__name__, test) for broken, test in BROKEN_AT.items())


def test_every_test_of_the_contract_is_failed_by_a_broken_target():
    every = {name for name in dir(HttpTargetContract) if name.startswith("test_")}

    assert set(BROKEN_AT.values()) == every
