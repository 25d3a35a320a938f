"""A device's token moves no secrets: a changed address forgets them, and nothing reads them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bridge_world import EReader, entry, paired, toasts

from booklore_core.actions import start
from booklore_core.core import Core
from booklore_core.flows import Request
from booklore_core.testing import answer_all

HOME, ELSEWHERE = "https://books.example", "https://elsewhere.example"


@pytest.fixture
def core(open_core: Any) -> Core:
    core = open_core(plugins=("sessions", "booklore"))
    values = {"url": HOME, "username": "ann", "password": "s3cret", "koreader_username": "ann"}
    for name, value in (values | {"koreader_password": "s3cond"}).items():
        core.settings.set(f"booklore.{name}", value)
    core.store("booklore").secrets.set("tokens", {"refresh": "t0ken"})
    core.refresh()
    return core


def change(ereader: EReader, name: str, value: Any) -> list[dict[str, Any]]:
    effects: list[dict[str, Any]] = ereader.act("set_setting", name=name, value=value)["effects"]
    return effects


def secrets(core: Core) -> list[Any]:
    passwords = [core.settings[f"booklore.{name}"] for name in ("password", "koreader_password")]
    return [*passwords, core.store("booklore").secrets.get("tokens")]


UNTOUCHED, FORGOTTEN = ["s3cret", "s3cond", {"refresh": "t0ken"}], ["", "", None]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("booklore.url", ELSEWHERE),
        ("booklore.url", ""),
        ("booklore.ca_file", "/tmp/ca"),
        ("booklore.verify_tls", False),
    ],
)
def test_what_says_where_secrets_go_forgets_them_when_a_device_changes_it(
    core: Core, ereader: EReader, name: str, value: Any
) -> None:
    change(ereader, name, value)

    assert core.settings[name] == value
    assert secrets(core) == FORGOTTEN


def test_the_secrets_are_asked_for_anew_in_the_same_action(core: Core, ereader: EReader) -> None:
    (first,) = change(ereader, "booklore.url", ELSEWHERE)
    (second,) = ereader.answer(first, "n3w")["effects"]
    told = toasts(ereader.answer(second, "n3w too"))

    for question, name in ((first, "Password"), (second, "KOReader password")):
        assert question["kind"] == "ask" and question["secret"] is True and "default" not in question
        assert question["text"].startswith(f"{name}\n") and "“Server URL” was changed" in question["text"]
    assert told == [f"Server URL: {ELSEWHERE}"]
    assert secrets(core) == ["n3w", "n3w too", None]


def test_an_address_that_is_typed_in_asks_for_them_as_well(core: Core, ereader: EReader) -> None:
    (address,) = ereader.act("set_setting", name="booklore.url")["effects"]
    (password,) = ereader.answer(address, ELSEWHERE)["effects"]

    assert password["secret"] is True and secrets(core) == FORGOTTEN


def test_a_cancelled_question_leaves_the_secret_forgotten(core: Core, ereader: EReader) -> None:
    (first,) = change(ereader, "booklore.url", ELSEWHERE)
    (second,) = ereader.answer(first, None)["effects"]
    ereader.answer(second, "")

    assert secrets(core) == FORGOTTEN


def test_a_value_that_stays_the_same_forgets_nothing(core: Core, ereader: EReader) -> None:
    assert toasts({"effects": change(ereader, "booklore.url", HOME)}) == [f"Server URL: {HOME}"]
    assert change(ereader, "booklore.verify_tls", True) == []

    assert secrets(core) == UNTOUCHED


@pytest.mark.parametrize("name", ["booklore.username", "booklore.since", "booklore.enabled"])
def test_other_settings_forget_nothing(core: Core, ereader: EReader, name: str) -> None:
    change(ereader, name, True if name.endswith("enabled") else "2026-01-01")

    assert secrets(core) == UNTOUCHED


def test_what_is_set_at_the_computer_itself_forgets_nothing(core: Core) -> None:
    answer_all(start(core, "set_setting", Request(args={"name": "booklore.url", "value": ELSEWHERE})), [])

    assert core.settings["booklore.url"] == ELSEWHERE and secrets(core) == UNTOUCHED


@pytest.mark.parametrize("fixed", ["BOOKLORE_PASSWORD", "BOOKLORE_URL"])
def test_what_cannot_be_forgotten_does_not_go_elsewhere(
    open_core: Any, serve: Callable[..., str], core: Core, fixed: str
) -> None:
    fixed_core = open_core(plugins=("sessions", "booklore"), **{fixed: "https://fixed.example"})
    ereader = paired(fixed_core, serve(fixed_core))

    (told,) = toasts({"effects": change(ereader, "booklore.url", ELSEWHERE)})

    name = fixed.lower().replace("_", ".")
    assert told == f"booklore.url cannot be changed from here while {name} is set by the environment"
    assert core.settings["booklore.url"] == HOME and secrets(core) == UNTOUCHED


def test_no_call_tells_a_secret(core: Core, ereader: EReader) -> None:
    heard = [ereader.menu(), ereader.hand_off(ereader.reader.network())]
    heard += [ereader.act(name) for name in ("about", "view_pending", "toggle_sync")]
    for name in [value.name for value in core.settings]:
        asked = ereader.act("set_setting", name=name)
        heard += [asked, *(ereader.answer(one, None) for one in asked["effects"] if one["type"] == "question")]
        refused = ereader.post("/v1/actions/set_setting", {"args": {"name": name, "value": {"no": "value"}}})
        heard.append(refused.json())

    text = json.dumps(heard)
    assert [secret for secret in ("s3cret", "s3cond", "t0ken") if secret in text] == []


def test_a_folder_of_the_computer_is_no_matter_of_a_device(
    open_core: Any, serve: Callable[..., str], tmp_path: Path
) -> None:
    core = open_core(plugins=("sessions", "markdown"))
    core.settings.set("markdown.folder", str(tmp_path))
    ereader = paired(core, serve(core))

    (told,) = toasts({"effects": change(ereader, "markdown.folder", "/etc")})
    line = entry(ereader.menu(), "What to Sync", "Markdown", f"Notes: {tmp_path}")

    assert told == "Only at the computer can this be changed: `booklore config set markdown.folder`"
    assert core.settings["markdown.folder"] == str(tmp_path) and line["enabled"] is False
