"""A database is copied to another kind of database and back: every row as it was, or nothing at all."""

import subprocess
import sys
import time
from contextlib import closing

import pytest
from declared_kinds import KINDS

from booklore_core.storage import copying
from booklore_core.storage.copying import MADE_ANEW, Differs, copy_all
from booklore_core.storage.database import Database, DatabaseUnusable
from booklore_core.storage.schema import VERSION

ODD = ["Ünï “cödé” 読書 🐙", "", "a'b\"c\\d %s :x {y}\n", '{"text": "\\u0000", "n": [1.0, null]}', "\u2028 "]
TIMES = [0.1 + 0.2, 1795200000.123456, 1e-300, 5e15, -1.0]
BOOK = """INSERT INTO books (id, partial_md5, title, authors, size, tracked, stars_known, stars, created_at, updated_at)
    VALUES (:id, :md5, :title, '[]', :size, 1, 0, :stars, :at, :at)"""
EVENT = """INSERT INTO events (device, event_id, name, at, ord, book_md5, tracked, line, received_at)
    VALUES ('kobo', :id, 'book_open', :at, :id, :md5, 1, :line, :at)"""
EVERYTHING = "SELECT * FROM {} ORDER BY 1"

COPY = """
import sys
from booklore_core.storage.copying import copy_all
from booklore_core.storage.database import Database
tell = lambda label, done, total: print(label, done, flush=True)
copy_all(Database(sys.argv[1]), sys.argv[2], (), tell)
"""


def quiet(label, done, total):
    """Nobody wants to know how far it is."""


@pytest.fixture
def source(tmp_path):
    """A house with odd texts, no values, halves of stars and a number that is used although its row is gone."""
    with closing(Database(f"sqlite:///{tmp_path}/house.sqlite")) as database:
        for number, (text, at) in enumerate(zip(ODD, TIMES, strict=True), start=3):
            md5, size = f"{number:032x}", None if number % 2 else 2**40
            database.run(BOOK, id=number, md5=md5, title=text, size=size, stars=number / 2, at=at)
            database.run(EVENT, id=f"{number:020}", md5=md5, line=text, at=at)
        database.run("DELETE FROM events WHERE id = 5")
        database.table("settings").upsert({"name": "sessions.min_duration", "value": "45"}, ["name"])
        for id_ in ("b", "B", "a-1", "ä", "a1"):  # languages disagree with each other about their order
            database.table("devices").upsert({"id": id_, "name": None}, ["id"])
        yield database


def rows_of(database):
    tables = [name for name in database.names()[0] if name not in MADE_ANEW]
    found = {name: database.rows(EVERYTHING.format(name)) for name in tables}
    return {name: sorted(map(repr, rows)) for name, rows in found.items()}


def test_every_row_arrives_in_postgresql_as_it_was_and_comes_back_so(source, new_database, tmp_path):
    there, back = new_database(), f"sqlite:///{tmp_path}/back.sqlite"

    counts = copy_all(source, there, KINDS, quiet)
    with closing(Database(there)) as database:
        assert rows_of(database) == rows_of(source)
        copy_all(database, back, KINDS, quiet)

    assert (counts["books"], counts["events"], counts["devices"]) == (5, 4, 5)
    with closing(Database(back)) as database:
        assert rows_of(database) == rows_of(source)
        assert database.value("SELECT MAX(version) FROM schema_version") == VERSION


def test_numbers_go_on_after_those_that_were_given_even_to_rows_that_are_gone(source, new_database, tmp_path):
    there, back = new_database(), f"sqlite:///{tmp_path}/back.sqlite"
    copy_all(source, there, (), quiet)
    with closing(Database(there)) as database:
        copy_all(database, back, (), quiet)

    for url in (there, back):
        with closing(Database(url)) as database:
            database.run(EVENT, id="new", md5=None, line="{}", at=1.0)
            assert database.value("SELECT id FROM events WHERE event_id = 'new'") == 6


def test_the_documented_views_are_there_at_once(source, new_database):
    there = new_database()

    copy_all(source, there, KINDS, quiet)

    views = {name for kind in KINDS for name in kind.views}
    with closing(Database(there)) as database:
        assert views
        assert [database.rows(f"SELECT * FROM {name}") for name in sorted(views)] == [[]] * len(views)


def test_how_far_it_is_is_told(source, new_database):
    told = []

    copy_all(source, new_database(), (), lambda *far: told.append(far))

    total = told[0][2]
    assert {label: done for label, done, _ in told} == {"copied": total, "compared": total}


@pytest.mark.parametrize("table", ["books", "another_programs"])
def test_a_database_that_is_not_empty_is_refused_and_stays_as_it_is(source, new_database, table):
    there = new_database()
    with closing(Database(there, migrations=None)) as other:
        other.run(f"CREATE TABLE {table} (id INTEGER)")

    with pytest.raises(DatabaseUnusable, match=f"not empty, it has {table}; nothing was copied"):
        copy_all(source, there, (), quiet)

    with closing(Database(there, migrations=None)) as other:
        assert other.names() == ([table], [])


def test_a_database_is_not_copied_to_itself(source):
    before = rows_of(source)

    with pytest.raises(DatabaseUnusable, match="is not empty"):
        copy_all(source, source.url, (), quiet)

    assert rows_of(source) == before


def test_a_row_that_did_not_arrive_as_it_was_undoes_everything(source, new_database, monkeypatch):
    there, insertion = new_database(), copying.insertion
    monkeypatch.setattr(copying, "insertion", lambda table: insertion(table).replace(":stars,", "3.25,"))

    with pytest.raises(Differs, match="table books, row {'id': 3}: .* nothing was copied"):
        copy_all(source, there, (), quiet)

    with closing(Database(there, migrations=None)) as other:
        assert other.names() == ([], [])


def test_nobody_writes_to_it_while_it_is_copied(source, new_database):
    refused = []

    def write(label, done, total):
        with closing(Database(source.url, busy_timeout=0.1)) as other, pytest.raises(DatabaseUnusable) as refusal:
            other.table("settings").upsert({"name": "a", "value": "1"}, ["name"])
        refused.append(str(refusal.value))

    copy_all(source, new_database(), (), write)

    assert refused
    assert all("another program holds it" in one for one in refused)


def test_a_database_that_somebody_on_another_computer_has_open_is_not_copied(source, new_database, tmp_path):
    there, back = new_database(), f"sqlite:///{tmp_path}/back.sqlite"
    copy_all(source, there, (), quiet)

    with closing(Database(there)) as one, closing(Database(there)) as other:
        other.names()
        with pytest.raises(DatabaseUnusable, match="uses it; stop it first"):
            copy_all(one, back, (), quiet)


@pytest.mark.parametrize("doing", ["copied", "compared"])
@pytest.mark.parametrize("is_back", [False, True], ids=["to PostgreSQL", "to SQLite"])
def test_a_copy_that_is_killed_has_copied_nothing_and_the_next_one_copies_everything(
    source, new_database, tmp_path, is_back, doing
):
    source.run_many(EVENT, [{"id": f"e{n:06}", "md5": None, "line": "x" * 200, "at": 1.0} for n in range(4000)])
    url, there = source.url, new_database()
    if is_back:
        copy_all(source, there, (), quiet)
        url, there = there, f"sqlite:///{tmp_path}/back.sqlite"
    with closing(Database(url)) as house:
        before = rows_of(house)

    program = subprocess.Popen([sys.executable, "-c", COPY, url, there], stdout=subprocess.PIPE, text=True)
    wait_for(program, doing, 2000)
    program.kill()
    program.communicate()

    with closing(Database(there, migrations=None)) as other:
        assert other.names() == ([], [])
    with closing(Database(url)) as house:
        assert rows_of(house) == before
        wait_until_alone(house)
        copy_all(house, there, (), quiet)
    with closing(Database(there)) as other:
        assert rows_of(other) == before


def wait_for(program, doing, least):
    for line in program.stdout:
        label, done = line.split()
        if label == doing and int(done) >= least:
            return
    raise AssertionError("it never came so far")


def wait_until_alone(database):
    """A server notices within moments that a client was killed."""
    while database.dialect == "postgresql" and database.value(copying.OTHERS):
        time.sleep(0.02)
