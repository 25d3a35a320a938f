"""What to Sync → Annotations and Bookmarks, in the words of the existing plugin's menu."""

from __future__ import annotations

from typing import Any

import pytest
from annotated_world import bookmark, many
from bridge_world import DUNE, EReader, entry, texts

from booklore_core.core import Core
from booklore_core.testing import FakeTarget

TRIGGERS = ["Upload on session end", "Upload on read complete"]


@pytest.fixture
def core(open_core: Any) -> Core:
    opened: Core = open_core(FakeTarget(kinds={"annotation", "bookmark"}), plugins=("annotations", "bookmarks"))
    return opened


def test_the_switches_and_choices_are_called_as_there(core: Core, ereader: EReader) -> None:
    menu = ereader.menu()

    annotations = entry(menu, "What to Sync", "Annotations")["items"]
    assert texts(annotations)[:3] == [
        "Sync highlights and notes",
        "Notes destination: In book",
        f"Sync Trigger: {TRIGGERS[0]}",
    ]
    assert texts(annotations[1]["items"]) == ["In book", "In BookLore", "Both"]
    assert texts(annotations[2]["items"]) == TRIGGERS
    bookmarks = entry(menu, "What to Sync", "Bookmarks")["items"]
    assert texts(bookmarks)[:2] == ["Sync bookmarks", f"Sync Trigger: {TRIGGERS[0]}"]


def test_a_choice_is_taken(core: Core, ereader: EReader) -> None:
    line = entry(ereader.menu(), "What to Sync", "Annotations", "Notes destination: In book", "Both")

    ereader.act(line["action"], **line["args"])

    assert core.settings["annotations.destination"] == "both"
    (chosen,) = [
        one for one in entry(ereader.menu(), "What to Sync", "Annotations")["items"][1]["items"] if one["checked"]
    ]
    assert chosen["text"] == "Both"


def test_questions_are_in_the_menu_while_there_are_any(core: Core, ereader: EReader) -> None:
    assert entry(ereader.menu(), "Sync & Cache", "Answer Questions...")["enabled"] is False
    for marks in ([*many(5), bookmark(1)], []):
        ereader.reader.open(DUNE)
        ereader.reader.wait(60)
        ereader.reader.close(annotations=marks)
    ereader.hand_off()

    line = entry(ereader.menu(), "Sync & Cache", "Answer Questions... (1)")

    assert line["enabled"] is True
    (question,) = ereader.act(line["action"])["effects"]
    answer = ereader.answer(question, 1)
    assert answer["effects"][0]["text"] == "6 changes dropped"
    assert entry(ereader.menu(), "Sync & Cache", "Answer Questions...")["enabled"] is False


def test_a_question_that_is_cancelled_waits_on(core: Core, ereader: EReader) -> None:
    for marks in (many(5), []):
        ereader.reader.open(DUNE)
        ereader.reader.wait(60)
        ereader.reader.close(annotations=marks)
    ereader.hand_off()

    (question,) = ereader.act("answer_questions")["effects"]
    answer = ereader.answer(question, None)

    assert answer["effects"][0]["text"] == "1 question still waits"
    (view,) = ereader.act("view_pending")["effects"]
    assert f"Asked: {question['text']}" in view["text"]
