"""What the tests share: a clock that is told the time, and cores on their own folders."""

import importlib.metadata
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from databases import environ_of, put_empty_database
from hypothesis import HealthCheck, settings
from installed_plugins import Distributions

from booklore_core.core import Core
from booklore_core.storage.places import Places
from booklore_core.testing import FakePlugin

pytest_plugins = ["database_choice", "tally", "workers"]

MEMORY = Path("/dev/shm")
"""Files there are files, without a disk's time for every fsync."""

if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > 1 << 30:
    os.environ.setdefault("TMPDIR", str(MEMORY))
    tempfile.tempdir = None  # it may have been looked up before

os.environ["BOOKLORE_HOME"] = str(Path(tempfile.gettempdir()) / "booklore-tests-without-a-home")
"""Nothing of this machine's own library is opened, nor made: where no test has put a folder there is none."""

settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")  # how quick the machine is proves nothing


class Clock:
    """Tells the time it was given, and moves when told."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 20, 20, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **passed: float) -> datetime:
        self.now += timedelta(**passed)
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def shipped(*names: str) -> list[importlib.metadata.EntryPoint]:
    """Entry points of plugins that this project ships."""
    return [entry for entry in importlib.metadata.entry_points(group="booklore") if entry.name in names]


OpenCore = Callable[..., Core]


@pytest.fixture
def open_core(tmp_path: Path, clock: Clock) -> Iterator[OpenCore]:
    """Opens cores: by default in one folder, with the sessions feature and whatever targets are given."""
    cores: list[Core] = []

    def open_one(*targets: Any, home: str = "home", plugins: tuple[str, ...] = ("sessions",), **environ: str) -> Core:
        put_empty_database(tmp_path / home)
        places = Places.from_environment(environ_of(tmp_path / home))
        core = Core(places, clock, environ, shipped(*plugins))
        for target in targets:
            core.plugins.register(f"{target.name}_plugin", FakePlugin([target]))
        core.refresh()
        cores.append(core)
        return core

    yield open_one
    for core in cores:
        core.close()


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Distributions]:
    """A folder of plugins that are installed while the test runs."""
    monkeypatch.syspath_prepend(tmp_path / "site")
    yield Distributions(tmp_path / "site")
    for name in [name for name in sys.modules if name.startswith("third_party")]:
        del sys.modules[name]


@pytest.fixture
def start(tmp_path: Path, clock: Clock) -> Iterator[Callable[..., Core]]:
    """Starts cores with every plugin that is installed."""
    cores: list[Core] = []

    def start_one(**environ: str) -> Core:
        cores.append(Core(Places.from_environment(environ_of(tmp_path / "home")), clock, environ))
        return cores[-1]

    yield start_one
    for core in cores:
        core.close()
