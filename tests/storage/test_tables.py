"""Plain tables through dataset: a misspelt column raises, a change is whole, a list stands for any of its values."""

import threading

import pytest
from databases import url_of
from sqlalchemy.exc import DBAPIError

from booklore_core.storage.database import Database, DatabaseUnusable

pytestmark = pytest.mark.both_databases


@pytest.fixture
def database(tmp_path):
    database = Database(url_of(tmp_path))
    yield database
    database.close()


@pytest.fixture
def table(database):
    table = database.table("devices")
    for id_, name in (("a", "Aura"), ("b", "Clara"), ("c", "Libra")):
        table.upsert({"id": id_, "name": name, "model": "Kobo"}, ["id"])
    return table


def ids(rows):
    return [row["id"] for row in rows]


MISSPELT = [
    lambda table: table.find(nmae="Aura"),
    lambda table: table.find("nmae"),
    lambda table: table.find("-nmae"),
    lambda table: table.find(["id", "nmae"]),
    lambda table: table.find_one(nmae="Aura"),
    lambda table: table.count(nmae="Aura"),
    lambda table: table.upsert({"id": "a", "nmae": "Nia"}, ["id"]),
    lambda table: table.upsert({"id": "a", "name": "Nia"}, ["di"]),
    lambda table: table.update({"id": "a", "nmae": "Nia"}, ["id"]),
    lambda table: table.update({"id": "a", "name": "Nia"}, ["di"]),
    lambda table: table.delete(nmae="Aura"),
]


@pytest.mark.parametrize("use", MISSPELT, ids=range(len(MISSPELT)))
def test_a_misspelt_column_raises_and_nothing_is_changed(database, table, use):
    before = table.find("id")

    with pytest.raises(KeyError, match="table devices has no column (nmae|di)"):
        use(table)

    assert table.find("id") == before
    assert not {"nmae", "di"} & set(before[0])


def test_a_table_that_there_is_not_is_not_made(database):
    with pytest.raises(KeyError):
        database.table("devcies").upsert({"id": "a"}, ["id"])

    assert "devcies" not in database.names()[0]


def test_rows_are_found_by_value_by_any_of_a_list_and_by_nothing(table):
    table.update({"id": "c", "model": None}, ["id"])

    assert ids(table.find("id", name="Clara")) == ["b"]
    assert ids(table.find("id", id=["a", "c", "x"])) == ["a", "c"]
    assert ids(table.find("id", id=["a", "b", "c"], model="Kobo")) == ["a", "b"]
    assert ids(table.find("id", model=None)) == ["c"]
    assert table.find(id=[]) == []


def test_more_rows_than_dataset_fetches_at_a_time_are_all_found(database, table):
    with database.writing():
        for number in range(1200):
            table.upsert({"id": f"n{number}", "model": "Many"}, ["id"])

    assert len(table.find(model="Many")) == table.count(model="Many") == 1200


def test_rows_come_in_the_order_asked_for_at_most_so_many(table):
    assert ids(table.find("-name")) == ["c", "b", "a"]
    assert ids(table.find(["model", "-id"], 2)) == ["c", "b"]
    assert table.find_one(name="Nia") is None


def test_a_row_that_is_there_is_changed_and_another_one_added(table):
    table.upsert({"id": "a", "name": "Nia"}, ["id"])
    table.upsert({"id": "d", "name": "Sage"}, ["id"])

    assert [(row["id"], row["name"], row["model"]) for row in table.find("id")] == [
        ("a", "Nia", "Kobo"), ("b", "Clara", "Kobo"), ("c", "Libra", "Kobo"), ("d", "Sage", None),
    ]  # fmt: skip


def test_how_many_rows_were_changed_or_removed_is_told(table):
    assert table.update({"model": "Kobo", "name": "x"}, ["model"]) == 3
    assert table.update({"model": "Kindle", "name": "x"}, ["model"]) == 0
    assert table.delete(id=["a", "b"]) is True
    assert table.delete(id="a") is False
    assert table.count() == 1


def test_many_may_add_the_same_row_at_once(tmp_path):
    """Without a transaction around it an upsert looks first and adds then: two would both add."""
    databases = [Database(url_of(tmp_path)) for _ in range(4)]
    ready, faults = threading.Barrier(len(databases)), []

    def add(database):
        try:
            for number in range(25):
                ready.wait(10)
                database.table("devices").upsert({"id": f"d{number}", "name": "x"}, ["id"])
        except (DBAPIError, DatabaseUnusable, threading.BrokenBarrierError) as error:
            faults.append(error)
            ready.abort()

    threads = [threading.Thread(target=add, args=(database,)) for database in databases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert faults == []
    assert databases[0].table("devices").count() == 25
    for database in databases:
        database.close()


def test_a_change_belongs_to_the_transaction_around_it(database, table):
    with pytest.raises(ZeroDivisionError), database.writing():
        table.upsert({"id": "a", "name": "Nia"}, ["id"])
        table.upsert({"id": "d"}, ["id"])
        database.run("UPDATE devices SET name = 'x' WHERE id = 'b'")
        table.delete(id="c")
        raise ZeroDivisionError

    assert [(row["id"], row["name"]) for row in table.find("id")] == [("a", "Aura"), ("b", "Clara"), ("c", "Libra")]


def test_what_was_changed_is_seen_at_once_by_the_other_way_of_asking(database, table):
    with database.writing():
        database.run("UPDATE devices SET name = 'Nia' WHERE id = 'a'")
        assert table.find_one(id="a")["name"] == "Nia"
        table.update({"id": "a", "name": "Sage"}, ["id"])
        assert database.value("SELECT name FROM devices WHERE id = 'a'") == "Sage"


def test_a_transaction_that_was_begun_for_reading_changes_nothing(database, table):
    with pytest.raises(RuntimeError, match="begun for reading"), database.transaction():
        table.upsert({"id": "d"}, ["id"])

    assert table.count() == 3
