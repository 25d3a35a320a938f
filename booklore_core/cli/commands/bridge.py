"""`booklore bridge`: puts the shim onto an e-reader, and pairs it with this core."""

import socket
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from booklore_core.cli.commands.serve import PORT, Port
from booklore_core.cli.errors import Refused
from booklore_core.cli.opening import opened
from booklore_core.cli.options import Json
from booklore_core.cli.output import say, show, show_json, show_table

Url = Annotated[
    str | None, typer.Option(help="Address at which e-readers reach this computer.", show_default="found out")
]

CONNECT_SECONDS = 2.0

app = typer.Typer(no_args_is_help=True, help="Connect e-readers.")


@app.command()
def install(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="KOReader's folder on the e-reader.")],
    url: Url = None,
    port: Port = PORT,
    as_json: Json = False,
) -> None:
    """Put the shim into a KOReader folder."""
    from booklore_core.bridge.install import install as put

    address = reached_at(url, port)
    with opened() as core:
        folder = put(core, directory, address)
    if as_json:
        show_json({"path": str(folder), "url": address})
    else:
        show(f"installed {folder}", f"It pairs by itself within ten minutes, at {address}.")
    if url is None:
        tell_if_silent(address)


@app.command()
def pair(url: Url = None, port: Port = PORT, as_json: Json = False) -> None:
    """Show a code with which an e-reader may join, for ten minutes and once."""
    from booklore_core.bridge.pairing import new_code

    with opened() as core:
        code, expires_in = new_code(core)
    address = reached_at(url, port)
    if as_json:
        show_json({"code": code, "expires_in": expires_in, "url": address})
    else:
        show(f"Code {code}, good for {expires_in // 60} minutes, at {address}")
    if url is None:
        tell_if_silent(address)


@app.command()
def kosync_user(
    name: Annotated[str, typer.Argument(help="Of the account; one that there is gets a new password.")],
    url: Url = None,
    port: Port = PORT,
    as_json: Json = False,
) -> None:
    """Make an account for e-readers and apps that speak KOReader's progress sync only."""
    from booklore_core.bridge.accounts import BadName, new_account

    with opened() as core:
        try:
            password = new_account(core, name)
        except BadName as error:
            raise Refused(str(error)) from error
    address = url or own_address(port)
    server = f"{address.rstrip('/')}/kosync"
    if as_json:
        show_json({"username": name, "password": password, "url": server})
    else:
        show(f"Server    {server}", f"Username  {name}", f"Password  {password}", "The password is not shown again.")
    if url is None:
        tell_if_silent(address)


@app.command()
def devices(as_json: Json = False) -> None:
    """List the e-readers."""
    with opened() as core:
        found = core.devices.paired()
    if as_json:
        show_json(found)
    elif not found:
        show("No e-reader is paired yet; `booklore bridge pair` makes a code for one.")
    else:
        names = ("id", "name", "model", "last_seen", "waiting")
        rows = [[in_one_line(one[name]) for name in names] for one in found]
        show_table(rows, "ID", "NAME", "MODEL", "LAST SEEN", "WAITING#")


@app.command()
def revoke(device: Annotated[str, typer.Argument(metavar="ID")], as_json: Json = False) -> None:
    """Let an e-reader in no more, nor one that got its settings as a copy. What they have handed over stays.

    --json prints {"id", "revoked": true, "also": [ID…]}: those that spoke by the same token.
    """
    with opened() as core:
        revoked = core.devices.revoke(device)
    if not revoked:
        raise Refused(f"no paired device {device!r}; `booklore bridge devices` lists them")
    others = [one for one in revoked if one != device]
    if as_json:
        show_json({"id": device, "revoked": True, "also": others})
    elif others:
        show(f"{device} and {', '.join(others)}, which spoke by the same token, have to be paired anew, each by itself")
    else:
        show(f"{device} is let in no more; `booklore bridge pair` and `kosync-user` let e-readers in")


def in_one_line(cell: Any) -> Any:
    """A device says its name itself."""
    return " ".join(cell.split()) if isinstance(cell, str) else cell


def reached_at(url: str | None, port: int) -> str:
    """The address that a person has given, in full, or this computer's. Raises ItemFailed for what is none."""
    from booklore_core.http import normalize_url

    return normalize_url(url) if url else own_address(port)


def own_address(port: int) -> str:
    """Where this computer is reached from its own network. Nothing is sent to find out."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            host = probe.getsockname()[0]
        except OSError:
            host = "127.0.0.1"
    return f"http://{host}:{port}"


def tell_if_silent(address: str) -> None:
    """Tells that no e-reader finds the bridge at an address of this computer: it is not up, or on loopback only."""
    parts = urlsplit(address)
    try:
        socket.create_connection((parts.hostname, parts.port), CONNECT_SECONDS).close()
    except OSError:
        say(f"Nothing answers at {address} yet: start `booklore serve --host 0.0.0.0`, or give an address with --url.")
