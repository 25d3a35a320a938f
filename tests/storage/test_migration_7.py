"""Stars of a book as a database of the sixth schema knows them, of all its devices together."""

import pytest
from databases import url_of
from function_features import add_feature

from booklore_core.storage.database import Database
from booklore_core.testing import SampleReader, sample_book

DUNE = sample_book("Dune")


@pytest.fixture
def shown_since(tmp_path, open_core):
    """The stars that features are told of when devices show some, after the kobo had shown four to an older version."""

    def show(*visits):
        kobo, told = SampleReader("kobo", stars=4), []
        core = open_core()
        core.take(kobo.read(DUNE), "test")
        core.close()
        old = Database(url_of(tmp_path / "home"))
        old.run("UPDATE books SET stars = 4, stars_at = :at", at=kobo.now.timestamp())
        old.run("ALTER TABLE books DROP COLUMN stars_shown")
        old.run("DROP TABLE runs")
        old.run("ALTER TABLE plugins DROP COLUMN place")
        old.run("DELETE FROM schema_version WHERE version > 6")
        old.close()
        core = open_core()
        add_feature(core, on_rating=lambda event: told.append((event.device, event.stars)))
        core.derive.lead()
        told.clear()
        readers = {"kobo": kobo}
        for device, stars in visits:
            reader = readers.setdefault(device, SampleReader(device))
            reader.now, reader.stars = max(one.now for one in readers.values()), stars
            reader.wait(60)
            core.take(reader.read(DUNE), "test")
        return told

    return show


@pytest.mark.parametrize(
    ("visits", "told"),
    [
        ([("kobo", 4)], []),
        ([("kobo", None)], [("kobo", None)]),
        ([("kobo", 4), ("kobo", 2)], [("kobo", 2)]),
        ([("kindle", None)], []),
        ([("kindle", 4)], []),
        ([("kindle", 3), ("kobo", 4)], []),
        ([("kindle", 3), ("kindle", 2)], [("kindle", 2)]),
    ],
)
def test_they_are_what_its_devices_showed(shown_since, visits, told):
    assert shown_since(*visits) == told
