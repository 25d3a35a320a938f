"""A kind says what it is called and where it stands; counts follow from that, for one that nobody declared as well."""

import pytest
from declared_kinds import ANNOTATION, BOOKMARK, DELETION, PROGRESS, RATING

from booklore_core import Kind
from booklore_core.kinds import Kinds

SESSION = Kind("session", "S", "session", "sessions", 50, label_rank=10)
KINDS = Kinds([DELETION, PROGRESS, BOOKMARK, ANNOTATION, RATING, SESSION])


def test_labels_count_what_there_is_of_each_kind_in_the_manuals_order():
    pending = {"progress": 4, "session": 3, "rating": 2, "bookmark": 1, "annotation": 1}

    assert KINDS.short_counts(pending) == "3S, 1A, 2R, 1B, 4P"
    assert KINDS.short_counts({"deletion": 1, "session": 0}) == "1D"
    assert KINDS.short_counts({}) == ""


def test_counts_in_words_are_singular_for_one():
    assert KINDS.in_words({"session": 1, "rating": 2, "progress": 3}) == "1 session, 2 ratings, 3 progress"


def test_a_kind_that_nobody_declared_is_counted_all_the_same():
    assert KINDS.short_counts({"session": 1, "vocabulary": 2, "streak": 1}) == "1S, 3 more"
    assert KINDS.in_words({"vocabulary": 2}) == "2 vocabulary"
    assert "vocabulary" not in KINDS


def test_a_history_is_named_after_the_kind_unless_it_says_otherwise():
    assert (RATING.history_name, BOOKMARK.history_name) == ("Rating sync history", "Synced bookmarks")


@pytest.mark.parametrize(
    ("values", "field"),
    [
        (("Bad Name", "B", "one", "many"), "name"),
        (("good", "bb", "one", "many"), "letter"),
        (("good", "b", "one", "many"), "letter"),
        (("good", "B", "", "many"), "one"),
        ((None, "B", "one", "many"), "name"),
        (("good", None, "one", "many"), "letter"),
        (("good", "B", 1, "many"), "one"),
        (("good", "B", "one", 2), "many"),
        (("good", "B", "one", "many\x1b[31m"), "many"),
        (("good", "B", "one", "many", "high"), "rank"),
        (("good", "B", "one", "many", True), "rank"),
        (("good", "B", "one", "many", 2**31), "rank"),
        (("good", "B", "one", "many", 60, None), "views"),
        (("good", "B", "one", "many", 60, {"good_ones": None}), "views"),
        (("good", "B", "one", "many", 60, {7: "SELECT 1"}), "views"),
        (("good", "B", "one", "many", 60, {}, None), "history"),
        (("good", "B", "one", "many", 60, {}, "two\nlines"), "history"),
        (("good", "B", "one", "many", 60, {}, "", 1.5), "label_rank"),
    ],
)
def test_what_cannot_be_a_kind_is_refused_with_the_field_that_is_wrong(values, field):
    with pytest.raises(ValueError, match=f"^kind .*{field}"):
        Kind(*values)
