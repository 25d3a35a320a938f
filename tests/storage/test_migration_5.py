"""A database of the fourth schema, before anything could be proposed: it is opened, and loses nothing."""

import pytest
from databases import url_of
from function_features import add_feature, note

from booklore_core import Proposal
from booklore_core.storage.database import Database
from booklore_core.storage.schema import MIGRATIONS
from booklore_core.testing import SampleReader, sample_book

DUNE = sample_book("Dune")
ITEM = """INSERT INTO items (kind, key, book_md5, body, occurred_at, said_at, revision, plugin, created_at, updated_at)
    VALUES ('note', 'old', :md5, '{}', 1, 1, 1, 'diary', 1, 1)""".replace("{}", '{"says": "kept"}').replace(":", "\\:")
BOOK = """INSERT INTO books (partial_md5, title, authors, tracked, stars_known, created_at, updated_at)
    VALUES (:md5, 'Dune', '[]', 1, 0, 1, 1)"""


@pytest.mark.sqlite_only("PostgreSQL takes no view of a column that is not there yet")
def test_what_was_there_stays_and_proposals_can_be_made(tmp_path, open_core):
    (tmp_path / "home").mkdir()
    old = Database(url_of(tmp_path / "home"), migrations=MIGRATIONS[:4])
    assert "proposals" not in old.names()[0]
    old.run(BOOK, md5=DUNE["partial_md5"])
    old.run(ITEM.replace("\\:md5", ":md5"), md5=DUNE["partial_md5"])
    old.close()

    core = open_core()
    add_feature(core, on_book_open=lambda event: [Proposal(note(event, "new"), "Shall it be?")])
    core.take([SampleReader().open(DUNE)], "test")

    assert core.database.value("SELECT MAX(version) FROM schema_version") == len(MIGRATIONS)
    assert core.database.rows("SELECT key, body FROM items WHERE kind = 'note'") == [
        {"key": "old", "body": '{"says": "kept"}'}
    ]
    assert [one.text for one in core.status().asked] == ["Shall it be?"]
