"""What the proofs went through, counted test by test and printed at the end of the run, however many processes ran it.

A pytest plugin: what a test counts travels with its report, from the worker that ran it too.
"""

from collections import Counter
from collections.abc import Iterator

import pytest

COUNTED = "counted"

_of_the_test: Counter[str] = Counter()
_of_the_run: Counter[str] = Counter()


def count(what: str, number: int = 1) -> None:
    _of_the_test[what] += number


@pytest.fixture(autouse=True)
def _counts(request: pytest.FixtureRequest) -> Iterator[None]:
    _of_the_test.clear()
    yield
    if _of_the_test:
        request.node.user_properties.append((COUNTED, dict(_of_the_test)))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "teardown":
        for name, counts in report.user_properties:
            if name == COUNTED:
                _of_the_run.update(counts)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _of_the_run:
        counted = ", ".join(f"{number:,} {what}" for what, number in sorted(_of_the_run.items()))
        terminalreporter.write_line(f"proof: {counted}")
