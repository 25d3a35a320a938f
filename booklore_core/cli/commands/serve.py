"""`booklore serve`: the bridge that e-readers talk to."""

from typing import Annotated

import typer

from booklore_core.cli.opening import usable_places

PORT = 8765
Port = Annotated[int, typer.Option(envvar="BOOKLORE_PORT", min=0, max=65535, help="Where the bridge listens.")]


def serve(
    host: Annotated[
        str, typer.Option(envvar="BOOKLORE_HOST", help="Address to listen on; 0.0.0.0 opens it to the network.")
    ] = "127.0.0.1",
    port: Port = PORT,
) -> None:
    """Serve the bridge for e-readers until stopped."""
    from booklore_core.bridge.serve import serve_until_stopped

    serve_until_stopped(usable_places(), host, port)
