"""`booklore service`: runs `booklore serve` at every start of the machine."""

import os
import shlex
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from booklore_core.cli.errors import Refused
from booklore_core.cli.opening import DATABASE_URL, find_places, opened
from booklore_core.cli.options import Json
from booklore_core.cli.output import say, show, show_exactly, show_json
from booklore_core.cli.supervisors import Program, Supervisor, Systemd, find_supervisor

if TYPE_CHECKING:
    from booklore_core.core import Core

PLAIN = ("HOSTS", "ROOT_PATH", "BRIDGE_URL", "NO_PLUGINS", "DATABASE__WAL")
"""Variables that hold no secret and belong to no plugin's setting, beside those that are options or paths."""

NONE_HERE = (
    "there is neither systemd nor launchd here. `booklore service install --print` shows what to run at every start: "
    "with Termux:boot, OpenRC, a NAS's task planner or Windows' Task Scheduler"
)
BY_HAND = (
    "Termux: put these lines into ~/.termux/boot/booklore, and install the app Termux:Boot.",
    "OpenRC: put the last one into /etc/local.d/booklore.start with `su USER -c '…' &`, and run `rc-update add local`.",
)
LINGER = Path("/var/lib/systemd/linger")

app = typer.Typer(no_args_is_help=True, help="Run `booklore serve` at every start of this machine.")


@app.command()
def install(
    host: Annotated[
        str | None, typer.Option(envvar="BOOKLORE_HOST", help="Address to listen on; 0.0.0.0 opens it to the network.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(envvar="BOOKLORE_PORT", min=1, max=65535, help="Where the bridge listens.")
    ] = None,
    only_print: Annotated[bool, typer.Option("--print", help="Only show what would be written.")] = False,
    as_json: Json = False,
) -> None:
    """Run `booklore serve` from now on: as a systemd user unit, or by launchd.

    It is given the variables BOOKLORE_… of this shell, but no secret. --json prints {"system", "path", "content"} with
    --print, else {"system", "path", "running"}.
    """
    supervisor, program = find_supervisor(), program_for(host, port)
    if only_print:
        show_only(supervisor, program, as_json)
        return
    if supervisor is None:
        raise Refused(NONE_HERE)
    put_up(supervisor, program)
    if as_json:
        show_json({"system": supervisor.name, "path": str(supervisor.file), "running": supervisor.is_running()})
    else:
        show(
            f"wrote {supervisor.file}", "`booklore serve` runs now and at every start; `booklore service status` looks."
        )
    advise(supervisor, program)


@app.command()
def status(as_json: Json = False) -> None:
    """Tell whether `booklore serve` is installed as a service, and runs, as one or otherwise.

    --json prints {"system", "path", "installed", "running", "urls": [URL…]}: where the bridge listens now.
    """
    from booklore_core.bridge.listening import listeners

    supervisor = find_supervisor()
    urls = [one.url for one in listeners(find_places().home)]
    path = str(supervisor.file) if supervisor else None
    is_installed = supervisor is not None and supervisor.file.is_file()
    is_running = supervisor is not None and is_installed and supervisor.is_running()
    if as_json:
        name = supervisor.name if supervisor else None
        show_json({"system": name, "path": path, "installed": is_installed, "running": is_running, "urls": urls})
        return
    if is_installed:
        show(f"installed     {path}", f"running       {'yes' if is_running else 'no; its log says why'}")
    else:
        show("not installed; `booklore service install` does that" if supervisor else NONE_HERE)
    show(f"reached at    {', '.join(urls) or 'nobody serves'}")


@app.command()
def uninstall(as_json: Json = False) -> None:
    """Run it no more, and remove what `install` wrote. Data and settings stay.

    --json prints {"path", "removed"}.
    """
    supervisor = find_supervisor()
    if supervisor is None:
        raise Refused(NONE_HERE)
    is_installed = supervisor.file.is_file()
    if is_installed:
        supervisor.stop()
        supervisor.file.unlink()
    if as_json:
        show_json({"path": str(supervisor.file), "removed": is_installed})
    else:
        show(f"removed {supervisor.file}" if is_installed else "no service is installed")


def program_for(host: str | None, port: int | None) -> Program:
    where = [*(["--host", host] if host else []), *(["--port", str(port)] if port else [])]
    with opened() as core:
        environment = {"BOOKLORE_HOME": str(core.places.home), **dict(open_variables(core, os.environ))}
    return Program([sys.executable, "-m", "booklore_core", "serve", *where], environment)


def open_variables(core: "Core", environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The variables that may stand where anybody reads them. What is kept back is told, with what to do."""
    from booklore_core.storage.faults import redact
    from booklore_core.storage.preset import variable_name

    by_setting = {
        variable: value
        for value in core.settings
        for variable in (variable_name(value.name), value.setting.env)
        if variable
    }
    for name, text in sorted(environ.items()):
        if name == "BOOKLORE_CONFIG" or name.startswith("BOOKLORE_") and name.endswith("_FILE"):
            yield name, str(Path(text).absolute())
        elif name in by_setting and by_setting[name].setting.secret:
            say(f"{name} is a secret and was left out: `booklore config set {by_setting[name].name}`, or {name}_FILE")
        elif name == DATABASE_URL and redact(text) != text:
            say(f"{name} holds a password and was left out: put it into a file, and give {name}_FILE")
        elif name in by_setting or name == DATABASE_URL or name.removeprefix("BOOKLORE_") in PLAIN:
            yield name, text


def show_only(supervisor: Supervisor | None, program: Program, as_json: bool) -> None:
    variables = [f"export {name}={shlex.quote(value)}" for name, value in program.environment.items()]
    by_hand = "\n".join(["#!/bin/sh", *variables, f"exec {shlex.join(program.words)}", ""])
    content = supervisor.text(program) if supervisor else by_hand
    if as_json:
        path, name = (str(supervisor.file), supervisor.name) if supervisor else (None, None)
        show_json({"system": name, "path": path, "content": content})
        return
    show_exactly(content.rstrip("\n"))
    for line in (f"That would be {supervisor.file}.",) if supervisor else BY_HAND:
        say(line)


def put_up(supervisor: Supervisor, program: Program) -> None:
    """Writes the file and starts what it says. Raises Refused; then a file that was not there before is gone again."""
    file = supervisor.file
    was_there = file.exists()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(supervisor.text(program), encoding="utf-8")
        supervisor.start()
    except OSError as error:
        raise Refused(f"{file}: cannot be written ({error.strerror})") from error
    except Refused:
        if not was_there:
            file.unlink()
        raise


def advise(supervisor: Supervisor, program: Program) -> None:
    """What is left to do for a person."""
    from booklore_core.bridge.listening import is_loopback

    words = list(program.words)
    host = words[words.index("--host") + 1] if "--host" in words else "127.0.0.1"
    if is_loopback(host):
        say(f"It listens on {host} only, where no e-reader reaches it: `booklore service install --host 0.0.0.0`.")
    if isinstance(supervisor, Systemd) and not (LINGER / os.environ.get("USER", "")).is_file():
        say("It runs while you are logged in; `loginctl enable-linger` lets it run from the machine's start on.")
