"""With *Upload on read complete* nothing follows until the end of the book; then everything does."""

import pytest
from annotated_world import Marking, bookmark, highlight

KINDS = {"annotation": ("annotations", highlight), "bookmark": ("bookmarks", bookmark)}


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def marking(open_core, kind):
    marking = Marking(open_core)
    marking.set(f"{KINDS[kind][0]}.upload", "on_complete")
    return marking


@pytest.fixture
def mark(kind):
    return KINDS[kind][1]


@pytest.mark.parametrize("end", [{"status": "complete"}, {"percent": 0.99}, {"percent": 1, "status": "reading"}])
@pytest.mark.parametrize("is_told", [True, False], ids=["list told", "list unchanged"])
def test_nothing_follows_before_the_end_and_everything_then(marking, kind, mark, end, is_told):
    marking.close(mark(1), status="reading", percent=0.4)
    marking.close(mark(1), mark(2, text="two"), percent=0.989)
    assert (marking.held(kind), marking.core.pending()) == ({}, {})

    marking.close(mark(1), mark(2, text="two"), told=is_told, **end)

    assert sorted(body["datetime"] for body in marking.held(kind).values()) == [
        mark(1)["datetime"], mark(2)["datetime"]
    ]  # fmt: skip


def test_what_was_removed_before_the_end_never_was(marking, kind, mark):
    marking.close(mark(1), mark(2))
    marking.close(mark(2))

    marking.close(told=False, status="complete")

    assert [body["datetime"] for body in marking.all_of(kind).values()] == [mark(2)["datetime"]]


def test_what_is_marked_after_the_end_follows_while_the_book_is_complete(marking, kind, mark):
    marking.close(mark(1), status="complete")
    marking.close(mark(1), mark(2), status="complete", percent=0.3)
    assert len(marking.held(kind)) == 2

    marking.close(mark(1), mark(2), mark(3), status="reading", percent=0.1)

    assert len(marking.held(kind)) == 2


def test_who_changes_his_mind_gets_what_was_kept_at_the_next_closing(marking, kind, mark):
    marking.close(mark(1))

    marking.set(f"{KINDS[kind][0]}.upload", "on_session")
    marking.close(told=False)

    assert len(marking.held(kind)) == 1


def test_the_other_kind_has_a_setting_of_its_own(marking, kind):
    marking.close(highlight(1), bookmark(1))

    assert (len(marking.held("annotation")), len(marking.held("bookmark"))) == (
        (0, 1) if kind == "annotation" else (1, 0)
    )
