"""Where a running `booklore serve` listens: each one tells it in a file that stands beside a lock of its own.

The system lets go of the lock when its process ends, however that ends, so a file without one tells of nobody.
"""

import ipaddress
import json
import logging
import socket
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from booklore_core.storage.occupancy import RUNNING, is_held, locked, remove

log = logging.getLogger(__name__)

FILE, LOCK = ".address", ".serving"
EVERYWHERE = ("0.0.0.0", "::", "")


@dataclass(frozen=True)
class Listening:
    """host: what the bridge is bound to, port included."""

    host: str
    port: int

    @property
    def is_open(self) -> bool:
        """Whether other machines may reach it."""
        return not is_loopback(self.host)

    @property
    def url(self) -> str:
        """Where e-readers reach it, or this machine alone."""
        return address(own_host() if self.host in EVERYWHERE else self.host, self.port)


@contextmanager
def announced(home: Path, listener: Listening) -> Iterator[None]:
    """Tells every command where this process listens. Where the folder takes no files or locks nobody is told."""
    with ExitStack() as until_the_end:
        try:
            place = home / RUNNING / uuid.uuid4().hex
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = locked(place.with_suffix(LOCK))
            for end in (lambda: remove(place.with_suffix(LOCK)), lock.release, lambda: remove(place.with_suffix(FILE))):
                until_the_end.callback(end)
            place.with_suffix(FILE).write_text(json.dumps(asdict(listener)), encoding="utf-8")
        except (OSError, RuntimeError) as error:
            log.debug("%s: nobody can be told where the bridge listens (%s)", home, error)
        yield


def listeners(home: Path) -> list[Listening]:
    """Those that serve now. What processes that were killed left behind goes."""
    found = []
    for file in sorted((home / RUNNING).glob(f"*{FILE}")):
        if not is_held(file.with_suffix(LOCK)):
            remove(file)
            continue
        with suppress(OSError, ValueError):  # it begins or ends at this moment
            found.append(Listening(**json.loads(file.read_text(encoding="utf-8"))))
    return found


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def address(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def own_host() -> str:
    """Where this computer is reached from its own network. Nothing is sent to find out."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            host: str = probe.getsockname()[0]
        except OSError:
            host = "127.0.0.1"
    return host
