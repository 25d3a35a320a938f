"""Under which names devices are known at a BookOrbit: the first eight characters of each have to be unique.

Sessions of two whose names begin alike delete each other. Source: bookorbit contract 5, 14.
"""

from __future__ import annotations

import hashlib
from typing import Any

from booklore_core import Store

BEGINNING = 8
DEVICES = "devices"
MODEL = "BookLore Sync"
LOOKING = "looks at what is there"


class OrbitDevices:
    """Made of each device's own name, and remembered."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def id_of(self, device: str) -> str:
        """32 hex digits."""
        known: dict[str, str] = self._store.get(DEVICES, {})
        if device not in known:
            taken = {one[:BEGINNING] for one in known.values()}
            names = (hex_of(f"{device}{'.' * number}") for number in range(len(taken) + 1))
            known[device] = next(name for name in names if name[:BEGINNING] not in taken)
            self._store.set(DEVICES, known)
        return known[device]


def hex_of(text: str) -> str:
    return hashlib.md5(f"booklore {text}".encode(), usedforsecurity=False).hexdigest()


def as_device(device_id: str, model: str = MODEL) -> dict[str, Any]:
    """What every request says of who sends it."""
    return {"deviceId": device_id, "deviceModel": model[:100] or MODEL, "pluginVersion": "1.0.0"}
