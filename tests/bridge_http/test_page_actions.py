"""What the page does it has actions do: their questions are forms, their outcomes the next view."""

from __future__ import annotations

import re
import threading
from typing import Any

import pytest
from bridge_world import DUNE, wait_for_workers
from page_world import Browser, Forms

from booklore_core.core import Core
from booklore_core.flows import Action, Ask, Choose, Confirm, Pick, Result
from booklore_core.settings import Setting
from booklore_core.targets import TargetUnavailable
from booklore_core.testing import FakeLibrary, FakePlugin, FakeTarget, SampleReader, sample_book


@pytest.fixture
def browser(url: str) -> Browser:
    return Browser(url)


def read(core: Core, *titles: str) -> None:
    reader = SampleReader()
    for title in titles:
        reader.read(sample_book(title))
    core.take(reader.lines, "test")


def test_the_first_view_says_what_to_do_where_nothing_is_set_up(open_core: Any, serve: Any) -> None:
    browser = Browser(serve(open_core()))
    browser.get()

    assert "No target is enabled" in browser.text and "Set up your server" in browser.text
    assert "No e-reader is paired yet." in browser.text and "Add a device" in browser.text
    assert "Open one on a paired e-reader" in browser.text


def test_a_target_is_in_step_or_says_what_waits_and_why(core: Core, browser: Browser, bookworm: FakeTarget) -> None:
    browser.get()
    assert "In step" in browser.text

    bookworm.fails_with = TargetUnavailable("asleep")
    read(core, "Dune")
    core.sync()

    browser.get()
    assert "1 session waits" in browser.text
    assert "It ended early: asleep" in browser.text
    assert "Test Connection" in browser.buttons


def test_the_queue_is_retried_by_the_same_action_as_everywhere(
    core: Core, browser: Browser, bookworm: FakeTarget
) -> None:
    bookworm.fails_with = TargetUnavailable("asleep")
    read(core, "Dune")
    core.sync()
    browser.get("queue")
    assert "Dune" in browser.text and "asleep" in browser.text

    bookworm.wake_up()
    browser.press("Retry")

    assert "1 session synced" in browser.text
    assert "Nothing waits." in browser.text


def test_clearing_asks_the_same_question_as_everywhere(core: Core, browser: Browser) -> None:
    read(core, "Dune", "Emma")
    browser.get("queue")

    browser.press("Clear Pending… (2S)")
    assert "Clear pending items? There is no undo." in browser.text
    browser.post(browser.view, [*form(browser), ("answer", "0")])

    assert "2 sessions cleared" in browser.text
    assert not core.pending()


def form(browser: Browser, number: int = 0) -> list[tuple[str, str]]:
    from page_world import Forms

    return list(Forms(browser.seen.text).forms[number].fields)


def test_whoever_cancels_has_cleared_nothing(core: Core, browser: Browser) -> None:
    read(core, "Dune")
    browser.get("queue")
    browser.press("Clear Pending… (1S)")
    browser.press("Cancel")

    assert "Nothing was cleared" in browser.text
    assert core.pending()


ASKED: list[Any] = []


def every_question(core: Core, request: Any) -> Any:
    ASKED[:] = [dict(request.args)]
    ASKED.append((yield Choose("Which one?\nBoth are good.", ["Tea", "Coffee\nblack"])))
    ASKED.append((yield Pick("Which of them?", ["Milk", "Sugar"], chosen=(1,))))
    ASKED.append((yield Ask("How many?", 2, low=1, high=9)))
    ASKED.append((yield Ask("For whom?", "me", skip="Nobody")))
    ASKED.append((yield Confirm("Really <now>?", ok="Brew", cancel="Wait")))
    return Result("It is brewed", title="Tea & coffee")


@pytest.fixture
def brewer(core: Core) -> str:
    action = Action("brew", "Brew something...", every_question, "Makes a cup.", menu=("Kitchen",), params=("size",))
    core.plugins.register("brewer", FakePlugin(actions=[action]))
    core.refresh()
    return "brew"


def test_a_third_partys_action_asks_on_the_page_without_a_line_of_html(browser: Browser, brewer: str) -> None:
    browser.get("actions")
    assert "Kitchen" in browser.text and "Makes a cup." in browser.text and "of brewer" in browser.text

    browser.press("Run", at="do/brew", arg_size="large")
    assert "Which one?" in browser.text and "Both are good." in browser.text
    browser.press("Coffee black")
    browser.press("OK")
    browser.press("OK", answer="3")
    browser.press("Nobody")
    assert "Really <now>?" in browser.text
    browser.press("Brew")

    assert ASKED == [{"size": "large"}, 1, [1], 3, "", True]
    assert "Tea & coffee" in browser.text and "It is brewed" in browser.text
    assert browser.view.endswith("/actions")


def test_an_answer_that_does_not_fit_is_told_and_asked_for_again(browser: Browser, brewer: str) -> None:
    browser.get("actions")
    browser.press("Run", at="do/brew", arg_size="small")
    browser.press("Tea")
    browser.press("OK")
    browser.press("OK", answer="99")

    assert "expected a whole number from 1 to 9" in browser.text
    assert "How many?" in browser.text


def test_another_browser_cannot_answer(browser: Browser, brewer: str, url: str) -> None:
    browser.get("actions")
    browser.press("Run", at="do/brew", arg_size="small")
    other = Browser(url)

    assert other.get(browser.view.removeprefix(f"{url}/")).status_code == 404


def test_an_action_that_there_is_not_is_told_in_words(browser: Browser) -> None:
    browser.get("actions")
    answer = browser.post("do/launch", form(browser))

    assert answer.status_code == 404 and "There is no action 'launch'." in browser.text


def test_where_a_form_leads_back_is_a_view_of_the_page_only(browser: Browser) -> None:
    browser.get("actions")
    kept = [one for one in form(browser) if one[0] == "csrf"]

    for back in ("//evil.example", "https://evil.example", "../v1/menu", "\\evil"):
        answer = browser.post("do/about", [*kept, ("args", "{}"), ("back", back)], follow=False)
        assert answer.headers["Location"] == "../"


def test_a_setting_is_changed_and_what_does_not_fit_is_told(core: Core, browser: Browser) -> None:
    browser.get("settings")
    fields = [("csrf", dict(form(browser))["csrf"]), ("back", "settings"), ("args", '{"name": "sessions.min_pages"}')]

    browser.post("do/set_setting", [*fields, ("arg.value", "7")])
    assert core.settings["sessions.min_pages"] == 7
    browser.post("do/set_setting", [*fields, ("arg.value", "none")])
    assert "sessions.min_pages: expected a whole number" in browser.text
    assert core.settings["sessions.min_pages"] == 7


class Vault(FakePlugin):
    """A plugin with a secret that goes where its address says."""

    def __init__(self) -> None:
        super().__init__([FakeTarget("vault")])


@pytest.fixture
def vault(core: Core) -> str:
    core.settings.declare(
        "vault",
        [
            Setting("url", str, "", "Where it goes", label="Address", forgets=("key",)),
            Setting("key", str, "", "What opens it", label="Key", secret=True),
            Setting("folder", str, "", "Where it lies", label="Folder", local=True),
        ],
    )
    core.settings.set("vault.url", "https://good.example")
    core.settings.set("vault.key", "swordfish")
    return "vault"


def test_a_secret_is_written_and_never_shown(core: Core, browser: Browser, vault: str) -> None:
    browser.get("settings")
    assert "swordfish" not in browser.seen.text and "stored, never shown" in browser.seen.text
    fields = [("csrf", dict(form(browser))["csrf"]), ("back", "settings"), ("args", '{"name": "vault.key"}')]

    browser.post("do/set_setting", [*fields, ("arg.value", "open sesame")])

    assert core.settings["vault.key"] == "open sesame"
    assert "open sesame" not in browser.seen.text


def test_whoever_moves_the_address_from_the_page_gives_the_secret_anew(
    core: Core, browser: Browser, vault: str
) -> None:
    browser.get("settings")
    fields = [("csrf", dict(form(browser))["csrf"]), ("back", "settings"), ("args", '{"name": "vault.url"}')]
    browser.post("do/set_setting", [*fields, ("arg.value", "https://evil.example")])

    assert core.settings["vault.key"] == ""
    assert "It was forgotten because “Address” was changed." in browser.text
    assert 'type="password"' in browser.seen.text


def test_what_is_of_this_computer_is_changed_at_it_only(core: Core, url: str, vault: str) -> None:
    from booklore_core.bridge.web.gate import Keys

    browser = Browser(url, {"X-Forwarded-For": "203.0.113.7"})
    browser.get(f"enter?key={Keys(core).new_link()}")
    browser.press("Let me in")
    browser.get("settings")
    assert "only at the computer: booklore config set vault.folder" in browser.text
    fields = [("csrf", dict(form(browser))["csrf"]), ("back", "settings"), ("args", '{"name": "vault.folder"}')]

    browser.post("do/set_setting", [*fields, ("arg.value", "/etc")])

    assert "Only at the computer can this be changed" in browser.text
    assert core.settings["vault.folder"] == ""


def test_a_plugin_is_switched_off_and_on_with_the_same_question(
    core: Core, browser: Browser, bookworm: FakeTarget
) -> None:
    read(core, "Dune")
    browser.get("settings")

    browser.press("Disable bookworm_plugin")
    assert "What becomes of what waits for bookworm_plugin: 1 session?" in browser.text
    browser.press("Keep it for when it is on again")
    assert "1 session kept for when it is on again" in browser.text
    assert "bookworm" not in core.targets
    browser.press("Enable bookworm_plugin")

    assert "bookworm" in core.targets


def test_test_connection_is_beside_the_settings(browser: Browser) -> None:
    browser.get("settings")
    browser.press("Test Connection")

    assert "✓ bookworm: enabled; it has no connection test" in browser.text


def test_a_book_is_matched_by_hand_through_the_question_of_the_action(open_core: Any, serve: Any) -> None:
    library = FakeLibrary({}, {"7": "Dune", "8": "Dune Messiah"})
    core = open_core(library)
    read(core, "Dune")
    core.sync()
    browser = Browser(serve(core))
    browser.get("queue")

    browser.press("Match")
    assert "86 % · Dune" in browser.text and "An Author" in browser.text
    browser.press("86 % · Dune An Author")

    assert core.books.matches("library") == {DUNE["partial_md5"]: "7"}
    assert "Nothing waits." in browser.text


class Slow:
    """An action that takes its time, then asks or ends."""

    def __init__(self, end: Any) -> None:
        self.go_on, self.end = threading.Event(), end

    def run(self, core: Core, request: Any) -> Any:
        assert self.go_on.wait(30)
        return (yield from self.end())


def slow(open_core: Any, serve: Any, end: Any) -> tuple[Slow, Browser]:
    action = Slow(end)
    core = open_core()
    core.plugins.register("slow_plugin", FakePlugin(actions=[Action("slowly", "Slowly", action.run, menu=("Tests",))]))
    core.refresh()
    browser = Browser(serve(core, action=0.05))
    browser.get("actions")
    browser.press("Run", at="slowly")
    return action, browser


@pytest.mark.parametrize("view", ["", "queue", "books", "reading", "devices", "actions", "settings", "checks"])
def test_the_outcome_of_what_took_long_is_told_on_the_next_view(open_core: Any, serve: Any, view: str) -> None:
    def end() -> Any:
        yield from ()
        return Result("All three were found")

    action, browser = slow(open_core, serve, end)
    assert "It goes on in the background" in browser.text and "contact" not in browser.text
    action.go_on.set()
    wait_for_workers()
    browser.get(view)

    assert "All three were found" in browser.text
    assert "All three" not in Browser(browser.url).get(view).text + browser.get(view).text


def test_a_question_of_what_took_long_is_a_way_to_its_answer(open_core: Any, serve: Any) -> None:
    def end() -> Any:
        return Result(f"Answered: {(yield Confirm('Send all of it?', ok='Send'))}")

    action, browser = slow(open_core, serve, end)
    action.go_on.set()
    wait_for_workers()
    browser.get("books")
    assert "Send all of it?" in browser.text
    [way] = re.findall(r'href="./(ask/[^"]+)"', browser.seen.text)
    browser.get(way)
    browser.press("Send")

    assert "Answered: True" in browser.text


@pytest.mark.parametrize("args", ["[", "[" * 5000, '{"a":' + "[" * 5000 + "]" * 5000 + "}", '{"a":' * 900, "1", "NaN"])
def test_arguments_that_are_none_are_refused(core: Core, browser: Browser, args: str) -> None:
    browser.get("actions")
    token = dict(Forms(browser.seen.text).forms[0].fields)["csrf"]

    assert browser.post("do/toggle_sync", {"csrf": token, "args": args}).status_code == 422


def test_a_question_that_was_answered_leads_back_to_where_it_came_up(
    core: Core, browser: Browser, bookworm: FakeTarget
) -> None:
    bookworm.fails_with = TargetUnavailable("asleep")
    read(core, "Dune")
    core.sync()
    browser.get("queue")
    browser.press("Clear Pending… (1S)")
    asked, form = browser.view.removeprefix(f"{browser.url}/"), Forms(browser.seen.text).forms[0]
    browser.post(form.action, [*form.fields, ("cancel", "1")])

    for answer in (browser.get(asked), browser.post(form.action, [*form.fields, ("answer", "yes")])):
        assert answer.status_code == 404
        assert "This question was answered already" in answer.text and form.action.rpartition("/")[2] not in answer.text
        assert re.search(r'href="[./]*queue">Go back', answer.text)


def test_whoever_saves_a_setting_stays_where_it_is(core: Core, browser: Browser) -> None:
    browser.get("settings")
    browser.press("Off")

    section = browser.view.partition("?open=")[2].partition("#")[0]
    assert section and browser.view.endswith(f"#s-{section}")
    assert re.findall(r'<details open id="s-([^"]+)"', browser.seen.text) == [section]


def test_the_numbers_of_the_queue_agree(open_core: Any, serve: Any) -> None:
    asleep = [FakeTarget(name=name, fails_with=TargetUnavailable("asleep")) for name in ("bookworm", "bookshelf")]
    core = open_core(*asleep)
    read(core, "Dune")
    core.sync()
    browser = Browser(serve(core))
    browser.get("queue")

    assert "1 session waiting." in browser.text and "Sessions 1 " in browser.text


def test_a_secret_is_removed_and_a_setting_is_set_back(core: Core, browser: Browser, vault: str) -> None:
    core.settings.set("sessions.min_pages", 7)
    browser.get("settings")
    browser.press("Remove", at="set_setting")
    assert core.settings["vault.key"] == ""

    for _ in range(2):
        browser.press("Back to the default")

    assert "Back to the default" not in browser.buttons
    assert [core.settings.value(name).source for name in ("vault.url", "sessions.min_pages")] == ["default"] * 2


def test_a_form_with_a_letter_that_cannot_be_kept_is_refused(core: Core, browser: Browser) -> None:
    browser.get("actions")
    token = dict(Forms(browser.seen.text).forms[0].fields)["csrf"]

    assert browser.post("do/toggle_sync", {"csrf": token, "arg.value": "a\0b"}).status_code == 422
