"""What PostgreSQL does otherwise than SQLite, so that nobody above notices."""

import threading
from contextlib import closing

import databases
import pytest
from declared_kinds import declare

from booklore_core import BookRef, Item, Match
from booklore_core.storage.database import Database, DatabaseUnusable
from booklore_core.storage.schema import MIGRATIONS
from booklore_core.testing import FakeTarget

DUNE = BookRef("d" * 32, "Dune")
WRITE = "INSERT INTO settings (name, value) VALUES (:name, :value)"
NAMES = "SELECT name FROM settings ORDER BY name"


@pytest.fixture(autouse=True)
def on_postgresql():
    with databases.chosen(databases.POSTGRESQL):
        yield


@pytest.fixture
def url(new_database):
    return new_database()


@pytest.fixture
def database(url):
    with closing(Database(url)) as database:
        yield database


def names(database):
    return [row["name"] for row in database.rows(NAMES)]


def test_a_flag_is_a_number_and_a_text_has_no_nul(database):
    plugins = database.table("plugins")

    plugins.upsert({"name": "a\0", "is_target": True, "label": "\0", "help": "", "place": 1}, ["name"])
    database.run("UPDATE plugins SET place = :is_first WHERE is_target = :is_target", is_first=False, is_target=True)
    database.run_many(WRITE, [{"name": "a\0", "value": True}])

    row = {"name": "a\ufffd", "is_target": 1, "label": "\ufffd", "help": "", "place": 0}
    assert plugins.find_one(name="a\0", is_target=True) == row
    assert database.rows("SELECT label FROM plugins WHERE name IN :ids", ids=["a\0"]) == [{"label": "\ufffd"}]
    assert names(database) == ["a\ufffd"]


def test_the_documented_views_show_a_body_with_a_nul(open_core, clock):
    core = declare(open_core(FakeTarget(kinds={"annotation"})))

    core.put([Item("annotation", "a", DUNE, {"datetime": "2026-11-20", "text": "fear \0\\u0000"}, clock())], "test")

    [row] = core.database.rows("SELECT datetime, payload FROM pending_annotations")
    assert row["datetime"] == "2026-11-20"
    assert "fear" in row["payload"]


@pytest.mark.parametrize(("remote_id", "shown"), [("42", 42), ("9" * 30, 999999999999999999), ("a-uuid", 0)])
def test_the_documented_views_show_the_id_of_a_remote_as_a_number(open_core, clock, remote_id, shown):
    core = declare(open_core(FakeTarget(kinds={"rating"})))
    core.put([Item("rating", "a", DUNE, {"stars": 4}, clock())], "test")

    core.books.match(DUNE.partial_md5, "bookworm", Match(remote_id, "digest"), clock())

    assert core.database.rows(f"SELECT book_id FROM pending_ratings WHERE book_id = {shown}") == [{"book_id": shown}]


def test_a_migration_leaves_the_views_of_others_alone(database, url):
    database.run("CREATE VIEW theirs AS SELECT 1 AS one")
    database.close()

    with closing(Database(url, migrations=(*MIGRATIONS, "ALTER TABLE devices ADD COLUMN colour TEXT"))) as newer:
        assert newer.rows("SELECT one FROM theirs") == [{"one": 1}]
        assert newer.rows("SELECT * FROM pending_items") == []


def test_another_programs_tables_may_be_there(url):
    with closing(Database(url, migrations=None)) as other:
        other.run("CREATE TABLE theirs (id INTEGER)")

    with closing(Database(url)) as database:
        assert names(database) == []


def test_a_writer_that_waits_for_long_is_told_so_and_can_go_on(database, url):
    with closing(Database(url, busy_timeout=0.1)) as other:
        with database.writing(), pytest.raises(DatabaseUnusable, match="another program holds it for long"):
            other.run(WRITE, name="a", value="1")
        other.run(WRITE, name="b", value="1")

    assert names(database) == ["b"]


def test_a_reader_sees_one_state(database, url):
    with closing(Database(url)) as other, database.transaction():
        assert names(database) == []
        other.run(WRITE, name="a", value="1")
        assert names(database) == []

    assert names(database) == ["a"]


def test_a_writer_sees_what_was_written_while_it_waited(database, url):
    def count_up():
        with closing(Database(url)) as mine:
            for _ in range(20):
                with mine.writing():
                    before = mine.value("SELECT MAX(CAST(value AS INTEGER)) FROM settings") or 0
                    mine.run(WRITE, name=str(before), value=str(before + 1))

    threads = [threading.Thread(target=count_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(names(database)) == 80


def test_more_threads_than_the_pool_keeps_connections_work_at_once(database):
    ready = threading.Barrier(30)

    def read(seen):
        with database.transaction():
            ready.wait(20)
            seen.append(names(database))

    seen = []
    threads = [threading.Thread(target=read, args=(seen,)) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert seen == [[]] * 30


def test_a_lost_connection_undoes_what_was_begun_and_costs_nothing_else(database):
    server, name = databases.named().server, database.url.rpartition("/")[2].partition("?")[0]

    with pytest.raises(DatabaseUnusable, match="check the address, and that the server runs"), database.writing():
        database.run(WRITE, name="a", value="1")
        server.disconnect(name)
        database.run(WRITE, name="b", value="1")

    database.run(WRITE, name="c", value="1")
    assert names(database) == ["c"]


def test_own_options_in_an_address_are_kept(url):
    with closing(Database(f"{url}&options=-c%20statement_timeout%3D12345&connect_timeout=3")) as database:
        assert database.value("SHOW statement_timeout") == "12345ms"
        assert database.value("SHOW lock_timeout") == "30s"
