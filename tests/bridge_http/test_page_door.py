"""Who may see the page: it is open at this computer, and else asks; what lets in there lets in nowhere else."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import requests
from bridge_world import paired
from page_world import Browser, Forms

from booklore_core.bridge.app import create_app
from booklore_core.bridge.bridge import Bridge
from booklore_core.bridge.web.gate import Keys
from booklore_core.core import Core

PASSWORD = "a long walk at night"
VIEWS = ["", "queue", "actions"]


@pytest.fixture
def opened(core: Core, switchboard: Any) -> Iterator[str]:
    """The address of a bridge that other computers may reach."""
    with closing(Bridge(core)) as bridge:
        switchboard.app = create_app(bridge, is_open=True, address="https://books.example.org/reading")
        yield switchboard.url


@pytest.fixture
def browser(opened: str) -> Browser:
    return Browser(opened)


def enter(browser: Browser, password: str = PASSWORD) -> requests.Response:
    browser.get("enter")
    return browser.press("Enter", password=password)


@pytest.mark.parametrize("view", VIEWS)
def test_at_this_computer_it_is_open(url: str, view: str) -> None:
    assert Browser(url).get(view).status_code == 200


@pytest.mark.parametrize("view", VIEWS)
def test_from_elsewhere_every_view_leads_to_the_door(browser: Browser, view: str) -> None:
    answer = browser.get(view, follow=False)

    assert (answer.status_code, answer.headers["Location"].lstrip("./")) == (303, "enter")


def test_no_form_is_taken_before_the_door(browser: Browser, core: Core) -> None:
    browser.get("enter")
    token = Forms(browser.seen.text).forms or [None]
    answer = browser.post("do/toggle_sync", {"csrf": str(token)}, follow=False)

    assert answer.headers["Location"].endswith("enter")
    assert core.settings["sync.enabled"]


def test_without_a_password_the_door_says_how_to_get_in(browser: Browser) -> None:
    browser.get("enter")

    assert "booklore bridge page-password" in browser.text
    assert "booklore bridge page-link" in browser.text


def test_the_password_lets_in(core: Core, browser: Browser) -> None:
    Keys(core).set_password(PASSWORD)

    assert "How it stands" in enter(browser).text
    assert browser.get("queue").status_code == 200


def test_a_wrong_password_does_not_and_is_told_in_words(core: Core, browser: Browser) -> None:
    Keys(core).set_password(PASSWORD)

    assert enter(browser, "sesame").status_code == 403
    assert "That is not the password." in browser.text
    assert browser.get("queue", follow=False).status_code == 303


def test_guessing_is_slowed_down_for_the_right_one_too(core: Core, browser: Browser, clock: Any) -> None:
    Keys(core).set_password(PASSWORD)
    for number in range(5):
        enter(browser, f"guess {number}")

    assert enter(browser).status_code == 429
    clock.forward(seconds=61)
    assert enter(browser).status_code == 200


def test_a_link_lets_one_browser_in_and_is_in_no_address_then(core: Core, browser: Browser, opened: str) -> None:
    key = Keys(core).new_link()

    browser.get(f"enter?key={key}")
    browser.press("Let me in")
    assert browser.view == f"{opened}/" and key not in browser.seen.text
    assert browser.get("queue").status_code == 200
    late = Browser(opened)
    late.get(f"enter?key={key}")
    assert late.press("Let me in").status_code == 403
    assert "This link was used, or is too old." in late.text


def test_what_only_looks_at_a_link_does_not_use_it_up(core: Core, browser: Browser, opened: str) -> None:
    key = Keys(core).new_link()
    for _ in range(3):
        Browser(opened).get(f"enter?key={key}")

    browser.get(f"enter?key={key}")
    assert browser.press("Let me in").status_code == 200


def test_a_link_waits_for_a_day(core: Core, browser: Browser, clock: Any) -> None:
    key = Keys(core).new_link()
    clock.forward(hours=25)

    browser.get(f"enter?key={key}")
    assert browser.press("Let me in").status_code == 403


def test_wrong_tries_of_others_keep_neither_the_password_nor_a_link_out(core: Core, url: str) -> None:
    Keys(core).set_password(PASSWORD)
    stranger = Browser(url, {"X-Forwarded-For": "203.0.113.9"})
    for number in range(8):
        stranger.get(f"enter?key=guess{number}")
        stranger.press("Let me in")
        enter(stranger, f"guess {number}")
    assert enter(stranger).status_code == 429

    assert enter(Browser(url, {"X-Forwarded-For": "203.0.113.10"})).status_code == 200
    stranger.get(f"enter?key={Keys(core).new_link()}")
    assert stranger.press("Let me in").status_code == 200


def test_of_long_addresses_a_network_counts_as_one_caller(core: Core, url: str) -> None:
    Keys(core).set_password(PASSWORD)
    for number in range(5):
        enter(Browser(url, {"X-Forwarded-For": f"2001:db8::{number}"}), "sesame")

    assert enter(Browser(url, {"X-Forwarded-For": "2001:db8::99"})).status_code == 429
    assert enter(Browser(url, {"X-Forwarded-For": "2001:db8:0:1::1"})).status_code == 200


def test_whoever_signs_out_is_out(core: Core, browser: Browser) -> None:
    Keys(core).set_password(PASSWORD)
    enter(browser)
    held = browser.session.cookies.get_dict()
    browser.press("Sign out")

    browser.session.cookies.update(held)
    assert browser.get("queue", follow=False).status_code == 303


def test_another_password_lets_out_who_came_in_by_the_former_one(core: Core, browser: Browser) -> None:
    Keys(core).set_password(PASSWORD)
    enter(browser)
    Keys(core).set_password("another long walk")

    assert browser.get("queue", follow=False).status_code == 303


def test_with_a_password_it_is_asked_for_at_this_computer_too(core: Core, url: str) -> None:
    Keys(core).set_password(PASSWORD)

    assert Browser(url).get("queue", follow=False).status_code == 303


@pytest.mark.parametrize(
    "header",
    ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via", "X-Forwarded-Host", "X-Forwarded-Prefix", "X-Forwarded-Port"],
)
def test_behind_a_proxy_it_is_not_open_though_the_proxy_is_at_this_computer(url: str, header: str) -> None:
    assert Browser(url, {header: "203.0.113.9"}).get("queue", follow=False).status_code == 303


@pytest.mark.parametrize("header", ["Origin", "Referer"])
@pytest.mark.parametrize("seen", ["https://books.example.org/bridge/", "http://127.0.0.1:1/", "null", "http://["])
def test_a_browser_that_sees_another_name_is_not_at_this_computer(url: str, header: str, seen: str) -> None:
    assert Browser(url, {header: seen}).get("queue", follow=False).status_code == 303
    assert Browser(url, {header: f"{url}/"[: None if header == "Referer" else -1]}).get("queue").status_code == 200


def test_nginx_by_itself_tells_nothing_but_its_old_protocol_and_is_not_let_in(url: str, caplog: Any) -> None:
    host = url.removeprefix("http://")
    for _ in range(2):
        with socket.create_connection((host.partition(":")[0], int(host.partition(":")[2])), timeout=30) as proxy:
            proxy.sendall(f"GET /queue HTTP/1.0\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            assert proxy.makefile("rb").readline().split()[1] == b"303"

    [told] = [one.getMessage() for one in caplog.records if "a proxy stands before the page" in one.getMessage()]
    assert "BOOKLORE_BRIDGE_URL" in told


def test_where_people_find_it_under_another_name_it_is_not_open_though_no_proxy_is_seen(
    core: Core, switchboard: Any
) -> None:
    with closing(Bridge(core)) as bridge:
        switchboard.app = create_app(bridge, address="https://books.example.org")

        assert Browser(switchboard.url).get("queue", follow=False).status_code == 303


def test_what_lets_in_is_kept_hashed_and_out_of_the_database(core: Core, browser: Browser) -> None:
    Keys(core).set_password(PASSWORD)
    enter(browser)
    cookie = browser.session.cookies["booklore_page"]

    kept = core.places.secrets.read_text()
    assert PASSWORD not in kept and cookie not in kept
    assert b"walk" not in core.places.home.joinpath("booklore.sqlite").read_bytes()


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(core: Core, browser: Browser) -> None:
    Keys(core).set_password(PASSWORD)
    browser.get("enter")
    form = Forms(browser.seen.text).forms[0]
    answer = browser.post("enter", [*form.fields[:1], ("password", PASSWORD)], follow=False)

    told = answer.headers["Set-Cookie"]
    assert "HttpOnly" in told and "SameSite=strict" in told and "Secure" not in told


def test_the_cookie_goes_over_tls_only_where_the_page_does(core: Core, opened: str) -> None:
    browser = Browser(opened, {"X-Forwarded-Proto": "https"})

    assert "Secure" in browser.get("enter").headers["Set-Cookie"]


@pytest.mark.parametrize("told", [{"Host": "books.example.org"}, {"X-Forwarded-For": "203.0.113.9"}])
def test_the_cookie_belongs_to_the_configured_address(core: Core, opened: str, told: dict[str, str]) -> None:
    key = Keys(core).new_link()
    browser = Browser(opened, told)
    browser.get(f"enter?key={key}")
    form = Forms(browser.seen.text).forms[0]
    first = browser.seen.headers["Set-Cookie"]
    browser.headers["Cookie"] = first.partition(";")[0]
    let_in = browser.post("enter", form.fields, follow=False).headers["Set-Cookie"]

    for cookie in (first, let_in):
        assert "Path=/reading;" in cookie and "Secure" in cookie


def test_a_devices_token_does_not_open_the_page(opened: str, core: Core) -> None:
    ereader = paired(core, opened)
    browser = Browser(opened, ereader.headers)
    assert browser.get("queue", follow=False).status_code == 303

    browser.session.cookies.set("booklore_page", ereader.token)
    assert browser.get("queue", follow=False).status_code == 303


def test_the_pages_cookie_does_not_open_the_bridge(core: Core, browser: Browser, opened: str) -> None:
    Keys(core).set_password(PASSWORD)
    enter(browser)
    cookie = browser.session.cookies["booklore_page"]

    assert browser.get("v1/menu").status_code == 401
    assert (
        requests.get(f"{opened}/v1/menu", headers={"Authorization": f"Bearer {cookie}"}, timeout=30).status_code == 401
    )


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "evil@127.0.0.1", ""]
)
def test_another_sites_name_leads_nowhere(url: str, host: str) -> None:
    answer = Browser(url, {"Host": host}).get("")

    assert answer.status_code in (400, 421)
    assert "How it stands" not in answer.text


@pytest.mark.parametrize("host", ["books.example.org", "192.0.2.7:8765", "[2001:db8::7]:8765"])
def test_the_configured_name_and_numbers_lead_to_the_door(opened: str, host: str) -> None:
    assert Browser(opened, {"Host": host}).get("enter").status_code == 200


def test_a_form_of_another_site_is_not_taken(url: str, core: Core) -> None:
    browser = Browser(url)
    browser.get("actions")
    form = next(one for one in Forms(browser.seen.text).forms if "toggle_sync" in one.action)
    fields = dict(form.fields)

    assert browser.post(form.action, {**fields, "csrf": "x"}).status_code == 403
    assert browser.post(form.action, {name: told for name, told in fields.items() if name != "csrf"}).status_code == 403
    browser.headers["Sec-Fetch-Site"] = "cross-site"
    assert browser.post(form.action, fields).status_code == 403
    assert core.settings["sync.enabled"]


def test_a_form_of_another_browser_is_not_taken(url: str, core: Core) -> None:
    mine, other = Browser(url), Browser(url)
    mine.get("actions"), other.get("actions")
    form = next(one for one in Forms(other.seen.text).forms if "toggle_sync" in one.action)

    assert mine.post(form.action, form.fields).status_code == 403
    assert core.settings["sync.enabled"]


@pytest.mark.parametrize("path", ["", "enter", "static/page.css", "nothing/here", "ask/nobody"])
def test_a_browser_loads_nothing_from_elsewhere_and_nothing_inline(url: str, path: str) -> None:
    answer = Browser(url, {"Accept": "text/html"}).get(path)

    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert not re.search(r"""<script>|<style|\sstyle=|\son[a-z]+=|(?:src|href)="(?:https?:)?//""", answer.text)


def test_below_any_path_of_a_proxy_links_and_forms_lead_to_the_page(url: str) -> None:
    browser = Browser(url)
    for view in ("", "queue", "ask/nobody"):
        browser.get(view)
        links = re.findall(r"""(?:href|action|src)="([^"#]*)""", browser.seen.text)
        assert links and not [link for link in links if link.startswith(("/", "http"))]


def test_a_form_that_is_too_large_is_refused(url: str) -> None:
    browser = Browser(url)
    browser.get("")

    assert browser.post("do/toggle_sync", {"csrf": "x" * 70_000}).status_code == 413
