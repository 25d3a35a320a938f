"""Whichever process runs a test, what it counts and says arrives."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

COUNTING = """
import pytest
from tally import count

@pytest.mark.parametrize("number", range(4))
def test_that_counts(number):
    count("rounds", 500)
    count("crashes")
    assert number < 3
"""

HALF_A_CHARACTER = """
import logging

def test_that_logs():
    logging.getLogger("plugin").warning("half \\ud800")

def test_that_fails():
    raise RuntimeError("half \\ud800")
"""


@pytest.fixture
def run(tmp_path):
    """Runs the tests of a source, with these options, and tells what is printed."""

    def run_with(source, *options):
        (tmp_path / "test_of_the_source.py").write_text(source)
        command = [sys.executable, "-m", "pytest", "-q", "-p", "tally", "-p", "workers", *options]
        environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parent), "PYTHONIOENCODING": "utf-8:replace"}
        ran = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environ, timeout=60)
        return ran.stdout

    return run_with


@pytest.mark.parametrize("workers", ["0", "2"])
def test_counts_of_every_worker_and_of_failed_tests_are_in_the_sum(run, workers):
    assert "proof: 4 crashes, 2,000 rounds\n" in run(COUNTING, "-n", workers)


@pytest.mark.parametrize("workers", ["0", "2"])
def test_half_a_character_in_a_report_ends_no_run(run, workers):
    assert "1 failed, 1 passed" in run(HALF_A_CHARACTER, "-n", workers)


@pytest.mark.parametrize(
    ("asked", "is_shared"),
    [
        ((), True),
        (("-m", "not soak and not bench"), True),
        (("-m", "bench"), False),
        (("test_of_the_source.py",), False),
        (("test_of_the_source.py::test_that_logs",), False),
    ],
)
def test_workers_share_what_takes_longer_than_their_start_and_measures_nothing(run, asked, is_shared):
    assert ("bringing up nodes" in run(HALF_A_CHARACTER, "-n", "auto", *asked)) == is_shared
