"""A database on a network file system is told by `doctor` and at the start of `serve`, with the way out."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from cli_world import Booklore

from booklore_core.bridge import mounts

PROGRAM = """
import sys
from pathlib import Path
from booklore_core.bridge import mounts
from booklore_core.bridge.serve import serve_until_stopped
from booklore_core.storage.places import Places
mounts.MOUNTS = Path(sys.argv[1])
serve_until_stopped(Places.from_environment(), "127.0.0.1", 0)
"""

LINES = "/dev/sda1 / ext4 rw 0 0\n{share} {place} {kind} rw,vers=4 0 0\ntmpfs /run tmpfs rw 0 0\n"


@pytest.fixture
def mounted(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the system says of its mounts: the data folder's parent is a share of a NAS."""
    place = str(home.parent).replace(" ", "\\040")
    file = tmp_path / "mounts"
    file.write_text(LINES.format(share="nas:/books", place=place, kind="nfs4"))
    monkeypatch.setattr(mounts, "MOUNTS", file)
    return file


def told(booklore: Booklore) -> list[dict[str, str]]:
    return [line for line in booklore("doctor", "--json").json if line["check"] == "write-ahead log"]


@pytest.mark.parametrize(
    ("kind", "is_told"),
    [("nfs4", True), ("cifs", True), ("fuse.sshfs", True), ("9p", True), ("ext4", False), ("fuse.mergerfs", False)],
)
def test_doctor_tells_of_a_network_file_system(
    booklore: Booklore, home: Path, mounted: Path, kind: str, is_told: bool
) -> None:
    mounted.write_text(mounted.read_text().replace("nfs4", kind))

    for line in told(booklore):
        assert not line["ok"] and f"({kind} at {home.parent})" in line["detail"]
        assert "BOOKLORE_DATABASE__WAL=false" in line["advice"]
    assert len(told(booklore)) == is_told


def test_without_the_log_or_elsewhere_all_is_well(
    booklore: Booklore, mounted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOOKLORE_DATABASE__WAL", "false")
    assert told(booklore) == []

    monkeypatch.delenv("BOOKLORE_DATABASE__WAL")
    mounted.write_text(mounted.read_text() + f"/dev/sdb1 {tmp_path}/home ext4 rw 0 0\n")
    assert told(booklore) == []


def test_what_cannot_be_known_is_no_reason_to_warn(booklore: Booklore, mounted: Path) -> None:
    mounted.unlink()

    assert told(booklore) == []


def test_serve_tells_it_at_its_start(home: Path, mounted: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, str(mounted)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=30)

    assert "network file system (nfs4" in errors
    assert "start it with BOOKLORE_DATABASE__WAL=false" in errors
