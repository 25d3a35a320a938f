"""What a device is told at its next contact, because it was not there when it became known."""

import threading
from collections import deque
from typing import Any

MAX_LETTERS = 20
"""Effects kept per device; older ones go first."""


class Mailbox:
    """Effects per device, in memory."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._letters: dict[str, deque[dict[str, Any]]] = {}

    def post(self, device: str, effects: list[dict[str, Any]]) -> None:
        with self._lock:
            self._letters.setdefault(device, deque(maxlen=MAX_LETTERS)).extend(effects)

    def collect(self, device: str) -> list[dict[str, Any]]:
        with self._lock:
            return list(self._letters.pop(device, ()))
