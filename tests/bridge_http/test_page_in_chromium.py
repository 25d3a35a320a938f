"""The page in a real browser: what a self-hoster does on the first evening, and whether everybody can use it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from bridge_world import EReader
from chromium import WIDTHS, faults, needs_axe, needs_chromium, press, read, resize, window

from booklore_core.core import Core
from booklore_core.testing import FakeLibrary, SampleReader, sample_book

pytestmark = needs_chromium

TITLES = {"1": "Dune", "2": "Emma", "3": "Persuasion", "4": "Piranesi"}
VIEWS = ["", "queue", "books", "reading", "devices", "actions", "settings", "checks", "enter", "nothing-here"]

BREWER = """
'''Brews tea.'''
from booklore_core import Action, Ask, Result, Setting, hookimpl

def brew(core, request):
    who = yield Ask("For whom?", "me")
    return Result(f"Tea for {who} is brewed")

@hookimpl
def register_settings():
    yield Setting("enabled", bool, False, "Whether tea is brewed", label="Tea")
    yield Setting("minutes", int, 3, "How long it draws", low=1, high=9, unit="minutes")

@hookimpl
def register_actions():
    yield Action("brew", "Brew tea", brew, "Makes a cup.")
"""


@pytest.fixture(scope="module")
def driver() -> Iterator[Any]:
    with window() as driver:
        yield driver


@pytest.fixture
def core(open_core: Any) -> Core:
    core: Core = open_core(FakeLibrary({}, TITLES))
    reader = SampleReader()
    for title in ("Dune", "Emma", "Persuasion", "Piranesi"):
        reader.read(sample_book(title), pages=40)
    core.take(reader.lines, "test")
    core.sync()
    return core


def test_an_ereader_is_paired_by_the_text_of_the_picture(driver: Any, url: str) -> None:
    driver.get(f"{url}/devices")
    press(driver, "Show a code")
    address, code = driver.execute_script("return document.querySelector('svg desc').textContent").split("\n")

    assert code in read(driver) and address in read(driver)
    ereader = EReader(url)
    assert ereader.pair(code).status_code == 200
    ereader.hand_off(ereader.reader.network())
    driver.get(f"{url}/devices")
    assert "Libra" in read(driver)


def test_three_books_are_matched_one_after_the_other(driver: Any, url: str, core: Core) -> None:
    driver.get(f"{url}/books")
    press(driver, "Match Unmatched Books")
    press(driver, "Yes")
    for _ in range(3):
        title = read(driver).split("\n")[0].split(": ")[1].split(" – ")[0]
        press(driver, "100 % · " + title if f"100 % · {title}" in read(driver) else "86 % · " + title)
    press(driver, "Skip this book")

    assert len(core.books.matches("library")) == 3
    assert "3 matched, 1 still unmatched" in read(driver)


def test_the_queue_is_cleared_once_a_person_has_said_so(driver: Any, url: str, core: Core) -> None:
    driver.get(f"{url}/queue")
    press(driver, "Clear Pending")
    driver.find_element("css selector", "input[type=checkbox]").click()
    press(driver, "Clear Selected")

    assert "4 sessions cleared" in read(driver) and "Nothing waits." in read(driver)
    assert not core.pending()


def test_a_setting_is_changed(driver: Any, url: str, core: Core) -> None:
    driver.get(f"{url}/settings")
    driver.execute_script("document.getElementById('s-sessions').open = true")
    field = driver.find_element("css selector", "#s-sessions form:has([value*='min_pages']) input[type=number]")
    field.clear()
    field.send_keys("9\n")

    driver.get(f"{url}/settings")
    assert core.settings["sessions.min_pages"] == 9


def test_a_third_partys_plugin_is_enabled_and_its_action_run(
    driver: Any, installed: Any, start: Any, serve: Any
) -> None:
    installed.add(BREWER, distribution="tea", name="tea", module="third_party_tea")
    url = serve(start())
    driver.get(f"{url}/actions")
    assert "Brew tea" not in read(driver)

    driver.get(f"{url}/settings")
    driver.execute_script("document.getElementById('s-tea').open = true")
    press(driver, "Enable tea")
    driver.get(f"{url}/actions")
    brew = driver.find_element("css selector", "form[action$='do/brew'] button")
    brew.click()
    field = driver.find_element("id", "answer")
    field.clear()
    field.send_keys("Emma")
    press(driver, "OK")

    assert "Tea for Emma is brewed" in read(driver)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("view", [*VIEWS, f"books/{sample_book('Dune')['partial_md5']}"])
def test_no_view_is_wider_than_the_window_and_nothing_is_refused(driver: Any, url: str, view: str, width: int) -> None:
    resize(driver, width)
    driver.get_log("browser")
    driver.get(f"{url}/{view}")

    assert driver.execute_script("return document.documentElement.scrollWidth") <= width
    assert [one["message"] for one in driver.get_log("browser") if "Content Security Policy" in one["message"]] == []


@needs_axe
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("view", [*VIEWS, f"books/{sample_book('Dune')['partial_md5']}"])
def test_axe_finds_nothing_that_keeps_people_out(driver: Any, url: str, view: str, scheme: str) -> None:
    wanted = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", wanted)
    driver.get(f"{url}/{view}")
    driver.execute_script("document.querySelectorAll('details').forEach(one => { one.open = true })")

    assert faults(driver) == []


@needs_axe
@pytest.mark.parametrize("question", ["Match", "Clear Pending", "Match Unmatched Books"])
def test_axe_finds_nothing_in_questions_either(driver: Any, url: str, question: str) -> None:
    driver.get(f"{url}/queue")
    press(driver, question)

    assert faults(driver) == []


@needs_axe
def test_axe_finds_nothing_beside_the_code(driver: Any, url: str) -> None:
    driver.get(f"{url}/devices")
    press(driver, "Show a code")

    assert faults(driver) == []


def test_by_the_keyboard_alone_one_comes_to_the_content(driver: Any, url: str) -> None:
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    driver.get(url)
    ActionChains(driver).send_keys(Keys.TAB, Keys.ENTER).perform()

    assert driver.execute_script("return document.activeElement.id") == "main"
