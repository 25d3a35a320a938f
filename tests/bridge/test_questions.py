"""Questions with more than one way on."""

from __future__ import annotations

from core_on_loopback import LoopbackCore
from ereader import EReader


def test_a_question_may_be_skipped(paired: EReader, core: LoopbackCore) -> None:
    question = {"type": "question", "id": "7", "kind": "ask", "text": "1 of 2", "default": "Dune"}
    core.effects = [question | {"skip": "Skip this book"}]
    paired.ko.gesture("booklore_test_connection")
    paired.pass_time(2)

    (dialog,) = paired.shown("inputdialog")
    cancel, skip, ok = dialog.buttons[1].values()
    assert [cancel.text, skip.text, ok.text] == ["Cancel", "Skip this book", "OK"]
    skip.callback()
    paired.pass_time(2)

    assert core.bodies("/v1/answers/7") == [{"answer": ""}]
    assert paired.shown("inputdialog") == []
