"""Devices on the page: named, let in no more, and added by a code, a picture of it, or a folder to unpack."""

from __future__ import annotations

import io
import json
import re
import zipfile

import pytest
from bridge_world import EReader, paired
from page_world import Browser, Forms

from booklore_core.bridge.newcomers import listed
from booklore_core.core import Core


@pytest.fixture
def browser(url: str) -> Browser:
    return Browser(url)


def test_a_device_is_shown_with_what_waits_there(core: Core, browser: Browser, ereader: EReader) -> None:
    ereader.reader.network()
    ereader.hand_off(waiting=4)
    browser.get("devices")

    assert "Libra" in browser.text and "Kobo_io" in browser.text and "3 events waiting there" in browser.text


def test_the_name_that_a_person_gives_stays_whatever_the_device_says(
    core: Core, browser: Browser, ereader: EReader
) -> None:
    browser.get("devices")
    browser.press("Save", at="devices/name", name="Reading <chair>")
    assert "Reading <chair>" in browser.text

    ereader.reader.network()
    ereader.hand_off()

    assert [one["name"] for one in listed(core)] == ["Reading <chair>"]


def test_a_device_is_let_in_no_more_once_a_person_agrees(core: Core, browser: Browser, ereader: EReader) -> None:
    browser.get("devices")
    browser.press("Revoke…")
    assert "Let Libra in no more?" in browser.text and ereader.get("/v1/menu").status_code == 200
    browser.press("Revoke")

    assert "Libra is let in no more" in browser.text
    assert ereader.get("/v1/menu").status_code == 401


def test_the_code_that_is_shown_pairs_a_device_once(core: Core, browser: Browser, url: str) -> None:
    browser.get("devices")
    browser.press("Show a code", address="192.0.2.9:8765")
    code = re.search(r'class="code">(\d{6})<', browser.seen.text)

    assert code and "http://192.0.2.9:8765" in browser.text
    assert f"<desc>http://192.0.2.9:8765\n{code[1]}</desc>" in browser.seen.text
    ereader = EReader(url)
    assert ereader.pair(code[1]).status_code == 200
    assert EReader(url, "kobo-two").pair(code[1]).status_code == 401


def test_the_address_is_that_which_the_browser_has_reached(core: Core, browser: Browser) -> None:
    browser.headers["Host"] = "192.0.2.7:9000"
    from booklore_core.bridge.web.gate import Keys

    browser.get(f"enter?key={Keys(core).new_link()}")
    browser.press("Let me in")
    browser.get("devices")
    assert 'value="http://192.0.2.7:9000"' in browser.seen.text

    browser.headers |= {"X-Forwarded-Prefix": "/reading", "X-Forwarded-Proto": "https"}
    browser.get("devices")
    assert 'value="https://192.0.2.7:9000/reading"' in browser.seen.text


def test_at_this_computer_it_says_that_no_ereader_reaches_it(browser: Browser) -> None:
    browser.get("devices")

    assert "listens on this computer only, where no e-reader reaches it" in browser.text


def test_what_is_no_address_is_told(browser: Browser) -> None:
    browser.get("devices")

    assert browser.press("Show a code", address="http://").status_code == 422
    assert "is no address such as" in browser.text


def test_the_download_lets_one_ereader_in_without_a_code(core: Core, browser: Browser, url: str) -> None:
    browser.get("devices")
    browser.press("Download the plugin, ready to unpack")
    answer = browser.post("devices/zip", {"csrf": csrf(browser), "address": url})

    assert answer.headers["Content-Type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
        names = packed.namelist()
        config = json.loads(packed.read("booklorebridge.koplugin/booklorebridge.json"))
    assert "booklorebridge.koplugin/main.lua" in names
    assert config["url"] == url
    assert EReader(url, token=config["token"]).get("/v1/menu").status_code == 200


def csrf(browser: Browser) -> str:
    browser.get("devices")
    found = re.search(r'name="csrf" value="(\w+)"', browser.seen.text)
    assert found
    return found[1]


def test_what_was_installed_and_never_seen_says_so(core: Core, browser: Browser, url: str) -> None:
    browser.post("devices/zip", {"csrf": csrf(browser), "address": url})
    browser.get("devices")

    assert "Installed, not seen yet" in browser.text


def test_a_device_that_there_is_not_can_be_neither_named_nor_revoked(browser: Browser) -> None:
    for form in ("name", "revoke"):
        assert browser.post(f"devices/{form}", {"csrf": csrf(browser), "device": "nobody"}).status_code == 422


def test_two_devices_are_two_lines(core: Core, browser: Browser, url: str, ereader: EReader) -> None:
    paired(core, url, "kobo-two")
    browser.get("devices")

    assert browser.buttons.count("Revoke…") == 2


@pytest.mark.parametrize("path", ["devices/code", "devices/zip"])
@pytest.mark.parametrize(
    "address", ["http://" + "a" * 3000, "http://192.0.2.9/" + "ä" * 1500, "http://[", "http://a b"]
)
def test_what_can_be_no_address_is_refused(core: Core, browser: Browser, path: str, address: str) -> None:
    browser.get("devices")
    token = dict(Forms(browser.seen.text).forms[0].fields)["csrf"]

    assert browser.post(path, {"csrf": token, "address": address}).status_code == 422
    assert listed(core) == []


def test_a_device_that_was_not_seen_yet_is_named_after_nothing_of_this_computer(core: Core, browser: Browser) -> None:
    browser.get("devices")
    [form] = [one for one in Forms(browser.seen.text).forms if one.action.endswith("devices/code")]
    assert browser.post("devices/zip", form.fields).headers["Content-Type"] == "application/zip"
    browser.get("devices")

    assert "Plugin downloaded 20" in browser.text and "/tmp" not in browser.text
    browser.press("Save", at="devices/name", name="Kitchen")
    assert "Kitchen" in browser.text and "Plugin downloaded" not in browser.text
