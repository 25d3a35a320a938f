"""The database: opened, migrated, shared by threads and processes, and never half-written."""

import subprocess
import sys
import threading
from contextlib import closing
from itertools import chain

import pytest
from databases import url_of
from sqlalchemy.exc import IntegrityError

from booklore_core.storage.database import Database, DatabaseUnusable, redact, statement
from booklore_core.storage.schema import MIGRATIONS, TYPES, VERSION
from booklore_core.storage.views import CORE_VIEWS, expand

pytestmark = pytest.mark.both_databases

READ = "SELECT value FROM plugin_store WHERE plugin = 'test' AND key = :key"
WRITE = """
INSERT INTO plugin_store (plugin, key, value) VALUES ('test', :key, :value)
ON CONFLICT (plugin, key) DO UPDATE SET value = excluded.value
"""

COUNT_UP = """
import sys
from booklore_core.storage.database import Database
database = Database(sys.argv[1])
for _ in range(25):
    with database.writing():
        count = int(database.value("SELECT value FROM plugin_store WHERE key = 'count'") or 0)
        database.run({write!r}, key="count", value=str(count + 1))
"""


@pytest.fixture
def file(tmp_path):
    return tmp_path / "booklore.sqlite"


@pytest.fixture
def url(file):
    return url_of(file.parent)


@pytest.fixture
def database(url):
    database = Database(url)
    yield database
    database.close()


def start_counting(url):
    return subprocess.Popen([sys.executable, "-c", COUNT_UP.format(write=WRITE), url])


def tables(url):
    with closing(Database(url)) as database:
        return set(chain.from_iterable(database.names()))


def test_a_fresh_database_has_every_documented_view(database, url):
    assert set(CORE_VIEWS) <= tables(url)
    assert [database.rows(f"SELECT * FROM {view}") for view in CORE_VIEWS] == [[]] * len(CORE_VIEWS)
    assert database.value("SELECT MAX(version) FROM schema_version") == VERSION


@pytest.mark.sqlite_only("its file")
def test_an_empty_file_is_a_fresh_database(file, url):
    file.touch()

    assert Database(url).value("SELECT MAX(version) FROM schema_version") == VERSION


@pytest.mark.sqlite_only("its file")
def test_opening_again_changes_nothing(database, file, url):
    database.run(WRITE, key="a", value="1")
    database.close()
    before = file.read_bytes()

    again = Database(url)

    assert again.value(READ, key="a") == "1"
    again.close()
    assert file.read_bytes() == before


@pytest.mark.sqlite_only("its file")
def test_the_log_is_not_needed_after_a_clean_close(database, file, url):
    database.run(WRITE, key="a", value="1")
    database.close()

    assert [path.name for path in file.parent.iterdir()] == [file.name]
    assert Database(url).value(READ, key="a") == "1"


def test_an_older_schema_is_migrated_and_keeps_its_rows(database, url):
    database.run("INSERT INTO devices (id, name) VALUES ('kobo', 'Kobo')")
    database.close()

    newer = Database(url, migrations=(*MIGRATIONS, "ALTER TABLE devices ADD COLUMN colour TEXT;"))

    assert newer.row("SELECT id, name, colour FROM devices") == {"id": "kobo", "name": "Kobo", "colour": None}
    assert newer.value("SELECT MAX(version) FROM schema_version") == VERSION + 1
    assert newer.rows("SELECT * FROM pending_items") == []


def test_a_migration_that_fails_leaves_the_old_schema_whole(database, url):
    database.close()
    before = tables(url)

    with pytest.raises(Exception, match="books"):
        Database(url, migrations=(*MIGRATIONS, "CREATE TABLE extra (id INTEGER); CREATE TABLE books (id INTEGER)"))

    assert tables(url) == before
    assert Database(url).value("SELECT MAX(version) FROM schema_version") == VERSION


def test_several_processes_may_create_it_at_once(url):
    programs = [start_counting(url) for _ in range(4)]

    assert [program.wait(60) for program in programs] == [0] * 4
    assert Database(url).value(READ, key="count") == "100"


def test_threads_write_one_after_the_other(database):
    def count_up():
        for _ in range(25):
            with database.writing():
                count = int(database.value(READ, key="count") or 0)
                database.run(WRITE, key="count", value=str(count + 1))

    threads = [threading.Thread(target=count_up) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert database.value(READ, key="count") == "500"
    assert database._dataset.connections == {}  # a thread that is gone holds no connection


def test_what_is_not_committed_is_seen_by_its_own_thread_only(database):
    seen = []
    with database.writing():
        database.run(WRITE, key="a", value="1")
        other = threading.Thread(target=lambda: seen.append(database.value(READ, key="a")))
        other.start()
        other.join()
        assert database.value(READ, key="a") == "1"

    assert seen == [None]
    assert database.value(READ, key="a") == "1"


def test_a_transaction_is_all_or_nothing(database):
    with pytest.raises(KeyError), database.writing():
        database.run(WRITE, key="a", value="1")
        with database.writing():
            database.run(WRITE, key="b", value="2")
        raise KeyError

    assert database.value(READ, key="a") is None
    assert database.value(READ, key="b") is None


def test_a_savepoint_is_undone_by_itself(database):
    with database.writing():
        database.run(WRITE, key="a", value="1")
        with pytest.raises(KeyError), database.savepoint():
            database.run(WRITE, key="b", value="2")
            raise KeyError
        with database.savepoint():
            database.run(WRITE, key="c", value="3")

    assert [database.value(READ, key=key) for key in "abc"] == ["1", None, "3"]


def test_a_savepoint_without_a_transaction_is_one(database):
    with pytest.raises(KeyError), database.savepoint():
        database.run(WRITE, key="a", value="1")
        raise KeyError

    assert database.value(READ, key="a") is None


def test_a_transaction_begun_for_reading_does_not_go_on_to_write(database):
    with database.transaction(), pytest.raises(RuntimeError, match="writing"):
        database.run(WRITE, key="a", value="1")


def test_readers_do_not_wait_for_a_writer(database, url):
    with database.writing():
        database.run(WRITE, key="a", value="1")

        assert Database(url, busy_timeout=0.1).value(READ, key="a") is None


def test_a_commit_that_fails_leaves_the_thread_able_to_work(database):
    database.run(
        "CREATE TABLE chain (id INTEGER PRIMARY KEY, next INTEGER REFERENCES chain DEFERRABLE INITIALLY DEFERRED)"
    )

    with pytest.raises(IntegrityError):
        database.run("INSERT INTO chain VALUES (1, 99)")  # the reference is checked at the end

    database.run("INSERT INTO chain VALUES (2, NULL)")
    assert database.rows("SELECT id FROM chain") == [{"id": 2}]


@pytest.mark.sqlite_only("a full disk")
def test_a_fault_that_somebody_swallows_still_undoes_everything(database):
    with pytest.raises(DatabaseUnusable, match="free some space"), database.writing():
        database.run(WRITE, key="a", value="1")
        database.rows(f"PRAGMA max_page_count={database.value('PRAGMA page_count')}")
        with pytest.raises(DatabaseUnusable):
            database.run(WRITE, key="b", value="x" * 100_000)
        with pytest.raises(DatabaseUnusable):
            database.run(WRITE, key="c", value="3")

    assert database.rows("SELECT key FROM plugin_store") == []


def test_what_is_asked_once_is_known_as_long_as_its_reading_transaction(database):
    answers = iter("abc")

    with database.transaction():
        assert [database.once("letter", lambda: next(answers)) for _ in range(2)] == ["a", "a"]

    assert database.once("letter", lambda: next(answers)) == "b"


def test_what_is_asked_while_writing_is_asked_every_time(database):
    answers = iter("abc")

    with database.writing():
        assert [database.once("letter", lambda: next(answers)) for _ in range(2)] == ["a", "b"]


def test_a_list_of_ids_is_a_parameter(database):
    found = database.rows("SELECT version FROM schema_version WHERE version IN :ids", ids=[VERSION, 99])

    assert found == [{"version": VERSION}]
    assert database.rows("SELECT version FROM schema_version WHERE version IN :ids", ids=[]) == []


def test_a_change_of_an_empty_list_of_ids_changes_nothing(database):
    database.run(WRITE, key="a", value="1")

    assert database.run("DELETE FROM plugin_store WHERE key IN :ids", ids=[]) == 0
    assert database.run("DELETE FROM plugin_store WHERE key IN :ids", ids=["a", "b"]) == 1


@pytest.mark.sqlite_only("its write-ahead log")
@pytest.mark.parametrize(("wal", "mode"), [(True, "wal"), (False, "delete")])
def test_the_write_ahead_log_can_be_turned_off(url, wal, mode):
    Database(url, wal=not wal).close()

    database = Database(url, wal=wal)

    assert database.value("PRAGMA journal_mode") == mode
    assert database.value("PRAGMA synchronous") == 2  # FULL
    assert database.value("PRAGMA foreign_keys") == 1


@pytest.mark.sqlite_only("its write-ahead log")
def test_the_environment_turns_the_write_ahead_log_off(open_core):
    core = open_core(BOOKLORE_DATABASE__WAL="false")

    assert core.database.value("PRAGMA journal_mode") == "delete"


def test_a_database_in_memory_is_one_for_all_threads():
    database, seen = Database("sqlite://"), []
    database.run(WRITE, key="a", value="1")

    thread = threading.Thread(target=lambda: seen.append(database.value(READ, key="a")))
    thread.start()
    thread.join()

    assert seen == ["1"]


def test_postgresql_gets_statements_of_its_own():
    script = MIGRATIONS[0].format(**TYPES["postgresql"])
    views = [expand(view, "postgresql") for view in CORE_VIEWS.values()]

    assert "AUTOINCREMENT" not in script
    assert 'ord TEXT COLLATE "C"' in script  # the order of events must not follow a language's rules
    for view in views:
        assert "json_extract" not in view
        assert "{" not in view
        assert not statement(view, "postgresql").compile().params


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgresql://reader:s3cret@db/books", "postgresql://reader:***@db/books"),
        ("postgresql://reader:p%40ss%3Aw@db:5432/books", "postgresql://reader:***@db:5432/books"),
        ("postgresql://db/books?user=reader&password=s3cret", "postgresql://db/books?password=***&user=reader"),
        ("sqlite:////data/booklore.sqlite", "sqlite:////data/booklore.sqlite"),
        ("postgresql//reader:s3cret@db", "postgresql//reader:…"),
    ],
)
def test_an_address_is_shown_without_its_password(address, shown):
    assert redact(address) == shown


@pytest.mark.parametrize("address", ["mysql://db/books", "booklore.sqlite", "", "mongodb://db", "postgres://db/books"])
def test_an_address_that_is_not_supported_is_refused_with_one_that_is(address):
    with pytest.raises(DatabaseUnusable, match="sqlite"):
        Database(address)


def test_a_driver_that_is_not_installed_is_named():
    with pytest.raises(DatabaseUnusable, match="psycopg2cffi") as refused:
        Database("postgresql+psycopg2cffi://reader:s3cret@db/books")

    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize("wal", [True, False])
def test_a_reading_history_is_nobody_elses_to_read(tmp_path, wal):
    database = Database(f"sqlite:///{tmp_path / 'booklore.sqlite'}", wal=wal)
    with database.writing():
        database.run("INSERT INTO settings (name, value) VALUES ('a', '1')")
        modes = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.iterdir()}

    assert "booklore.sqlite" in modes
    assert set(modes.values()) == {0o600}
