"""`booklore service`: what it writes, what it asks systemd or launchd for, and what it keeps back."""

import configparser
import os
import plistlib
import shlex
import shutil
import sys
from pathlib import Path

import pytest
from cli_world import Booklore, Ran

SUPERVISOR = """#!/bin/sh
echo "$(basename "$0") $*" >> "{log}"
case "$*" in
    *"{broken}"*) echo "Failed to connect to bus: No medium found" >&2; exit 1 ;;
    *restart*|*bootstrap*) touch "{log}.runs" ;;
    *disable*|*bootout*) rm -f "{log}.runs" ;;
    *is-active*|*print*) test -e "{log}.runs" ;;
esac
"""


class Machine:
    """A machine with programs of its own only."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.log, self._bin = root / "calls", root / "bin"
        self._bin.mkdir()
        self.home = root / "anna"
        self.home.mkdir()
        monkeypatch.setenv("PATH", str(self._bin))
        monkeypatch.setenv("HOME", str(self.home))
        monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
        monkeypatch.setenv("USER", "anna")

    def has(self, name: str, broken: str = "never") -> None:
        for tool in ("sh", "basename", "touch", "rm"):
            (self._bin / tool).symlink_to(str(shutil.which(tool, path="/usr/bin:/bin")))
        (self._bin / name).write_text(SUPERVISOR.format(log=self.log, broken=broken))
        (self._bin / name).chmod(0o755)

    def calls(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


def unit_of(text: str) -> dict[str, dict[str, str]]:
    parser = configparser.RawConfigParser()
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(text)
    return {section: dict(parser[section]) for section in parser.sections()}


def environment(unit: dict[str, dict[str, str]]) -> dict[str, str]:
    words = shlex.split(unit["Service"]["Environment"])
    return dict(word.replace("%%", "%").partition("=")[::2] for word in words)


def test_a_systemd_unit_is_written_enabled_and_started(booklore: Booklore, machine: Machine, home: Path) -> None:
    machine.has("systemctl")

    ran = booklore("service", "install", "--host", "0.0.0.0", "--port", "9000", "--json")
    unit = unit_of(Path(ran.json["path"]).read_text())

    assert (ran.code, ran.json["system"], ran.json["running"]) == (0, "systemd", True)
    assert Path(ran.json["path"]) == machine.home / ".config/systemd/user/booklore.service"
    start = [sys.executable, "-m", "booklore_core", "serve", "--host", "0.0.0.0", "--port", "9000"]
    assert shlex.split(unit["Service"]["ExecStart"]) == start and Path(start[0]).is_absolute()
    assert environment(unit)["BOOKLORE_HOME"] == str(home)
    assert unit["Install"] == {"WantedBy": "default.target"}
    assert machine.calls()[:3] == [
        "systemctl --user daemon-reload",
        "systemctl --user enable booklore.service",
        "systemctl --user restart booklore.service",
    ]
    assert "loginctl enable-linger" in ran.err


def test_a_launchd_plist_is_written_and_loaded(booklore: Booklore, machine: Machine, home: Path) -> None:
    machine.has("launchctl")

    first = booklore("service", "install", "--host", "0.0.0.0", "--json")
    booklore("service", "install", "--host", "0.0.0.0")
    plist = plistlib.loads(Path(first.json["path"]).read_bytes())

    assert (first.code, first.json["system"], first.json["running"]) == (0, "launchd", True)
    assert Path(first.json["path"]).parent == machine.home / "Library/LaunchAgents"
    assert plist["ProgramArguments"] == [sys.executable, "-m", "booklore_core", "serve", "--host", "0.0.0.0"]
    assert plist["EnvironmentVariables"]["BOOKLORE_HOME"] == str(home) and plist["RunAtLoad"] is True
    domain = f"gui/{os.getuid()}"
    asked = [call for call in machine.calls() if "print" not in call]
    load = f"launchctl bootstrap {domain} {first.json['path']}"
    assert asked == [load, f"launchctl bootout {domain}/{plist['Label']}", load]


@pytest.mark.parametrize("supervisor", ["systemctl", "launchctl"])
def test_status_follows_and_uninstall_undoes(booklore: Booklore, machine: Machine, supervisor: str) -> None:
    machine.has(supervisor)
    before = booklore("service", "status", "--json").json
    path = Path(booklore("service", "install", "--json").json["path"])
    during, shown = booklore("service", "status", "--json").json, booklore("service", "status").out
    removed = booklore("service", "uninstall", "--json").json
    again = booklore("service", "uninstall", "--json")

    assert (before["installed"], before["running"]) == (False, False)
    assert (during["installed"], during["running"], during["urls"]) == (True, True, [])
    assert "nobody serves" in shown
    assert removed == {"path": str(path), "removed": True} and not path.exists()
    assert (again.code, again.json["removed"]) == (0, False)


def test_the_service_is_given_what_it_needs_and_no_secret(
    booklore: Booklore, machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.has("systemctl")
    (tmp_path / "password").write_text("hunter2")
    monkeypatch.chdir(tmp_path)
    given = {
        "BOOKLORE_URL": 'http://nas/100%/a b"c\\',
        "BOOKLORE_USERNAME": "anna",
        "BOOKLORE_SESSIONS__MIN_DURATION": "60",
        "BOOKLORE_ROOT_PATH": "/sync",
        "BOOKLORE_KOREADER_PASSWORD_FILE": "password",
        "BOOKLORE_PASSWORD": "hunter2",
        "BOOKLORE_WEBHOOK__SECRET": "hunter2",
        "BOOKLORE_SHOP__TOKEN": "hunter2",
        "SHELL_SECRET": "hunter2",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)

    ran = booklore("service", "install", "--json")
    text = Path(ran.json["path"]).read_text()

    told = environment(unit_of(text))
    kept = {name: given[name] for name in list(given)[:4]}
    assert kept.items() < told.items()
    assert told["BOOKLORE_KOREADER_PASSWORD_FILE"] == str(tmp_path / "password")
    assert "hunter2" not in text + ran.out + ran.err
    assert "BOOKLORE_PASSWORD is a secret and was left out: `booklore config set booklore.password`" in ran.err
    assert "BOOKLORE_WEBHOOK__SECRET is a secret" in ran.err


def test_a_database_address_with_a_password_stays_out_and_may_come_from_a_file(
    booklore: Booklore, machine: Machine, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.has("systemctl")
    elsewhere = tmp_path / "elsewhere.sqlite"
    (tmp_path / "url").write_text(f"sqlite:///{elsewhere}?password=hunter2\n")
    monkeypatch.setenv("BOOKLORE_DATABASE_URL_FILE", str(tmp_path / "url"))

    booklore("status")
    from_file = booklore("service", "install", "--print")
    monkeypatch.setenv("BOOKLORE_DATABASE_URL", f"sqlite:///{elsewhere}?password=hunter2")
    from_shell = booklore("service", "install", "--print")

    assert not (home / "booklore.sqlite").exists()
    for ran in (from_file, from_shell):
        assert f"BOOKLORE_DATABASE_URL_FILE={tmp_path / 'url'}" in ran.out
        assert "hunter2" not in ran.out + ran.err
    assert "BOOKLORE_DATABASE_URL holds a password and was left out" in from_shell.err


def test_print_writes_and_asks_nothing(booklore: Booklore, machine: Machine) -> None:
    machine.has("systemctl")

    shown, as_json = booklore("service", "install", "--print"), booklore("service", "install", "--print", "--json")

    assert unit_of(shown.out) == unit_of(as_json.json["content"])
    assert as_json.json["path"] in shown.err
    assert machine.calls() == [] and not Path(as_json.json["path"]).exists()


def test_where_there_is_no_supervisor_a_script_is_shown_instead(
    booklore: Booklore, machine: Machine, home: Path
) -> None:
    refused: list[Ran] = [booklore("service", word) for word in ("install", "uninstall")]
    looked, printed = booklore("service", "status"), booklore("service", "install", "--print", "--port", "9000")

    for ran in refused:
        assert (ran.code, ran.out, ran.err.count("\n")) == (1, "", 1)
        assert "neither systemd nor launchd" in ran.err and "--print" in ran.err
    assert (looked.code, "neither systemd" in looked.out) == (0, True)
    assert printed.out.startswith("#!/bin/sh\n") and f"export BOOKLORE_HOME={home}\n" in printed.out
    assert printed.out.endswith(f"exec {sys.executable} -m booklore_core serve --port 9000\n")
    assert "Termux" in printed.err and "OpenRC" in printed.err


def test_a_systemd_that_cannot_be_asked_is_told_in_its_own_words(booklore: Booklore, machine: Machine) -> None:
    machine.has("systemctl", broken="daemon-reload")

    ran = booklore("service", "install")

    assert (ran.code, ran.out, ran.err.count("\n")) == (1, "", 1)
    assert "Failed to connect to bus" in ran.err and "not by su or sudo" in ran.err
    assert booklore("service", "status", "--json").json["installed"] is False


@pytest.mark.parametrize(("host", "warns"), [("0.0.0.0", False), ("127.0.0.1", True), (None, True)])
def test_a_service_that_no_e_reader_reaches_is_told(
    booklore: Booklore, machine: Machine, host: str | None, warns: bool
) -> None:
    machine.has("systemctl")

    ran = booklore("service", "install", *(["--host", host] if host else []))

    assert ("where no e-reader reaches it" in ran.err) == warns
