"""About, whoever asks."""

from typing import Any

from booklore_core.actions import start
from booklore_core.flows import Request
from booklore_core.testing import FakeTarget, answer_all


def told(core: Any, device: str | None) -> list[str]:
    return answer_all(start(core, "about", Request(device=device)), []).message.splitlines()


def test_about_tells_what_runs_and_what_waits(open_core):
    core = open_core(FakeTarget())

    lines = told(core, None)

    assert lines[0].startswith("BookLore Sync ") and "bookworm: enabled" in lines
    assert "Waiting for them: nothing" in lines and "  bookworm_plugin" in lines
    assert not any("device" in line or "contact" in line for line in lines)


def test_about_tells_a_device_how_it_stands(open_core, clock):
    core = open_core()
    core.devices.pair("kobo", "Libra", None, "hash", clock())
    core.devices.contact("kobo", clock(), shim="1.2", waiting=7)

    assert told(core, "kobo")[2:4] == [
        "On this device: the plugin's version 1.2, 7 events not handed over yet",
        f"Last contact: {clock().astimezone():%d %b %Y, %H:%M}",
    ]
    assert "Last contact: never" in told(core, "unheard of")


def test_about_names_what_is_off_or_could_not_be_loaded(open_core):
    core = open_core()
    core.plugins.plugins["sessions"].enabled = False
    assert told(core, None)[-1].endswith(" – off")

    core.plugins.plugins["sessions"].enabled, core.plugins.plugins["sessions"].module = True, None
    assert told(core, None)[-1].endswith(" – not loaded")
