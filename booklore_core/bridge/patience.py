"""How long the bridge waits for who calls it: a call whose head or body comes too slowly is given up.

Connections are few (`serve.LIMITS`), so that nobody may keep one of them for nothing, and all others out by that.
"""

import asyncio
from typing import Any

from starlette.types import Message, Receive
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_WITHIN, BODY_WITHIN = 15.0, 15.0
"""Seconds for the head of a call, from its connection or its first byte on; and for the body of one by anybody."""

PART_WITHIN = 20.0
"""Seconds that a paired device may let pass between two pieces of a body."""


class PatientProtocol(H11Protocol):
    """HTTP, with a limit on how long a call's head may take."""

    _waits: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._is_in_call():
            self._wait_no_more()
        elif self._waits is None and self.timeout_keep_alive_task is None:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait_no_more()
        super().connection_lost(exc)

    def _is_in_call(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _wait(self) -> None:
        self._waits = self.loop.call_later(HEAD_WITHIN, self._give_up)

    def _wait_no_more(self) -> None:
        if self._waits is not None:
            self._waits.cancel()
            self._waits = None

    def _give_up(self) -> None:
        self._waits = None
        if not self._is_in_call():
            self.transport.close()


def in_time(receive: Receive, is_paired: bool) -> Receive:
    """receive, but TimeoutError once the body takes too long: as a whole, or of a paired device a piece of it."""
    loop = asyncio.get_running_loop()
    until, is_whole = loop.time() + BODY_WITHIN, False

    async def receive_in_time() -> Message:
        nonlocal is_whole
        if is_whole:  # what comes now is that the caller goes
            return await receive()
        async with asyncio.timeout_at(loop.time() + PART_WITHIN if is_paired else until):
            message = await receive()
        is_whole = not message.get("more_body", False)
        return message

    return receive_in_time
