"""Whatever stands in a field of the statistics: nothing is an error, and no nonsense is sent."""

import pytest
from history_world import START, UNTYPED, add_book, add_pages, open_file, reading, spans
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ODD = [None, "", "abc", "12", b"\xff\x00", -1, 0, 0.5, 1.5, -(2**63), 2**63 - 1, 1e300, float("inf"), float("-inf")]


@pytest.fixture
def untyped(path):
    """A file whose fields take anything."""
    db = open_file(path, UNTYPED)
    add_book(db)
    return db


@pytest.mark.parametrize("odd", ODD, ids=repr)
@pytest.mark.parametrize("column", ["id_book", "page", "start_time", "duration", "total_pages"])
def test_an_odd_value_costs_its_own_row_at_most(untyped, read, path, column, odd):
    add_pages(untyped, *reading(5), *reading(5, at=1000))
    untyped.execute(f"UPDATE page_stat_data SET {column} = ? WHERE start_time = ?", (odd, START + 1000))

    items, _ = read(path)

    first, second = sum(s for *_, s in spans(items)[:1]), sum(s for *_, s in spans(items)[1:])
    assert first == 200
    assert second in (160, 161, 200) or (column == "duration" and second == 160 + 440)
    assert all(0 <= (item.body[f"{side}_percent"] or 0) <= 1 for item in items for side in ("start", "end"))


@pytest.mark.parametrize("odd", ODD, ids=repr)
@pytest.mark.parametrize("column", ["id", "title", "authors", "pages", "md5"])
def test_an_odd_value_of_a_book_is_an_error_of_none(path, read, column, odd):
    db = open_file(path, f"DROP TABLE book; CREATE TABLE book (id, title, authors, pages, md5); {UNTYPED}")
    for number in (1, 2):
        db.execute("INSERT INTO book VALUES (?, ?, ?, 600, ?)", (number, f"Book {number}", "Author", f"{number}" * 32))
        add_pages(db, *reading(5), book=number)
    db.execute(f"UPDATE book SET {column} = ? WHERE id = 1", (odd,))

    items, _ = read(path)

    assert ("Book 2", 200) in [(item.book.title, item.body["duration"]) for item in items]


VALUES = st.one_of(
    st.none(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), st.text(), st.binary(),
    st.integers(START, START + 5000), st.integers(0, 700),
)  # fmt: skip


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(*[VALUES] * 5), max_size=20), books=st.lists(st.tuples(*[VALUES] * 4), max_size=5))
def test_no_rows_whatever_are_an_error_or_more_reading_than_time(core, read, path, rows, books):
    path.unlink(missing_ok=True)
    db = open_file(path, f"DROP TABLE book; CREATE TABLE book (id, title, authors, md5); {UNTYPED}")
    db.executemany("INSERT INTO book VALUES (?, ?, ?, ?)", books)
    db.executemany("INSERT INTO page_stat_data VALUES (?, ?, ?, ?, ?)", rows)
    db.close()

    items, _ = read(path)

    for item in items:
        start, end, seconds = spans([item])[0]
        assert 0 < seconds <= end - start <= 86_400
    core.put(items, "history")
    assert read(path)[0] == []
