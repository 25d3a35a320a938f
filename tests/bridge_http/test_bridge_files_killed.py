"""A core that is killed while it takes a file, takes much of it at once, or by several at the same time."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
import requests
from bridge_world import EReader, paired
from files_world import PART, STATISTICS, data_of, held, put, sent
from requests.exceptions import ChunkedEncodingError
from test_bridge_serve import PROGRAM

from booklore_core.core import Core
from booklore_core.storage.places import Places

ROUNDS, SOAK_ROUNDS = 2, 40
MIB = 1024 * 1024


@contextmanager
def serving_apart(core: Core) -> Iterator[tuple[str, int]]:
    """A core in a process of its own, on the data of another: its address and process id."""
    command = [sys.executable, "-c", PROGRAM, str(core.places.home), "127.0.0.1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        try:
            yield program.stdout.readline().strip().rsplit(" ", 1)[1], program.pid
        finally:
            program.kill()


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    """A core by the same clock as a process of its own."""
    with closing(Core(Places.from_environment({"BOOKLORE_HOME": str(tmp_path / "home")}), environ={})) as core:
        yield core


def most_memory(pid: int) -> int:
    """Bytes that a process has taken at most."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def send_and_kill(ereader: EReader, pid: int, data: bytes, rng: random.Random) -> tuple[int, int]:
    """Sends parts until the core is dead: soon after it was given a few. Returns what it had at first and at last."""
    first = now = held(put(ereader, STATISTICS, size=len(data)))
    killer = threading.Timer(rng.uniform(0.0, 0.01), os.kill, (pid, signal.SIGKILL))
    lives_till = first + rng.randint(0, 6) * PART
    with suppress(requests.ConnectionError, ChunkedEncodingError):  # also in the middle of an answer
        while True:
            if now == lives_till:
                killer.start()
            now = held(put(ereader, STATISTICS, data[now : now + PART], offset=now, size=len(data)))
    killer.join()
    return first, now


def kill_rounds(core: Core, rounds: int, seed: int) -> None:
    rng, data, known, token = random.Random(seed), os.urandom(50 * rounds * PART), 0, ""
    for _ in range(rounds):
        with serving_apart(core) as (url, pid):
            token = token or paired(core, url).token
            first, last = send_and_kill(EReader(url, token=token), pid, data, rng)
            assert known <= first <= last < len(data)
            known = last
    with serving_apart(core) as (url, _):
        sent(EReader(url, token=token), data)
    assert list(data_of(core)) == [data]


def test_a_core_that_is_killed_in_the_middle_goes_on_where_it_stood(core: Core) -> None:
    kill_rounds(core, ROUNDS, seed=14)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(4))
def test_a_core_that_is_killed_again_and_again_goes_on_where_it_stood(core: Core, seed: int) -> None:
    kill_rounds(core, SOAK_ROUNDS, seed)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_sixty_megabytes_are_taken_in_bounded_memory(core: Core) -> None:
    data = os.urandom(MIB) * 60
    with serving_apart(core) as (url, pid):
        ereader = paired(core, url)
        sent(ereader, data[:MIB], "warm.sqlite")
        before = most_memory(pid)

        sent(ereader, data, size=256 * 1024)

        assert most_memory(pid) - before < 16 * MIB
    assert list(data_of(core)) == [data]


def test_a_request_that_was_given_up_and_the_next_one_do_no_harm(core: Core, ereader: EReader) -> None:
    data = os.urandom(20 * PART)
    threads = [threading.Thread(target=sent, args=(ereader, data)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert list(data_of(core)) == [data]


def test_two_devices_do_not_get_into_each_others_way(core: Core, url: str) -> None:
    data = {name: os.urandom(20 * PART) for name in ("kobo", "kindle")}
    threads = [threading.Thread(target=sent, args=(paired(core, url, name), data[name])) for name in data]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert sorted(data_of(core)) == sorted(data.values())
