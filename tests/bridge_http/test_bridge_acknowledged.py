"""What is durable is acknowledged, whatever goes wrong with what follows from it."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from bridge_world import DUNE, EReader, ok, paired, toasts

from booklore_core import hookimpl
from booklore_core.core import Core

RUBBISH = [
    "SYNC__WAKE_DELAY", "SYNC__WAKE_COOLDOWN", "SYNC__SILENT", "SYNC__ENABLED", "SYNC__MODE", "SYNC__ASK_WIFI",
    "SESSIONS__MIN_DURATION",
]  # fmt: skip


def stored(core: Core) -> int:
    return int(core.database.value("SELECT COUNT(*) FROM events"))


@pytest.mark.parametrize("variable", RUBBISH)
def test_a_value_that_does_not_fit_costs_no_line(open_core: Any, serve: Any, variable: str) -> None:
    core = open_core(**{f"BOOKLORE_{variable}": "rubbish"})
    ereader = paired(core, serve(core))
    ereader.reader.resume()
    ereader.reader.read(DUNE)
    ereader.reader.resume()

    answer = ereader.hand_off()

    assert answer["ack"] == [line["id"] for line in ereader.reader.lines]
    assert answer["rejected"] == [] and stored(core) == 4


def test_a_contact_that_cannot_be_noted_costs_no_line(core: Core, ereader: EReader) -> None:
    fails = "WHEN NEW.waiting IS NOT OLD.waiting BEGIN SELECT RAISE(ABORT, 'full'); END"
    core.database.run(f"CREATE TRIGGER full BEFORE UPDATE ON devices {fails}")

    answer = ereader.hand_off(ereader.reader.network(), waiting=3)

    assert len(answer["ack"]) == 1 and "state" in answer


def test_how_things_stand_is_left_out_when_it_cannot_be_told(core: Core, ereader: EReader) -> None:
    core.database.run("ALTER TABLE settings RENAME TO mislaid")

    answer = ereader.hand_off(ereader.reader.network())

    assert len(answer["ack"]) == 1 and answer["effects"] == [] and "state" not in answer


def test_secrets_that_cannot_be_read_cost_no_line_and_no_action(core: Core, serve: Any) -> None:
    core.secrets.path.write_text("{")
    ereader = paired(core, serve(core))

    assert len(ereader.hand_off(*ereader.reader.read(DUNE))["ack"]) == 2
    core.secrets.path.write_text("{{")
    assert toasts(ereader.act("toggle_sync")) == ["Sync disabled"]


def test_a_hook_that_raises_costs_no_line(core: Core, ereader: EReader) -> None:
    class Raising:
        @hookimpl
        def on_book_close(self, event: Any) -> Any:
            raise SystemExit("gone")

        @hookimpl
        def reply(self, event: Any) -> Any:
            raise SystemExit("gone")

    core.plugins.register("raising", Raising())
    core.refresh()

    answer = ereader.hand_off(*ereader.reader.read(DUNE))

    assert len(answer["ack"]) == 2 and toasts(answer) == ["1 session synced"]


@pytest.mark.parametrize(
    "said",
    [
        {"now": "2026-11-20T20:00:00Z", "up": 5025.5},
        {"now": 1795204800, "up": "a while"},
        {"now": None, "up": None},
    ],
)
@pytest.mark.parametrize("former", [["kobo-1", "kobo-2"], [], None, "kobo-1", [1]])
def test_what_a_device_says_of_its_clock_and_its_names_costs_no_line(ereader: EReader, said: Any, former: Any) -> None:
    line = ereader.reader.network()
    body = {"device": {**ereader.device, "former_ids": former}, "lines": [line], **said}

    assert ok(ereader.post("/v1/events", body))["ack"] == [line["id"]]


def test_a_bridge_whose_database_was_moved_away_says_that_it_is_not_ready(core: Core, ereader: EReader) -> None:
    file = core.places.home / "booklore.sqlite"
    file.rename(file.with_suffix(".moved"))

    assert requests.get(f"{ereader.url}/v1/health", timeout=5).json()["ready"] is False


@pytest.mark.parametrize("waiting", ["many", -1, 1.5, [], {}])
def test_a_count_that_is_none_does_not_keep_the_lines_on_the_device(ereader: EReader, waiting: object) -> None:
    lines = ereader.reader.read(DUNE)

    answer = ok(ereader.post("/v1/events", {"device": ereader.device, "lines": lines, "waiting": waiting}))

    assert answer["ack"] == [line["id"] for line in lines]
