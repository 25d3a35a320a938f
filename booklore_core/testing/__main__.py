"""Runs the fake server as a program: prints its URL, an account that can log in, and serves until it is stopped."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from booklore_core.testing.orbit import BookOrbitServer
from booklore_core.testing.server import DIALECTS, BookLoreServer

BOOKORBIT = "bookorbit"

LOOKS = 0.1
"""Seconds between two looks whether it shall end."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT."""
    options = _parser().parse_args(arguments)
    come: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: come.append(number))
    try:
        server = _server(options).start()
    except (OSError, ValueError, KeyError) as error:
        sys.stderr.write(f"the server cannot start: {error!r}\n")
        return 1
    sys.stdout.write(f"{server.url}\nuser: {server.username}\npassword: {server.password}\n")
    if server.koreader_username:
        sys.stdout.write(f"KOReader user: {server.koreader_username}\nKOReader password: {server.koreader_password}\n")
    sys.stdout.flush()
    while not come:
        time.sleep(LOOKS)
    server.stop()
    return 0


def _server(options: argparse.Namespace) -> BookLoreServer | BookOrbitServer:
    sync = {"on": True, "off": False, None: None}[options.koreader_sync]
    if options.dialect == BOOKORBIT:
        about = {"koreader_sync": sync is not False, "port": options.port, "seconds": options.seconds}
        return BookOrbitServer(options.library, **about)
    return BookLoreServer(options.dialect, options.library, koreader_sync=sync, port=options.port)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m booklore_core.testing", description=__doc__)
    parser.add_argument("--dialect", choices=sorted((*DIALECTS, BOOKORBIT)), required=True)
    parser.add_argument("--library", type=Path, metavar="FILE", help="books and accounts; a few small books without it")
    parser.add_argument("--koreader-sync", choices=("on", "off"), help="default: as the library says, else on")
    about = "that a BookOrbit takes for a request; 0.3 on a real one (default: %(default)s)"
    parser.add_argument("--seconds", type=float, default=0.02, help=about)
    parser.add_argument("--port", type=int, default=0, help="default: any free port")
    return parser


if __name__ == "__main__":
    sys.exit(main())
