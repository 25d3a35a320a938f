"""What the log tells of calls: a device that cannot connect leaves a trace, and no secret is in it."""

from __future__ import annotations

import logging

import pytest
from bridge_world import EReader

LOG = "booklore_core.bridge.call_log"


def told(caplog: pytest.LogCaptureFixture) -> list[tuple[int, str]]:
    return [(level, text) for name, level, text in caplog.record_tuples if name == LOG]


def test_a_device_that_is_not_paired_is_told_with_who_what_and_why(url: str, caplog: pytest.LogCaptureFixture) -> None:
    EReader(url, token="a-token-of-old").post("/v1/events?key=hidden", {"lines": []})

    [(level, text)] = told(caplog)
    assert level == logging.WARNING
    assert text == (
        "refused 127.0.0.1: POST /v1/events: 401, this device is not paired; make a code with `booklore bridge pair`"
    )


def test_a_wrong_code_is_told_and_not_what_was_typed(url: str, caplog: pytest.LogCaptureFixture) -> None:
    EReader(url).pair("123456")

    [(_, text)] = told(caplog)
    assert text.startswith("refused 127.0.0.1: POST /v1/pair: 401, code: it is wrong")
    assert "123456" not in text


def test_what_has_not_the_right_shape_is_told_by_its_field(ereader: EReader, caplog: pytest.LogCaptureFixture) -> None:
    caplog.clear()

    ereader.post("/v1/events", {"device": {"id": "kobo-7f3a"}, "lines": "secret"})

    [(_, text)] = told(caplog)
    assert text.startswith("refused 127.0.0.1 (kobo-7f3a): POST /v1/events: 422, body.lines: ")
    assert "secret" not in text


def test_alike_refusals_are_told_once_and_with_v_each_time(url: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, LOG)

    for _ in range(3):
        EReader(url).get("/v1/menu")

    assert [level for level, _ in told(caplog)] == [logging.WARNING, logging.INFO, logging.INFO]


def test_with_v_every_call_is_told(ereader: EReader, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, LOG)
    caplog.clear()

    ereader.menu()

    [(level, text)] = told(caplog)
    assert level == logging.INFO
    assert text.startswith("127.0.0.1 (kobo-7f3a): GET /v1/menu: 200, ")
    assert ereader.token not in caplog.text


def test_a_path_is_told_without_what_would_move_the_cursor(url: str, caplog: pytest.LogCaptureFixture) -> None:
    EReader(url).get("/v1/%1b[2J%0abooklore:%20all%20is%20well")

    [(_, text)] = told(caplog)
    assert "\x1b" not in text and "\n" not in text


def test_a_device_that_speaks_by_anothers_token_is_named(ereader: EReader, caplog: pytest.LogCaptureFixture) -> None:
    caplog.clear()

    ereader.post("/v1/events", {"device": {"id": "kindle-1"}, "lines": []})

    [(_, text)] = told(caplog)
    assert text.startswith("refused 127.0.0.1 (kindle-1, by the token of kobo-7f3a): POST /v1/events: 403, ")
