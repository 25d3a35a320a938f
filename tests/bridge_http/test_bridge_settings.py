"""Settings from the e-reader: switches, choices, numbers and texts, and when they take effect."""

from __future__ import annotations

from typing import Any

import pytest
from bridge_world import DUNE, EReader, entry, paired, toasts

from booklore_core import Setting, hookimpl
from booklore_core.core import Core
from booklore_core.testing import FakeTarget


class Postcards:
    """Sends postcards, once an address is set."""

    @hookimpl
    def register_settings(self) -> Any:
        yield Setting("address", str, "", "Where postcards go", label="Address")
        yield Setting("stamp", str, "", "Proof of postage", secret=True, label="Stamp")
        yield Setting("size", str, "small", "Size of a card", choices=("small", "very_large"), label="Size")
        yield Setting("words", int, 20, "Words on a card", low=1, high=50, label="Words")
        yield Setting("glossy", bool, False, "Glossy cards", label="Glossy")
        yield Setting("weight", float, 1.5, "Weight of the paper", low=0, unit="g", label="Paper")

    @hookimpl
    def register_targets(self, settings: Any) -> Any:
        return [FakeTarget("postcards", ["session"])] if settings["address"] else []


@pytest.fixture
def core(open_core: Any) -> Core:
    core = open_core()
    core.plugins.register("postcards", Postcards())
    core.refresh()
    return core


def setting(ereader: EReader, name: str, **args: Any) -> dict[str, Any]:
    return ereader.act("set_setting", name=name, **args)


def test_a_switch_flips(core: Core, ereader: EReader) -> None:
    answer = setting(ereader, "postcards.glossy")

    assert answer["effects"] == [] and core.settings["postcards.glossy"] is True
    assert entry(ereader.menu(), "What to Sync", "Postcards", "Glossy")["checked"] is True


def test_a_choice_is_a_group_of_radio_buttons(core: Core, ereader: EReader) -> None:
    group = entry(ereader.menu(), "What to Sync", "Postcards", "Size: Small")

    assert [(one["text"], one["radio"], one["checked"]) for one in group["items"]] == [
        ("Small", True, True),
        ("Very large", True, False),
    ]
    ereader.act(group["items"][1]["action"], **group["items"][1]["args"])
    assert core.settings["postcards.size"] == "very_large"


@pytest.mark.parametrize(
    ("name", "question", "value", "told"),
    [
        ("words", {"text": "Words\nWords on a card", "default": 20, "low": 1, "high": 50}, 42, "Words: 42"),
        ("weight", {"text": "Paper (g)\nWeight of the paper", "default": "1.5"}, "2.25", "Paper: 2.25 g"),
        ("address", {"text": "Address\nWhere postcards go"}, "Arrakeen 1", "Address: Arrakeen 1"),
        ("stamp", {"text": "Stamp\nProof of postage", "secret": True}, "s3cret", "Stamp: ***"),
    ],
)
def test_a_value_is_asked_for(ereader: EReader, name: str, question: Any, value: Any, told: str) -> None:
    (asked,) = setting(ereader, f"postcards.{name}")["effects"]

    answer = ereader.answer(asked, value)

    assert asked == {"type": "question", "id": asked["id"], "kind": "ask", **question}
    assert toasts(answer) == [told]


def test_a_value_out_of_range_is_asked_again(core: Core, ereader: EReader) -> None:
    (asked,) = setting(ereader, "postcards.words")["effects"]

    refused = ereader.post(f"/v1/answers/{asked['id']}", {"answer": 51})

    assert refused.status_code == 422 and "from 1 to 50" in refused.json()["detail"]
    assert toasts(ereader.answer(asked, "50")) == ["Words: 50"]


def test_a_text_that_does_not_fit_is_told_and_changes_nothing(core: Core, ereader: EReader) -> None:
    (asked,) = setting(ereader, "postcards.weight")["effects"]

    assert toasts(ereader.answer(asked, "heavy")) == ["postcards.weight: expected a number of at least 0, got 'heavy'"]
    assert core.settings["postcards.weight"] == 1.5


@pytest.mark.parametrize("args", [{"name": "postcards.words", "value": 51}, {"name": "no.such"}, {}])
def test_arguments_that_do_not_fit_are_refused(ereader: EReader, args: dict[str, Any]) -> None:
    assert ereader.post("/v1/actions/set_setting", {"args": args}).status_code == 422


def test_a_secret_is_never_shown_and_an_empty_answer_keeps_it(core: Core, ereader: EReader) -> None:
    core.settings.set("postcards.stamp", "s3cret")

    (asked,) = setting(ereader, "postcards.stamp")["effects"]
    ereader.answer(asked, "")

    assert "default" not in asked and "s3cret" not in str(ereader.menu())
    assert core.settings["postcards.stamp"] == "s3cret"


def test_what_the_environment_sets_cannot_be_changed_here(open_core: Any, serve: Any) -> None:
    core = open_core(BOOKLORE_SESSIONS__MIN_DURATION="60")
    ereader = paired(core, serve(core))

    line = entry(ereader.menu(), "What to Sync", "Reading sessions", "Minimum duration: 60 seconds")

    assert line["enabled"] is False and "set by the environment" in line["help"]
    answer = setting(ereader, "sessions.min_duration", value=90)
    assert toasts(answer) == ["sessions.min_duration is set by the environment and stays as it is"]


def test_a_target_works_as_soon_as_its_setting_is_there(core: Core, ereader: EReader) -> None:
    setting(ereader, "postcards.address", value="Arrakeen 1")
    ereader.reader.read(DUNE)

    assert toasts(ereader.hand_off()) == ["1 session synced"]


def test_a_plugin_switched_off_stops_working(core: Core, ereader: EReader) -> None:
    switch = entry(ereader.menu(), "Plugins", "Reading sessions")
    ereader.act(switch["action"], **switch["args"])

    answer = ereader.hand_off(*ereader.reader.read(DUNE))

    assert switch["checked"] and not entry(ereader.menu(), "Plugins", "Reading sessions")["checked"]
    assert core.database.value("SELECT COUNT(*) FROM items") == 0 and len(answer["ack"]) == 2


def test_what_the_command_line_changes_beside_the_bridge_takes_effect(
    core: Core, ereader: EReader, open_core: Any
) -> None:
    beside = open_core()
    beside.settings.set("sessions.enabled", False)

    ereader.hand_off(*ereader.reader.read(DUNE))

    assert core.database.value("SELECT COUNT(*) FROM items") == 0


def test_a_secret_that_is_set_beside_the_bridge_takes_effect(core: Core, ereader: EReader, open_core: Any) -> None:
    setting(ereader, "postcards.address", value="Arrakeen 1")
    before = core.targets["postcards"]
    open_core().secrets.set("postcards.stamp", "new")

    ereader.menu()

    assert core.targets["postcards"] is not before


def test_a_plugins_new_login_token_is_no_changed_setting(core: Core, ereader: EReader, open_core: Any) -> None:
    setting(ereader, "postcards.address", value="Arrakeen 1")
    before = core.targets["postcards"]
    core.store("postcards").secrets.set("token", "first")
    open_core().store("postcards").secrets.set("token", "second")

    ereader.menu()
    ereader.hand_off(ereader.reader.network())

    assert core.targets["postcards"] is before


def test_the_trigger_modes_exclude_each_other(core: Core, ereader: EReader) -> None:
    def chosen() -> list[str]:
        lines = entry(ereader.menu(), "Sync Settings", "Sync Triggers")["items"]
        return [line["text"] for line in lines if line.get("radio") and line["checked"]]

    def tap(text: str) -> None:
        line = entry(ereader.menu(), "Sync Settings", "Sync Triggers", text)
        ereader.act(line["action"], **line["args"])

    seen = [chosen()]
    for text in ("Manual only (cache everything)", "Manual only (cache everything)", "Custom", "Automatic"):
        tap(text)
        seen.append(chosen())

    manual = ["Manual only (cache everything)"]
    assert seen == [["Automatic"], manual, manual, ["Custom"], ["Automatic"]]
    assert core.settings["sync.manual_only"] is False


def test_custom_options_are_greyed_out_unless_custom_is_chosen(ereader: EReader) -> None:
    def greyed() -> list[bool]:
        lines = entry(ereader.menu(), "Sync Settings", "Sync Triggers")["items"]
        return [not line["enabled"] for line in lines if "suspend" in line["text"]]

    assert greyed() == [True, True]
    setting(ereader, "sync.mode", value="custom")
    assert greyed() == [False, False]
