"""What KOReader's list says at each step of a book that was marked for real, and in whatever order lines arrive."""

import json
from contextlib import closing
from datetime import UTC, datetime, timedelta
from importlib.metadata import entry_points
from itertools import pairwise
from pathlib import Path

import pytest
from annotated_world import DUNE, Marking, bookmark, highlight
from databases import environ_of, put_empty_database
from hypothesis import given
from hypothesis import settings as how
from hypothesis import strategies as st

from booklore_core import BookRef, Facts
from booklore_core.core import Core
from booklore_core.storage.places import Places
from booklore_core.testing import SampleReader

STEPS = json.loads((Path(__file__).parents[1] / "captures" / "snapshots" / "d01-plain.json").read_text("utf-8"))
NEWS = {
    "02-add": (9, 0),
    "06-edit_note_text": (1, 0),
    "07-recolor_restyle": (1, 0),
    "08-delete_highlight_and_bookmark": (0, 2),
    "09-readd_same_highlight": (1, 0),
    "10-two_in_same_second": (2, 0),
    "11-overlapping": (2, 0),
    "12-same_range_twice": (2, 0),
    "13-delete_note_keep_highlight": (1, 0),
    "14-extend_highlight": (1, 0),
    "15-move_highlight_end": (1, 0),
    "16-edit_highlighted_text": (1, 0),
    "19-note_on_bookmark": (1, 0),
}
"""Step → how many highlights and bookmarks are new or differ, and how many are gone. After any other step: none."""


@pytest.fixture
def marking(open_core):
    return Marking(open_core)


def take(marking, step):
    """The book is closed as it was when that was recorded."""
    marking.readers["kobo"].now = datetime.fromtimestamp(step["closed"], UTC) - timedelta(minutes=1)
    line = marking.line()
    marking.core.take([line | {"annotations": step["live_annotations"]}], "test")


def listed(step):
    return list(step["live_annotations"] or ())


def test_each_recorded_step_tells_exactly_what_was_done_in_it(marking):
    told = {}
    for step in STEPS[:-1]:
        take(marking, step)
        items = marking.sent()
        told[step["step"]] = (sum(not one.is_tombstone for one in items), sum(one.is_tombstone for one in items))

    assert {step: count for step, count in told.items() if any(count)} == NEWS
    before = listed(STEPS[-2])
    held = [*marking.held().values(), *marking.held("bookmark").values()]
    assert sorted(map(origin, held), key=str) == sorted(map(origin, before), key=str)


def origin(one):
    return one["datetime"], one.get("pos0"), one.get("pos1"), one["page"], one["text"], one.get("note")


def test_the_step_that_removes_everything_is_asked_about(marking):
    for step in STEPS:
        take(marking, step)

    assert len(marking.held()) + len(marking.held("bookmark")) == 14
    assert len(marking.questions()) == 1


def test_every_step_of_a_recording_is_reached_from_any_earlier_one(marking):
    """A feature that was off meanwhile is told the lists in between; a device that was offline tells the last one."""
    for before, after in pairwise(STEPS[1:-1:4]):
        take(marking, before)
        take(marking, after)

    held = [*marking.held().values(), *marking.held("bookmark").values()]
    assert sorted(map(origin, held), key=str) == sorted(map(origin, listed(STEPS[-4])), key=str)


MARKS = st.lists(
    st.builds(
        lambda number, second, note, end, is_bookmark: bookmark(number, note=note)
        if is_bookmark
        else highlight(number, datetime=f"2026-11-20 09:00:0{second}", note=note, pos1=f"/p[{number}]/text().{end}"),
        st.integers(1, 3), st.integers(1, 2), st.sampled_from([None, "a", "b"]), st.integers(1, 2), st.booleans(),
    ),
    max_size=4,
)  # fmt: skip
LISTS = st.lists(st.one_of(st.none(), MARKS), min_size=1, max_size=6)


def lines_of(lists):
    reader, lines = SampleReader(), []
    for number, marks in enumerate(lists):
        reader.now += timedelta(minutes=number + 1)
        reader.open(DUNE)
        lines.append(reader.close(annotations=marks))
    return lines


def facts_after(core, lines, splits):
    """The live facts of both kinds, without their keys, after the lines came in so many hand-overs."""
    for start, end in pairwise([0, *splits, len(lines)]):
        core.take(lines[start:end], "test")
    facts = Facts(core.database, core.clock())
    bodies = [one.body for kind in ("annotation", "bookmark") for one in facts.of(kind, BookRef(DUNE["partial_md5"]))]
    assert core.derive.failing() == {}
    return sorted(json.dumps(body, sort_keys=True) for body in bodies if not body.get("removed"))


@how(max_examples=40)
@given(data=st.data(), lists=LISTS)
def test_the_same_lines_in_any_order_and_repeated_end_in_the_same_facts(tmp_path_factory, data, lists):
    lines = lines_of(lists)
    mixed = data.draw(st.permutations([*lines, *data.draw(st.lists(st.sampled_from(lines), max_size=3))]))
    splits = sorted(data.draw(st.lists(st.integers(0, len(mixed)), max_size=4)))

    with opened(tmp_path_factory) as in_order, opened(tmp_path_factory) as in_any:
        assert facts_after(in_any, mixed, splits) == facts_after(in_order, lines, ())


def opened(tmp_path_factory):
    """A core with both features and nobody who takes anything, closed at the end."""
    home, now = tmp_path_factory.mktemp("home"), datetime(2026, 11, 20, 20, tzinfo=UTC)
    put_empty_database(home)
    entries = [one for one in entry_points(group="booklore") if one.name in ("annotations", "bookmarks")]
    return closing(Core(Places.from_environment(environ_of(home)), lambda: now, {}, entries))
