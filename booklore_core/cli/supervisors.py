"""What keeps a program running on a machine: systemd for a user, launchd. Each reads a file, and is told by a tool."""

import os
import plistlib
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from booklore_core.cli.errors import Refused

SECONDS = 60.0
"""How long systemctl or launchctl may take."""

NO_SESSION = ". That needs a login of the user's own, by SSH or at the machine, not by su or sudo"


@dataclass(frozen=True)
class Program:
    """What is to run: absolute words, and the variables that it needs beside those of every login."""

    words: Sequence[str]
    environment: Mapping[str, str]


class Supervisor(Protocol):
    name: str
    """As a person knows it."""

    @property
    def file(self) -> Path:
        """What is written to install a program."""

    def text(self, program: Program) -> str:
        """What the file holds."""

    def start(self) -> None:
        """Runs what the file says, now and from now on at every start. Raises Refused."""

    def stop(self) -> None:
        """Runs it no more. Raises Refused."""

    def is_running(self) -> bool: ...


def find_supervisor() -> Supervisor | None:
    """That of this machine."""
    found = [one for one in (Launchd(), Systemd()) if shutil.which(one.command)]
    return found[0] if found else None


class Systemd:
    name, command, unit = "systemd", "systemctl", "booklore.service"

    @property
    def file(self) -> Path:
        base = os.environ.get("XDG_CONFIG_HOME") or Path("~/.config").expanduser()
        return Path(base) / "systemd" / "user" / self.unit

    def text(self, program: Program) -> str:
        start = " ".join(quoted(word.replace("$", "$$")) for word in program.words)
        environment = " ".join(quoted(f"{name}={value}") for name, value in program.environment.items())
        return (
            "[Unit]\nDescription=BookLore Sync bridge\n\n"
            f"[Service]\nExecStart={start}\nEnvironment={environment}\nRestart=on-failure\nRestartSec=10\n\n"
            "[Install]\nWantedBy=default.target\n"
        )

    def start(self) -> None:
        run(self.command, "--user", "daemon-reload")
        run(self.command, "--user", "enable", self.unit)
        run(self.command, "--user", "restart", self.unit)  # one that runs already takes the new file

    def stop(self) -> None:
        run(self.command, "--user", "disable", "--now", self.unit)

    def is_running(self) -> bool:
        return ran(self.command, "--user", "is-active", "--quiet", self.unit).returncode == 0


def quoted(word: str) -> str:
    """A word as systemd reads it back. Source: systemd.syntax(7), systemd.unit(5)."""
    escapes = {'"': '\\"', "\\": "\\\\", "%": "%%", "\n": "\\n"}
    return '"' + "".join(escapes.get(letter, letter) for letter in word) + '"'


class Launchd:
    name, command, label = "launchd", "launchctl", "org.booklore.sync"

    @property
    def file(self) -> Path:
        return Path("~/Library/LaunchAgents").expanduser() / f"{self.label}.plist"

    def text(self, program: Program) -> str:
        log = str(Path("~/Library/Logs").expanduser() / "booklore-sync.log")
        told = {
            "Label": self.label,
            "ProgramArguments": list(program.words),
            "EnvironmentVariables": dict(program.environment),
            "RunAtLoad": True,
            "KeepAlive": {"SuccessfulExit": False},
            "StandardOutPath": log,
            "StandardErrorPath": log,
        }
        return plistlib.dumps(told).decode()

    def start(self) -> None:
        if self.is_running():
            self.stop()  # it goes on with the old file otherwise
        run(self.command, "bootstrap", self._domain, str(self.file))

    def stop(self) -> None:
        run(self.command, "bootout", self._service)

    def is_running(self) -> bool:
        return ran(self.command, "print", self._service).returncode == 0

    @property
    def _domain(self) -> str:
        return f"gui/{os.getuid()}"

    @property
    def _service(self) -> str:
        return f"{self._domain}/{self.label}"


def run(*words: str) -> None:
    """Raises Refused when it fails."""
    done = ran(*words)
    if done.returncode:
        told = " ".join(done.stderr.split()) or f"it ended with {done.returncode}"
        told += NO_SESSION if "connect to bus" in told else ""
        raise Refused(f"`{' '.join(words)}`: {told}; `booklore service install --print` shows what was to run")


def ran(*words: str) -> "subprocess.CompletedProcess[str]":
    """Raises Refused when it cannot be started or does not end."""
    try:
        return subprocess.run(words, capture_output=True, text=True, timeout=SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Refused(f"`{' '.join(words)}`: {error}") from error
