"""`booklore bridge`: puts the shim onto an e-reader, and pairs it with this core."""

from pathlib import Path
from typing import Annotated, Any

import typer

from booklore_core.cli.errors import Refused
from booklore_core.cli.opening import opened
from booklore_core.cli.options import Json
from booklore_core.cli.output import say, show, show_json, show_qr, show_table
from booklore_core.cli.reaching import BridgePort, Header, Url, header_table, way_to_bridge
from booklore_core.cli.status_view import local
from booklore_core.cli.terminal import read_secret, typed_secret

app = typer.Typer(no_args_is_help=True, help="Connect e-readers.")


@app.command()
def install(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="KOReader's folder on the e-reader.")],
    url: Url = None,
    port: BridgePort = None,
    header: Header = None,
    as_json: Json = False,
) -> None:
    """Put the shim into a KOReader folder, with a token of its own that lives until it is used.

    --json prints {"path", "url", "warnings": [TEXT…]}.
    """
    from booklore_core.bridge.beside import rivals
    from booklore_core.bridge.install import install as put
    from booklore_core.bridge.standing import note_targets

    way, headers = way_to_bridge(url, port), header_table(header)
    with opened() as core:
        folder = put(core, directory, way.url, headers)
        warnings = list(rivals(core, folder, way.url))
        note_targets(core)
    if as_json:
        show_json({"path": str(folder), "url": way.url, "warnings": warnings})
    else:
        show(f"installed {folder}", f"It speaks to {way.url} with a token of its own, which does not expire.")
    way.tell_doubt()
    for warning in warnings:
        say(warning)
    if not as_json:
        show("Restart KOReader now, and it is there: Tools → BookLore Sync.")


@app.command("zip")
def pack(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The archive, such as booklorebridge.koplugin.zip.")],
    url: Url = None,
    port: BridgePort = None,
    header: Header = None,
    as_json: Json = False,
) -> None:
    """Pack the shim for one e-reader, with a token of its own: to be unpacked into KOReader's folder `plugins`.

    --json prints {"path", "url"}.
    """
    from booklore_core.bridge.install import archive

    way, headers = way_to_bridge(url, port), header_table(header)
    with opened() as core:
        archive(core, file, way.url, headers)
    if as_json:
        show_json({"path": str(file.absolute()), "url": way.url})
    else:
        show(f"wrote {file}, for one e-reader; it speaks to {way.url} with a token of its own, which does not expire.")
    way.tell_doubt()
    if not as_json:
        show("Unpack it into KOReader's folder `plugins`, and restart KOReader.")


@app.command()
def pair(url: Url = None, port: BridgePort = None, as_json: Json = False) -> None:
    """Show a code with which an e-reader may join, for ten minutes and once."""
    from booklore_core.bridge.pairing import new_code

    way = way_to_bridge(url, port)
    with opened() as core:
        code, expires_in = new_code(core)
    if as_json:
        show_json({"code": code, "expires_in": expires_in, "url": way.url})
    else:
        show(f"Code {code}, good for {expires_in // 60} minutes, at {way.url}")
        show_qr(f"{way.url}\n{code}")
    way.tell_doubt()


@app.command()
def kosync_user(
    name: Annotated[str, typer.Argument(help="Of the account; one that there is gets a new password.")],
    url: Url = None,
    port: BridgePort = None,
    as_json: Json = False,
) -> None:
    """Make an account for e-readers and apps that speak KOReader's progress sync only."""
    from booklore_core.bridge.accounts import BadName, new_account

    with opened() as core:
        try:
            password = new_account(core, name)
        except BadName as error:
            raise Refused(str(error)) from error
    way = way_to_bridge(url, port)
    server = f"{way.url.rstrip('/')}/kosync"
    if as_json:
        show_json({"username": name, "password": password, "url": server})
    else:
        show(f"Server    {server}", f"Username  {name}", f"Password  {password}", "The password is not shown again.")
    if url is None:
        way.tell_doubt()


@app.command()
def devices(as_json: Json = False) -> None:
    """List the e-readers, and the installations that no e-reader has used yet."""
    from booklore_core.bridge.newcomers import listed

    with opened() as core:
        found = listed(core)
    if as_json:
        show_json(found)
    elif not found:
        show("No e-reader is paired yet; `booklore bridge pair` makes a code for one.")
    else:
        names = ("id", "name", "model", "last_seen", "waiting")
        found = [{**one, "last_seen": one["last_seen"] and local(one["last_seen"])} for one in found]
        rows = [[in_one_line(UNKNOWN.get(name) if one[name] is None else one[name]) for name in names] for one in found]
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


@app.command()
def page_password(
    password_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Holds the password; - reads it from standard input.")
    ] = None,
    forget: Annotated[bool, typer.Option("--forget", help="Have none: other computers get in by a link only.")] = False,
    as_json: Json = False,
) -> None:
    """Set the password of the page that `booklore serve` shows in the browser. Whoever is in has to enter anew.

    --json prints {"has_password"}.
    """
    from booklore_core.bridge.web.gate import BadPassword, Keys

    with opened(plugins=False) as core:
        keys = Keys(core)
        if forget:
            keys.forget_password()
        else:
            given = read_secret(password_file) if password_file else typed_secret("Password", "--password-file", True)
            try:
                keys.set_password(given)
            except BadPassword as error:
                raise Refused(str(error)) from error
    if as_json:
        show_json({"has_password": not forget})
    else:
        show("The page has no password any more." if forget else "The page asks for this password from now on.")


@app.command()
def page_link(url: Url = None, port: BridgePort = None, as_json: Json = False) -> None:
    """Make a link that lets one browser in to the page, once and within a day.

    --json prints {"url", "expires_in"}: seconds.
    """
    from booklore_core.bridge.web.gate import LINK_LIFE, Keys

    way = way_to_bridge(url, port)
    with opened(plugins=False) as core:
        link = f"{way.url}/enter?key={Keys(core).new_link()}"
    if as_json:
        show_json({"url": link, "expires_in": int(LINK_LIFE.total_seconds())})
    else:
        show(link)
    way.tell_doubt()


UNKNOWN = {"last_seen": "installed, not seen yet"}


def in_one_line(cell: Any) -> Any:
    """A device says its name itself."""
    return " ".join(cell.split()) if isinstance(cell, str) else cell
