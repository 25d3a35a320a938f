"""Real processes, killed at any moment: what was acknowledged is durable, and on the server exactly once."""

from __future__ import annotations

import json
import random
import signal
from contextlib import closing, suppress
from pathlib import Path

import databases
import pytest
import requests
from books import stock
from checker import assert_exact
from household import Household, hand_over
from killing import AHEAD, Command, EReader, Killer, Zygote, lapse_lease
from notebook import DESTINATIONS
from tally import count
from zygote import Shifted

from booklore_core.bridge.pairing import new_code
from booklore_core.core import Core
from booklore_core.storage.places import Places
from booklore_core.testing import BookLoreServer

ROUNDS, COMMAND_ROUNDS, BRIDGE_ROUNDS = 24, 3, 4
SOAK_ROUNDS = 2_000


class World:
    """A server whose clock goes on by a leap at every round, and a reader who goes by the dice."""

    def __init__(self, folder: Path, dialect: str, seed: int) -> None:
        self.rng = random.Random(seed)
        self.clock = Shifted(0.0)
        self.server = stock(BookLoreServer(dialect, now=self.clock)).start()
        self.household = Household(folder / "home", self.server, self.clock)
        self.household.destination = DESTINATIONS[seed % len(DESTINATIONS)]
        self.reader = EReader(self.rng, self.household.destination)

    def settle_exactly(self, reader: EReader, story: str) -> None:
        """What was acknowledged is not handed over again; a last session ends what a dead battery left."""
        self.clock.forward(10 * AHEAD)
        reader.diary.read("Dune")
        last = reader.diary.units[-1].lines
        with self.household.opened() as core:
            hand_over(core, [*reader.spool, *last])
            self.household.settle(core)
            wall = {reader.diary.reader.device: reader.diary.seconds}
            assert_exact(core, self.server, reader.diary.facts(), wall, story)


def kill_rounds(folder: Path, dialect: str, seed: int, rounds: int) -> None:
    world = World(folder, dialect, seed)
    rng, reader = world.rng, world.reader
    zygote = Zygote(world.household.environ)
    try:
        for number in range(rounds):
            reader.live()
            killer = Killer(rng, world.server, longest=0.15)
            zygote.round(number, reader, killer)
            world.clock.forward(AHEAD)
            count("SIGKILLs", int(killer.has_killed))
            count("rounds of processes")
        zygote.close()
        world.settle_exactly(reader, f"seed {seed}, {rounds} rounds")
    finally:
        world.server.stop()


def command_rounds(folder: Path, dialect: str, seed: int, rounds: int) -> None:
    """`booklore ingest` and `booklore sync`: what an ingest that ended well was given counts as acknowledged."""
    world = World(folder, dialect, seed)
    rng, reader = world.rng, world.reader
    environ, spool = world.household.environ, folder / "spool.jsonl"
    try:
        for _ in range(rounds):
            reader.live()
            spool.write_text("".join(json.dumps(line) + "\n" for line in reader.spool))
            if run_and_kill(world, rng, environ, "ingest", str(spool)) == 0:
                reader.acknowledged.update(line["id"] for line in reader.spool)
            run_and_kill(world, rng, environ, "sync")
        world.settle_exactly(reader, f"seed {seed}, {rounds} rounds of commands")
    finally:
        world.server.stop()


def run_and_kill(world: World, rng: random.Random, environ: dict[str, str], *words: str) -> int:
    """Runs a command, killed or not. Returns its exit code."""
    command = Command(environ, *words)
    killer = Killer(rng, world.server, longest=1.5, shortest=0.3)
    with killer.aimed_at(command.process.pid):
        code = command.finish()
    lapse_lease(world.household.home)
    assert code in (0, 3, -signal.SIGKILL), (words, code)
    count("SIGKILLs", int(code == -signal.SIGKILL))
    count("rounds of processes")
    return code


def bridge_rounds(folder: Path, dialect: str, seed: int, rounds: int) -> None:
    """`booklore serve`: what an answer's `ack` names is durable, and it syncs by itself."""
    world = World(folder, dialect, seed)
    rng, reader = world.rng, world.reader
    device = {"id": reader.diary.reader.device, "name": "Libra", "model": "kobo"}
    token = ""
    try:
        with closing(Core(Places.from_environment(world.household.environ), entry_points=[])) as core:
            code, _ = new_code(core)
        for _ in range(rounds):
            reader.live()
            command = Command(world.household.environ, "serve", "--port", "0")
            url = command.first_line().split()[-1]
            token = token or pair(url, code, device)
            killer = Killer(rng, world.server, longest=0.4)
            with killer.aimed_at(command.process.pid):
                hand_off(url, token, device, reader)
            command.process.kill()
            command.finish()
            lapse_lease(world.household.home)
            count("SIGKILLs")
            count("rounds of processes")
        world.settle_exactly(reader, f"seed {seed}, {rounds} rounds of the bridge")
    finally:
        world.server.stop()


def pair(url: str, code: str, device: dict[str, str]) -> str:
    answer = requests.post(f"{url}/v1/pair", json={"code": code, "device": device}, timeout=30)
    return str(answer.json()["token"])


def hand_off(url: str, token: str, device: dict[str, str], reader: EReader) -> None:
    """Posts the spool by small hand-offs until it is empty or nobody answers any more."""
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {token}"
    with suppress(requests.RequestException):
        while lines := reader.spool[: reader.rng.randint(1, 6)]:
            answer = session.post(f"{url}/v1/events", json={"device": device, "lines": lines}, timeout=30)
            assert answer.status_code == 200, answer.text
            assert answer.json()["rejected"] == []
            reader.acknowledged.update(answer.json()["ack"])


@pytest.mark.parametrize(("dialect", "seed"), [("booklore", 1), ("custom", 2)])
def test_killed_processes_lose_and_double_nothing(tmp_path: Path, dialect: str, seed: int) -> None:
    kill_rounds(tmp_path, dialect, seed, ROUNDS // 2)


def test_killed_processes_lose_and_double_nothing_on_postgresql(tmp_path: Path) -> None:
    with databases.chosen(databases.POSTGRESQL):
        kill_rounds(tmp_path, "booklore", 1, ROUNDS // 4)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(3, 23))
def test_thousands_of_killed_processes_lose_and_double_nothing(tmp_path: Path, dialect: str, seed: int) -> None:
    kill_rounds(tmp_path, dialect, seed, SOAK_ROUNDS // 20)


def test_killed_commands_lose_and_double_nothing(tmp_path: Path) -> None:
    command_rounds(tmp_path, "custom", 1, COMMAND_ROUNDS)


def test_killed_bridge_loses_and_doubles_nothing(tmp_path: Path) -> None:
    bridge_rounds(tmp_path, "grimmory", 1, BRIDGE_ROUNDS)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(2, 7))
def test_many_killed_commands_lose_and_double_nothing(tmp_path: Path, dialect: str, seed: int) -> None:
    command_rounds(tmp_path, dialect, seed, 25)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(2, 7))
def test_bridge_that_is_killed_often_loses_and_doubles_nothing(tmp_path: Path, dialect: str, seed: int) -> None:
    bridge_rounds(tmp_path, dialect, seed, 40)
