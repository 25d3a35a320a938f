"""Places in a book that the core sends: where they fit, and only while they do."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from core_on_loopback import LoopbackCore
from ereader import EReader
from test_screen import MD5, press, show

STAY = {"type": "schedule", "in": 0, "action": "stay_here", "book": MD5, "args": {"percent": 0.64}}
JUMP = {"type": "goto", "book": MD5, "position": "/body/p[64].0", "percent": 0.64}
PROMPT = {"type": "confirm", "text": "Jump?", "ok": "Jump", "cancel": "Stay", "book": MD5}
PROMPT |= {"on_ok": [JUMP], "on_cancel": [STAY]}
KNOWN = {"/body/p[64].0": 64}
ELSEWHERE = "That place does not exist in this copy of the book: went to 64 %."


def prompts(reader: EReader) -> list[str]:
    return [window.title for window in reader.shown("buttondialog")]


def tap(reader: EReader, text: str) -> None:
    """On the dialog that lies on top."""
    press(reader.shown("buttondialog")[-1], text)


def seconds_to(reader: EReader, is_there: Any) -> float:
    """How long it takes until something is there, to a tenth of a second."""
    began = reader.mono
    while not is_there() and reader.mono - began < 60:
        reader.pass_time(0.1)
    return float(reader.mono - began)


# Where they fit


@pytest.mark.parametrize("effect", [JUMP, PROMPT])
@pytest.mark.parametrize(("page", "fits"), [(10, True), (9, False), (None, True)])
def test_a_place_for_a_page_is_for_a_reader_who_is_still_there(
    paired: EReader, core: LoopbackCore, effect: dict[str, Any], page: int | None, fits: bool
) -> None:
    paired.open(page=10, xpointers=KNOWN)
    show(paired, core, effect | {"page": page})

    assert (prompts(paired) == ["Jump?"] or paired.ko.book.page == 64) == fits


@pytest.mark.parametrize("effect", [JUMP, PROMPT])
def test_what_comes_when_the_book_is_closed_is_dropped(
    paired: EReader, core: LoopbackCore, effect: dict[str, Any]
) -> None:
    paired.open(xpointers=KNOWN)
    paired.close()
    show(paired, core, effect)
    assert paired.shown() == []

    paired.put_file("emma.epub", b"another book")
    paired.open("emma.epub", page=10, xpointers=KNOWN)
    show(paired, core, effect)
    assert paired.shown() == [] and paired.ko.book.page == 10


def test_a_question_that_is_about_no_book_is_asked_anywhere(paired: EReader, core: LoopbackCore) -> None:
    show(paired, core, PROMPT | {"book": None, "page": None})

    assert prompts(paired) == ["Jump?"]


@pytest.mark.parametrize(("page", "shown"), [(10, ["Jump?"]), (9, [])])
def test_what_was_kept_for_waking_has_to_fit_then(
    paired: EReader, core: LoopbackCore, page: int, shown: list[str]
) -> None:
    paired.open(page=10)
    paired.fall_asleep()
    show(paired, core, PROMPT | {"page": page})
    assert prompts(paired) == []

    paired.wake_up()
    assert prompts(paired) == shown


def test_what_was_kept_for_waking_is_not_asked_in_another_book(paired: EReader, core: LoopbackCore) -> None:
    paired.open()
    paired.fall_asleep()
    show(paired, core, PROMPT)
    paired.close()
    paired.put_file("emma.epub", b"another book")
    paired.open("emma.epub")
    paired.wake_up()

    assert prompts(paired) == []


def test_an_answer_that_comes_too_late_changes_nothing_and_says_so(paired: EReader, core: LoopbackCore) -> None:
    paired.open(page=10, xpointers=KNOWN)
    show(paired, core, PROMPT | {"page": 10})
    paired.read(pages=1)
    tap(paired, "Jump")

    assert paired.ko.book.page == 11
    assert paired.toasts() == ["The book is not open at that page any more: nothing was changed."]


def test_a_newer_question_about_the_book_takes_the_place_of_the_older_one(paired: EReader, core: LoopbackCore) -> None:
    paired.open()
    show(paired, core, PROMPT)
    paired.fall_asleep()
    paired.wake_up()
    show(paired, core, PROMPT | {"text": "Jump now?"})

    assert prompts(paired) == ["Jump now?"]


def test_a_question_of_another_kind_stays(paired: EReader, core: LoopbackCore) -> None:
    paired.open()
    which = {"type": "question", "id": "7", "kind": "choose", "text": "Which?", "options": ["Dune"]}
    show(paired, core, which, PROMPT)

    assert prompts(paired) == ["Which?", "Jump?"]


# Where they lead


def test_a_place_that_exists_is_gone_to_and_becomes_the_position(paired: EReader, core: LoopbackCore) -> None:
    paired.open(xpointers=KNOWN)
    show(paired, core, JUMP)
    paired.close()

    assert paired.spool("book_close")[0]["reading"]["position"] == "/body/p[64].0"
    assert paired.notices() == []


@pytest.mark.parametrize(
    ("book", "position"),
    [("dune.epub", "/body/p[999].0"), ("dune.epub", "64"), ("dune.pdf", "101"), ("dune.pdf", "0"), ("dune.pdf", "/p")],
)
def test_instead_of_a_place_that_does_not_exist_the_percent_counts_and_that_is_told(
    paired: EReader, core: LoopbackCore, book: str, position: str
) -> None:
    paired.open(book, page=10, paged=book.endswith("pdf"))
    show(paired, core, JUMP | {"position": position})

    assert paired.ko.book.page == 64
    assert paired.notices() == [ELSEWHERE]


def test_a_place_that_does_not_exist_does_not_become_the_position(paired: EReader, core: LoopbackCore) -> None:
    paired.open(page=10)
    show(paired, core, JUMP | {"position": "/body/p[999].0"})
    paired.close()

    assert paired.spool("book_close")[0]["reading"]["position"] == "/body/p[64].0"


def test_where_no_place_was_told_none_is_missed(paired: EReader, core: LoopbackCore) -> None:
    paired.open(page=10)
    show(paired, core, JUMP | {"position": None})

    assert (paired.ko.book.page, paired.notices()) == (64, [])


def test_silent_mode_goes_there_without_a_word(paired: EReader, core: LoopbackCore) -> None:
    core.state = {"silent": True}
    paired.open(page=10)
    show(paired, core)
    show(paired, core, JUMP)

    assert (paired.ko.book.page, paired.notices()) == (64, [])


@pytest.mark.parametrize("paged", [False, True])
@pytest.mark.parametrize("percent", [0, 0.0, None, -1, "much"])
def test_no_percent_is_no_place(paired: EReader, core: LoopbackCore, percent: object, paged: bool) -> None:
    paired.open("dune.pdf" if paged else "dune.epub", page=10, paged=paged)
    show(paired, core, JUMP | {"position": "/body/p[999].0", "percent": percent})

    assert (paired.ko.book.page, paired.notices(), paired.log()) == (10, [], [])


@pytest.mark.parametrize("page", [1, 2, 57, 257, 611, 612])
def test_a_percent_is_that_of_the_page_that_it_was_told_at(paired: EReader, core: LoopbackCore, page: int) -> None:
    paired.open(page=300, pages=612)
    show(paired, core, JUMP | {"position": None, "percent": math.floor(page / 612 * 1e4) / 1e4})

    assert paired.ko.book.page == page


def test_a_little_of_a_short_book_is_its_first_page(paired: EReader, core: LoopbackCore) -> None:
    paired.open(page=10)
    show(paired, core, JUMP | {"percent": 0.003})

    assert paired.ko.book.page == 1


@pytest.mark.parametrize(
    ("shape", "position", "percent"),
    [
        ({"xpointers": {"/next": 11}}, "/next", 0.11),
        ({}, "/gone", 0.11),
        ({"paged": True}, "11", 0.11),
        ({"paged": True, "scroll": True}, "400", 0.11),
    ],
)
def test_a_jump_is_no_page_turn_not_even_to_the_next_page(
    paired: EReader, core: LoopbackCore, shape: dict[str, Any], position: str, percent: float
) -> None:
    paired.open("dune.pdf" if "paged" in shape else "dune.epub", page=10, **shape)
    show(paired, core, JUMP | {"position": position, "percent": percent})
    assert paired.ko.book.page == 11
    paired.read(pages=1, seconds=20)
    paired.close()

    reading = paired.spool("book_close")[0]["reading"]
    assert reading["turns"] == 1 and len(reading["dwell"]) == 2


# The core is gone


def test_a_jump_needs_no_core(paired: EReader, core: LoopbackCore) -> None:
    paired.open(xpointers=KNOWN)
    show(paired, core, PROMPT)
    core.status = 503
    tap(paired, "Jump")

    assert paired.ko.book.page == 64


@pytest.fixture
def elsewhere(tmp_path: Path, core: LoopbackCore) -> EReader:
    """An e-reader with Wi-Fi, whose core is on another machine."""
    reader = EReader(tmp_path, config={"url": core.url.replace("127.0.0.1", "0.0.0.0"), "token": "secret"})
    reader.connected = True
    return reader


@pytest.mark.parametrize("gone", ["the network", "the core"])
def test_who_stays_is_told_to_a_core_that_was_gone_before_it_asks_again(
    elsewhere: EReader, core: LoopbackCore, gone: str
) -> None:
    elsewhere.open()
    show(elsewhere, core, PROMPT)
    elsewhere.connected, core.loses_answers = gone != "the network", gone == "the core"
    tap(elsewhere, "Stay")
    elsewhere.pass_time(30)
    assert elsewhere.shown() == []

    before, elsewhere.connected, core.loses_answers = len(core.requests), True, False
    for _ in range(2):
        elsewhere.send("NetworkConnected")
        elsewhere.pass_time(3)
    assert core.paths()[before:] == ["/v1/actions/stay_here", "/v1/events", "/v1/events"]
    assert core.bodies("/v1/actions/stay_here")[-1]["args"] == {"percent": 0.64}


def test_what_the_core_refused_is_not_told_again(paired: EReader, core: LoopbackCore) -> None:
    paired.open()
    show(paired, core, PROMPT)
    core.status = 404
    tap(paired, "Stay")
    paired.pass_time(3)
    core.status, before = 200, len(core.requests)
    paired.send("NetworkConnected")
    paired.pass_time(3)

    assert core.paths()[before:] == ["/v1/events"]
    assert paired.shown() == []


# When they come


def test_a_question_is_asked_soon_after_the_book_is_there(paired: EReader, core: LoopbackCore) -> None:
    core.effects = [PROMPT]
    paired.open()

    assert 1 <= seconds_to(paired, lambda: prompts(paired)) <= 1.5


def test_without_a_network_nobody_is_asked_and_the_network_is_an_occasion(
    elsewhere: EReader, core: LoopbackCore
) -> None:
    elsewhere.connected, core.effects = False, [PROMPT]
    elsewhere.open()
    elsewhere.pass_time(60)
    assert core.requests == []

    elsewhere.fall_asleep()
    elsewhere.wake_up()
    elsewhere.connected = True
    elsewhere.send("NetworkConnected")
    assert seconds_to(elsewhere, lambda: prompts(elsewhere)) <= 0.5
    assert core.events() == ["book_open", "book_close", "resume", "network_connected"]


class SlowCore(LoopbackCore):
    """Knows nothing yet when a book is opened, and asks to be asked again."""

    def answer(self, method: str, path: str, body: Any) -> dict[str, Any]:
        if path == "/v1/events" and any(line["event"] == "book_open" for line in body["lines"]):
            self.effects = [{"type": "schedule", "in": 5, "action": "late_replies", "book": MD5, "args": {"n": 1}}]
        if path == "/v1/actions/late_replies":
            self.effects = [PROMPT | {"page": 10}]
        return super().answer(method, path, body)


@pytest.mark.parametrize("core", [SlowCore], indirect=True)
@pytest.mark.parametrize(("turned", "shown"), [(0, ["Jump?"]), (1, [])])
def test_a_late_answer_is_fetched_without_a_word_and_has_to_fit(
    paired: EReader, core: LoopbackCore, turned: int, shown: list[str]
) -> None:
    paired.open(page=10, xpointers=KNOWN)
    paired.pass_time(4)
    paired.read(pages=turned)
    seen: list[Any] = []
    for _ in range(40):
        paired.pass_time(0.1)
        seen += [window.kind for window in paired.shown()]

    assert core.paths() == ["/v1/events", "/v1/actions/late_replies"]
    assert prompts(paired) == shown
    assert set(seen) <= {"buttondialog"}


# What would get in the way


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"auto_sync": True}, "https://sync.koreader.rocks:443/"),
        ({"auto_sync": True, "custom_server": "http://nas:8080/sync"}, "http://nas:8080/sync"),
        ({"auto_sync": True, "custom_server": "https://me:secret@nas/sync"}, "https://nas/sync"),
        ({"auto_sync": False, "custom_server": "http://nas:8080"}, None),
        ({"auto_sync": True, "custom_server": 7}, None),
        ({}, None),
    ],
)
def test_koreaders_own_progress_sync_is_told_when_a_book_opens_or_the_device_wakes(
    reader: EReader, settings: dict[str, Any], told: str | None
) -> None:
    reader.open(kosync={"settings": settings})
    reader.read(pages=6)
    reader.fall_asleep()
    reader.wake_up()

    assert [line.get("kosync") for line in reader.spool("book_open", "resume")] == [told, told]
    assert not any("kosync" in line for line in reader.spool("page_turns", "book_close"))


def test_koreader_without_that_plugin_has_none(reader: EReader) -> None:
    reader.open()

    assert "kosync" not in reader.spool("book_open")[0] and reader.log() == []
