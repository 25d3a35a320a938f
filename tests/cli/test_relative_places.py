"""A relative BOOKLORE_HOME means one place: whatever changes the directory meanwhile, and in child processes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cli_world import Install
from requests import get

WANDERING = """
import os, subprocess, sys
os.chdir(os.environ["ELSEWHERE"])
child = "import os; from booklore_core.storage.places import Places; print(Places.from_environment())"
with open(os.environ["TOLD"], "a") as told:
    subprocess.run([sys.executable, "-c", child], stdout=told, check=True)
"""


@pytest.fixture
def folders(home: Path, install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Where the program is started, and where a plugin goes; the data folder is given as seen from the first."""
    install("wandering", WANDERING)
    here, elsewhere = tmp_path / "here", tmp_path / "elsewhere"
    for folder in (here, elsewhere):
        folder.mkdir()
    monkeypatch.setenv("ELSEWHERE", str(elsewhere))
    monkeypatch.setenv("TOLD", str(tmp_path / "told"))
    monkeypatch.setenv("BOOKLORE_HOME", "data")
    return here, elsewhere


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "booklore_core", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)


COMMANDS = [
    ("status",), ("status", "--json"), ("plugins", "list"), ("plugins", "disable", "goals"), ("sync",), ("match",),
    ("config", "set", "booklore.password", "secret"), ("config", "show"), ("quarantine", "list"), ("doctor",),
    ("bridge", "pair"), ("verify",), ("clear", "cache", "--yes"), ("history", "stats"),
]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_stays_with_the_folder_that_it_was_started_with(
    folders: tuple[Path, Path], tmp_path: Path, command: tuple[str, ...]
) -> None:
    here, elsewhere = folders

    ran = run(here, *command)

    assert "Traceback" not in ran.stderr
    assert (list(elsewhere.iterdir()), [one.name for one in here.iterdir()]) == ([], ["data"])
    assert (here / "data/booklore.sqlite").is_file()
    assert (here / "data/secrets.json").is_file() == ("booklore.password" in command)
    told = (tmp_path / "told").read_text()
    assert str(here / "data") in told
    assert str(elsewhere) not in told


def test_the_bridge_stays_too(folders: tuple[Path, Path]) -> None:
    here, elsewhere = folders
    command = [sys.executable, "-m", "booklore_core", "serve", "--port", "0"]
    with subprocess.Popen(command, cwd=here, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as serving:
        try:
            assert serving.stdout
            url = next(word for line in serving.stdout for word in line.split() if word.startswith("http://"))
            health = get(f"{url.rstrip('/.,')}/v1/health", timeout=30).json()
        finally:
            serving.terminate()

    assert health
    assert (list(elsewhere.iterdir()), [one.name for one in here.iterdir()]) == ([], ["data"])


@pytest.mark.parametrize("option", ["", "?timeout=5"])
def test_a_relative_database_and_configuration_too(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    here, elsewhere = folders
    (here / "mine.toml").write_text("[sessions]\nmin_pages = 7\n")
    (here / "word").write_text("secret\n")
    monkeypatch.setenv("BOOKLORE_CONFIG", "mine.toml")
    monkeypatch.setenv("BOOKLORE_DATABASE_URL", f"sqlite:///books.sqlite{option}")
    monkeypatch.setenv("BOOKLORE_PASSWORD_FILE", "word")

    ran = run(here, "config", "show", "--json")
    shown = {one["name"]: one["value"] for one in json.loads(ran.stdout)["settings"]}

    assert (shown["sessions.min_pages"], shown["booklore.password"]) == (7, "***")
    assert {"books.sqlite", "data"} <= {one.name for one in here.iterdir()}
    assert list(elsewhere.iterdir()) == []
