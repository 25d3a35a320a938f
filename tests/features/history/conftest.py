"""What the tests of the past share: a file of statistics, and what is made of it."""

import pytest
from history_world import add_book, open_file

from booklore_core import Item, Remark
from booklore_core.pipeline.facts import Facts


@pytest.fixture
def core(open_core):
    return open_core(plugins=("sessions", "history"))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "device" / "statistics.sqlite3"


@pytest.fixture
def db(path):
    """A file with one book."""
    db = open_file(path)
    add_book(db)
    return db


@pytest.fixture
def read(core):
    """What is new in a file: sessions in their order, and the texts of remarks. None for another kind of file."""

    def read(path, progress=lambda done, total: None):
        about = {"journal": core.journal, "facts": Facts(core.database, core.clock()), "progress": progress}
        found = core.plugins.first("import_history", path=path, **about)
        if found is None:
            return None
        told = list(found[1])
        items = sorted((one for one in told if isinstance(one, Item)), key=lambda item: (item.occurred_at, item.key))
        return items, [one.text for one in told if isinstance(one, Remark)]

    return read


@pytest.fixture
def take_in(core, read):
    """Takes in what is new in a file. Returns the sessions."""

    def take_in(path):
        items, _ = read(path)
        assert core.put(items, "history") == len(items)
        return items

    return take_in
