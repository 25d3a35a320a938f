"""Pairing: a code is traded once for a token, and the token is all that opens the other calls."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

from bridge_world import EReader, paired

from booklore_core.bridge.pairing import new_code
from booklore_core.core import Core


def test_a_code_is_traded_for_a_token_that_works(core: Core, url: str) -> None:
    code, expires_in = new_code(core)
    ereader = EReader(url)

    answer = ereader.pair(code)

    assert len(code) == 6 and code.isdigit() and expires_in == 600
    assert answer.json().keys() == {"token"}
    assert ereader.get("/v1/menu").status_code == 200


def test_a_code_may_be_typed_with_a_space(core: Core, url: str) -> None:
    code, _ = new_code(core)

    assert EReader(url).pair(f"{code[:3]} {code[3:]}").status_code == 200


def test_a_code_works_once(core: Core, url: str) -> None:
    code, _ = new_code(core)
    EReader(url, "kobo").pair(code)

    assert EReader(url, "kindle").pair(code).status_code == 401


def test_a_code_lives_ten_minutes(core: Core, url: str, clock) -> None:
    (early, _), (late, _) = new_code(core), new_code(core)

    clock.forward(seconds=599)
    assert EReader(url).pair(early).status_code == 200
    clock.forward(seconds=1)
    assert EReader(url).pair(late).status_code == 401


def test_five_wrong_codes_in_a_minute_close_the_door_for_everybody(core: Core, url: str, clock) -> None:
    code, _ = new_code(core)
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"

    assert [EReader(url, f"guesser{n}").pair(wrong).status_code for n in range(5)] == [401] * 5
    assert EReader(url).pair(code).status_code == 429

    clock.forward(seconds=61)
    assert EReader(url).pair(code).status_code == 200


def test_of_sixty_guesses_at_once_five_are_judged(core: Core, url: str) -> None:
    code, _ = new_code(core)
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    together = threading.Barrier(60)

    def guess(number: int) -> int:
        together.wait(20)
        return EReader(url, f"guesser{number}").pair(wrong).status_code

    with ThreadPoolExecutor(60) as guessers:
        told = list(guessers.map(guess, range(60)))

    assert (told.count(401), told.count(429)) == (5, 55)


def test_a_right_code_is_no_wrong_try(core: Core, url: str) -> None:
    codes = [new_code(core)[0] for _ in range(3)]
    wrong = next(f"{number:06d}" for number in range(4) if f"{number:06d}" not in codes)

    tries = [codes[0], wrong, wrong, codes[1], wrong, wrong, codes[2], wrong, wrong]
    told = [EReader(url, f"kobo{number}").pair(code).status_code for number, code in enumerate(tries)]

    assert told == [200, 401, 401, 200, 401, 401, 200, 401, 429]


def test_pairing_again_replaces_the_token(core: Core, url: str) -> None:
    first, second = paired(core, url), paired(core, url)

    assert first.get("/v1/menu").status_code == 401
    assert second.get("/v1/menu").status_code == 200
    assert len(core.devices.paired()) == 1


def test_a_revoked_device_is_shut_out_and_its_events_stay(core: Core, ereader: EReader) -> None:
    ereader.reader.network()
    ereader.hand_off()

    assert core.devices.revoke(ereader.id)

    assert ereader.get("/v1/menu").status_code == 401
    assert not core.devices.revoke(ereader.id) and not core.devices.revoke("nobody")
    assert core.database.value("SELECT COUNT(*) FROM events") == 1
    assert core.devices.paired() == []


def test_devices_tell_when_they_were_last_seen_and_what_waits_there(core: Core, ereader: EReader, clock) -> None:
    clock.forward(hours=1)
    ereader.reader.network()
    ereader.hand_off(waiting=8)

    expected = {"id": "kobo-7f3a", "name": "Libra", "model": "Kobo_io", "last_seen": "2026-11-20T21:00:00Z"}
    assert core.devices.paired() == [{**expected, "waiting": 7}]


def test_neither_code_nor_token_is_stored(core: Core, url: str) -> None:
    unused, _ = new_code(core)
    ereader = paired(core, url)

    tables = [core.database.rows(f"SELECT * FROM {name}") for name in ("pairings", "devices")]

    assert unused not in json.dumps(tables) and ereader.token not in json.dumps(tables)
    assert ereader.token not in core.places.database_file.read_bytes().decode("latin-1")
