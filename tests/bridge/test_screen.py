"""What the core says and asks, on the screen of the e-reader."""

from __future__ import annotations

from typing import Any

import pytest
from core_on_loopback import LoopbackCore
from ereader import EReader, from_lua, to_lua

MD5 = "e05f384d9923259355f79a6bf9125710"


def show(reader: EReader, core: LoopbackCore, *effects: dict[str, Any]) -> None:
    core.effects = list(effects)
    reader.send("NetworkConnected")
    reader.pass_time(4)  # a book that was opened just now comes first


def buttons(dialog: Any) -> list[Any]:
    return [button for row in dialog.buttons.values() for button in row.values()]


def press(dialog: Any, text: str) -> None:
    next(button for button in buttons(dialog) if button.text == to_lua(text)).callback()


def answers(core: LoopbackCore) -> list[Any]:
    return [body["answer"] for _, path, body, _ in core.requests if path == "/v1/answers/7"]


def ask(reader: EReader, core: LoopbackCore, kind: str, **fields: Any) -> Any:
    show(reader, core, {"type": "question", "id": "7", "kind": kind, "text": "Which?"} | fields)
    return reader.shown()[-1]


def test_what_nobody_asked_for_lets_a_tap_through_and_an_info_stays(paired: EReader, core: LoopbackCore) -> None:
    paired.open()
    show(paired, core, {"type": "toast", "text": "Synced 3 items ✓"})
    assert (paired.notices(), paired.toasts()) == (["Synced 3 items ✓"], [])
    assert paired.shown("notification")[0].timeout
    assert paired.ko.tap() and paired.notices() == []

    show(paired, core, {"type": "info", "title": "Pending", "text": "…"})
    assert paired.shown("textviewer")[0].title == "Pending"


def test_a_long_notice_has_a_line_for_each_thing(paired: EReader, core: LoopbackCore) -> None:
    show(paired, core, {"type": "toast", "text": "3S synced\n1S waiting\n\nbooklore: asleep"})

    assert paired.notices() == ["3S synced", "1S waiting", "booklore: asleep"]


def test_the_same_is_not_told_twice_in_a_row(paired: EReader, core: LoopbackCore) -> None:
    texts = ["booklore: asleep", "booklore: asleep", "3S synced", "booklore: asleep"]
    for text in texts:
        show(paired, core, {"type": "toast", "text": text})

    assert paired.notices() == ["booklore: asleep", "3S synced", "booklore: asleep"]


def test_messages_that_were_not_tapped_away_are_gone_when_the_device_sleeps(
    paired: EReader, core: LoopbackCore
) -> None:
    show(paired, core, {"type": "toast", "text": "Synced"})
    paired.ko.gesture("booklore_sync_pending")
    assert paired.notices() == ["Synced", "Asking the core…"]
    paired.fall_asleep()

    assert paired.shown() == []


def test_nothing_lies_over_the_sleep_screen(paired: EReader, core: LoopbackCore) -> None:
    paired.open()
    paired.fall_asleep()
    confirm = {"type": "confirm", "text": "Jump?", "on_ok": [], "on_cancel": []}
    question = {"type": "question", "id": "7", "kind": "choose", "text": "Which?", "options": ["a"]}
    show(paired, core, {"type": "toast", "text": "Synced"}, {"type": "info", "text": "…"}, confirm, question)
    assert paired.shown() == []

    paired.wake_up()
    assert [window.kind for window in paired.shown()] == ["textviewer", "buttondialog", "buttondialog"]


@pytest.mark.parametrize("screen_first", [True, False])
def test_a_sleep_screen_that_is_left_by_a_tap_is_not_covered_either(
    paired: EReader, core: LoopbackCore, screen_first: bool
) -> None:
    paired.fall_asleep()
    show(paired, core, {"type": "info", "text": "…"})
    for event in ("OutOfScreenSaver", "Resume") if screen_first else ("Resume", "OutOfScreenSaver"):
        paired.send(event)
        assert paired.shown() == []
        if event == "OutOfScreenSaver":
            paired.ko.device.screen_saver_mode = False
    paired.ko.tick()

    assert [window.kind for window in paired.shown()] == ["textviewer"]


def test_a_device_that_has_no_sleep_screen_is_not_disturbed_either(paired: EReader, core: LoopbackCore) -> None:
    paired.send("Suspend")
    show(paired, core, {"type": "toast", "text": "Synced"})
    assert paired.notices() == []
    paired.send("Resume")
    show(paired, core, {"type": "toast", "text": "Synced"})
    assert paired.notices() == ["Synced"]


def test_a_tap_is_answered_at_once_and_then_with_what_came_of_it(paired: EReader, core: LoopbackCore) -> None:
    core.effects = [{"type": "toast", "text": "Nothing to sync"}]
    paired.ko.gesture("booklore_sync_pending")
    assert (paired.notices(), paired.toasts()) == (["Asking the core…"], [])

    paired.pass_time(60)
    assert (paired.notices(), paired.toasts()) == ([], ["Nothing to sync"])


def test_a_second_tap_does_not_stack_but_one_for_another_thing_does(paired: EReader, core: LoopbackCore) -> None:
    for gesture in ("sync_pending", "sync_pending", "test_connection", "sync_pending"):
        paired.ko.gesture(f"booklore_{gesture}")
    assert len(paired.notices()) == 2
    paired.pass_time(10)
    assert core.paths() == ["/v1/actions/sync_pending", "/v1/actions/test_connection"]

    paired.ko.gesture("booklore_sync_pending")
    paired.pass_time(10)
    assert core.paths()[2:] == ["/v1/actions/sync_pending"]


@pytest.mark.parametrize("broken", ["child_hangs", "fork_fails"])
def test_a_tap_that_came_to_nothing_can_be_repeated(paired: EReader, core: LoopbackCore, broken: str) -> None:
    setattr(paired, broken, True)
    paired.ko.gesture("booklore_test_connection")
    paired.pass_time(100)
    setattr(paired, broken, False)
    asked = len(core.paths())
    paired.ko.gesture("booklore_test_connection")
    paired.pass_time(10)

    assert len(core.paths()) == asked + 1
    assert paired.notices() == []


@pytest.mark.parametrize("nonsense", [{"state": "fine"}, {"state": {"menu": "2"}}, {"effects": "none"}])
def test_a_tap_whose_answer_makes_no_sense_can_be_repeated(
    paired: EReader, core: LoopbackCore, nonsense: dict[str, object]
) -> None:
    core.menu = {"version": "2", "items": 5}
    answer = core.answer
    core.answer = lambda *request: answer(*request) | nonsense  # type: ignore[method-assign]
    for _ in range(2):
        paired.ko.gesture("booklore_test_connection")
        paired.pass_time(10)

    assert core.paths().count("/v1/actions/test_connection") == 2
    assert paired.notices() == []


def test_silent_mode_says_nothing_of_asking_either(paired: EReader, core: LoopbackCore) -> None:
    core.state = {"silent": True}
    show(paired, core)
    paired.ko.gesture("booklore_sync_pending")

    assert paired.shown() == []


def test_no_path_of_lua_reaches_the_screen(paired: EReader) -> None:
    paired.lua.execute("""package.loaded["socket.http"] = { request = function()
        error("common/socket/http.lua:160: invalid host") end }""")
    paired.ko.gesture("booklore_sync_pending")
    paired.pass_time(10)

    (text,) = paired.toasts()
    assert ".lua" not in text
    assert any("http.lua:160" in line for line in paired.log())


CANDIDATES = ["97 % Dune\nFrank Herbert", "61 % כוכב\nעמוס אילן", "Skip this book", "Cancel matching"]


def test_options_of_several_lines_are_a_list_with_each_line_in_its_own_direction(
    paired: EReader, core: LoopbackCore
) -> None:
    menu = ask(paired, core, "choose", options=CANDIDATES, default=2)

    texts = [from_lua(item.text) for item in menu.item_table.values()]
    assert (menu.kind, menu.title) == ("menu", "Which?")
    assert texts[0] == "97 % Dune\nFrank Herbert"
    assert texts[1] == "\u206861 % כוכב\u2069\n\u2068עמוס אילן\u2069"
    assert [bool(item.bold) for item in menu.item_table.values()] == [False, False, True, False]


def test_in_an_interface_from_right_to_left_every_line_keeps_its_own_direction(
    paired: EReader, core: LoopbackCore
) -> None:
    paired.ko.right_to_left = True
    dialog = ask(paired, core, "pick", options=["97 % · Dune – Frank Herbert"])

    assert from_lua(buttons(dialog)[0].text) == "\u206897 % · Dune – Frank Herbert\u2069"


def test_a_tap_in_a_list_answers_once_and_closes_it(paired: EReader, core: LoopbackCore) -> None:
    menu = ask(paired, core, "choose", options=CANDIDATES)
    menu.onMenuSelect(menu, menu.item_table[2])
    paired.pass_time(2)

    assert answers(core) == [1] and paired.shown("menu") == []


def test_closing_a_list_cancels_it(paired: EReader, core: LoopbackCore) -> None:
    menu = ask(paired, core, "choose", options=CANDIDATES)
    menu.onClose(menu)
    paired.pass_time(2)

    assert answers(core) == [None] and paired.shown("menu") == []


@pytest.mark.parametrize("options", [["x" * 60, "b"], [str(i) for i in range(9)]])
def test_long_options_and_many_are_a_list_too(paired: EReader, core: LoopbackCore, options: list[str]) -> None:
    assert ask(paired, core, "choose", options=options).kind == "menu"


def test_goto_moves_the_open_book_and_is_no_page_turn(paired: EReader, core: LoopbackCore) -> None:
    paired.open(xpointers={"/body/p[40].0": 40})
    show(paired, core, {"type": "goto", "book": MD5, "position": "/body/p[40].0", "percent": 0.4})
    paired.close()

    assert paired.ko.book.page == 40
    assert core.lines[-1]["event"] == "network_connected"
    assert paired.spool("book_close")[0]["reading"]["turns"] == 0


def test_goto_an_unknown_xpointer_goes_by_percent_instead_of_to_page_one(paired: EReader, core: LoopbackCore) -> None:
    paired.open(page=10)
    show(paired, core, {"type": "goto", "book": MD5, "position": "/body/p[999].0", "percent": 0.42})

    assert paired.ko.book.page == 42


def test_goto_a_page_of_a_pdf(paired: EReader, core: LoopbackCore) -> None:
    paired.open("dune.pdf", paged=True, progress=1)
    show(paired, core, {"type": "goto", "book": MD5, "position": "7", "percent": 0.4})

    assert paired.ko.book.page == 7


def test_goto_leaves_another_book_alone(paired: EReader, core: LoopbackCore) -> None:
    paired.open(page=10)
    show(paired, core, {"type": "goto", "book": "f" * 32, "percent": 0.42})

    assert paired.ko.book.page == 10


def test_a_confirmed_jump_happens_and_a_refused_one_does_not(paired: EReader, core: LoopbackCore) -> None:
    paired.open(page=10)
    jump = {"type": "goto", "book": MD5, "percent": 0.5}
    refused = {"type": "toast", "text": "Stayed."}
    confirm = {"type": "confirm", "text": "Jump?", "ok": "Jump", "cancel": "Stay"}
    show(paired, core, confirm | {"on_ok": [jump], "on_cancel": [refused]})
    (dialog,) = paired.shown("buttondialog")
    assert dialog.title == "Jump?"
    press(dialog, "Stay")
    assert (paired.toasts(), paired.ko.book.page) == (["Stayed."], 10)

    show(paired, core, confirm | {"on_ok": [jump]})
    press(paired.shown("buttondialog")[0], "Jump")
    assert paired.ko.book.page == 50


def test_choose_answers_with_the_index_from_zero(paired: EReader, core: LoopbackCore) -> None:
    dialog = ask(paired, core, "choose", options=["Dune", "Dune Messiah"])
    press(dialog, "Dune Messiah")
    paired.pass_time(2)

    assert answers(core) == [1]
    assert paired.shown("buttondialog") == []


def test_pick_starts_with_the_default_and_answers_with_indexes(paired: EReader, core: LoopbackCore) -> None:
    dialog = ask(paired, core, "pick", options=["Sessions", "Ratings", "Bookmarks"], default=[0, 1])
    assert [bool(b.checked_func()) for b in buttons(dialog) if b.checked_func] == [True, True, False]

    press(dialog, "Sessions")
    press(dialog, "Bookmarks")
    press(dialog, "OK")
    paired.pass_time(2)
    assert answers(core) == [[1, 2]]


def test_picking_nothing_is_an_empty_list(paired: EReader, core: LoopbackCore) -> None:
    press(ask(paired, core, "pick", options=["Sessions"], default=[]), "OK")
    paired.pass_time(2)

    assert answers(core) == [[]]


@pytest.mark.parametrize(("default", "typed"), [(30, "45"), ("KOReader", "Café")])
def test_ask_answers_with_what_was_typed(paired: EReader, core: LoopbackCore, default: object, typed: str) -> None:
    dialog = ask(paired, core, "ask", default=default)
    dialog.typed = to_lua(typed)
    press(dialog, "OK")
    paired.pass_time(2)

    assert answers(core) == [typed]
    assert dialog.input_type == ("number" if default == 30 else None)


@pytest.mark.parametrize("yes", [True, False])
def test_confirm_answers_with_yes_or_no(paired: EReader, core: LoopbackCore, yes: bool) -> None:
    press(ask(paired, core, "confirm", ok="Clear", cancel="Keep"), "Clear" if yes else "Keep")
    paired.pass_time(2)

    assert answers(core) == [yes]


@pytest.mark.parametrize("kind", ["choose", "pick", "ask"])
def test_a_cancelled_question_is_answered_with_null_once(paired: EReader, core: LoopbackCore, kind: str) -> None:
    dialog = ask(paired, core, kind, options=["a", "b"])
    press(dialog, "Cancel")
    press(dialog, "Cancel")
    paired.pass_time(2)

    assert answers(core) == [None]


def test_options_that_say_how_to_stop_have_no_second_way(paired: EReader, core: LoopbackCore) -> None:
    dialog = ask(paired, core, "choose", options=["Dune", "Skip this book", "Cancel matching"], cancel="")

    assert [button.text for button in buttons(dialog)] == ["Dune", "Skip this book", "Cancel matching"]


def test_tapping_beside_a_question_cancels_it(paired: EReader, core: LoopbackCore) -> None:
    ask(paired, core, "choose", options=["a"]).tap_close_callback()
    paired.pass_time(2)

    assert answers(core) == [None]


def test_the_answer_to_an_answer_is_shown(paired: EReader, core: LoopbackCore) -> None:
    dialog = ask(paired, core, "choose", options=["a"])
    core.effects = [{"type": "toast", "text": "Matched."}]
    press(dialog, "a")
    paired.pass_time(2)

    assert paired.toasts() == ["Matched."]


def test_what_is_scheduled_runs_once_in_whatever_instance_lives_then(paired: EReader, core: LoopbackCore) -> None:
    wake = {"type": "schedule", "in": 15, "action": "wake_sync"}
    show(paired, core, wake, wake)
    paired.open()
    paired.close()
    paired.pass_time(20)

    assert core.paths().count("/v1/actions/wake_sync") == 1


def test_a_scheduled_action_is_asked_about_the_book_that_the_core_named(paired: EReader, core: LoopbackCore) -> None:
    about = {"book": MD5, "args": {"quick": True}}
    show(paired, core, {"type": "schedule", "in": 15, "action": "sync_book", **about})
    paired.pass_time(20)

    (body,) = [body for _, path, body, _ in core.requests if path == "/v1/actions/sync_book"]
    assert {name: body[name] for name in about} == about


def test_scheduled_work_without_network_is_silent(paired: EReader, core: LoopbackCore) -> None:
    show(paired, core, {"type": "schedule", "in": 15, "action": "wake_sync"})
    core.status = 503
    paired.pass_time(20)

    assert paired.toasts() == []


def test_what_is_no_text_is_shown_as_one_because_painting_it_would_end_koreader(
    paired: EReader, core: LoopbackCore
) -> None:
    show(paired, core, {"type": "toast", "text": {"a": 1}}, {"type": "info", "text": 7})

    assert all(isinstance(widget.text, str) and isinstance(widget.title, str) for widget in paired.shown())


def test_a_password_is_not_shown_while_it_is_typed(paired: EReader, core: LoopbackCore) -> None:
    dialog = ask(paired, core, "ask", secret=True, low=None)
    assert (dialog.text_type, dialog.input) == ("password", "")


def test_picking_is_confirmed_with_the_cores_word(paired: EReader, core: LoopbackCore) -> None:
    press(ask(paired, core, "pick", options=["Sessions"], default=[0], ok="Clear Selected"), "Clear Selected")
    paired.pass_time(2)

    assert answers(core) == [[0]]


def test_a_position_that_is_null_is_gone_to_by_percent(paired: EReader, core: LoopbackCore) -> None:
    paired.open(page=10)
    show(paired, core, {"type": "goto", "book": MD5, "position": None, "percent": 0.42})

    assert paired.ko.book.page == 42
