"""A core is opened whole or not at all, and closed twice without harm."""

import pytest

from booklore_core.core import Core
from booklore_core.storage.occupancy import occupants
from booklore_core.storage.places import Places
from booklore_core.testing import FakeTarget


def test_a_core_that_cannot_be_opened_leaves_its_data_folder(tmp_path, clock):
    places = Places.from_environment({"BOOKLORE_HOME": str(tmp_path)})

    def broken():
        yield from ()
        raise OSError("the list of plugins cannot be read")

    with pytest.raises(OSError, match="the list of plugins"):
        Core(places, clock, {}, broken())

    assert (tmp_path / "booklore.sqlite").exists()
    assert not (tmp_path / "booklore.sqlite-wal").exists()  # SQLite removes it when the last connection is closed
    assert occupants(tmp_path) == []


def test_a_core_closes_its_targets_and_leaves_its_data_folder(open_core, tmp_path):
    class Closing(FakeTarget):
        closed = 0

        def close(self):
            self.closed += 1

    target = Closing()
    core = open_core(target)
    assert len(occupants(tmp_path / "home")) == 1

    core.close()
    core.close()

    assert target.closed == 1
    assert occupants(tmp_path / "home") == []
