"""What the tests of the features share."""

import pytest

from booklore_core.testing import FakeTarget


@pytest.fixture
def sessions(open_core):
    """Takes a reader's lines in and tells the bodies of the sessions that arrive at a target."""

    def run(reader, **settings):
        bookworm = FakeTarget()
        core = open_core(bookworm)
        for name, value in settings.items():
            core.settings.set(f"sessions.{name}", value)
        taken = core.take(reader.lines, "test")
        assert not taken.rejected
        core.sync()
        return [item.body for item in bookworm.received]

    return run
