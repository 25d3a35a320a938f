"""Devices that have not been seen yet: an installation leaves a token for each, which lives until it is used.

It is a device's token from the first: it is listed, can be revoked, and no more than its hash is kept. What it does not
know is the id of its device, which makes that up itself and tells it when it first hands something over.
"""

import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from booklore_core.bridge.pairing import devices_of, hash_token
from booklore_core.core import Core

PREFIX = "installed:"
"""What the ids of newcomers begin with."""


NAMES = ":devices"
"""Where the names are kept that people have given; no plugin can be called so."""


def is_newcomer(device: str) -> bool:
    return device.startswith(PREFIX)


@contextmanager
def token_for(core: Core, place: str, held: Iterable[str]) -> Iterator[str]:
    """A token for the device of a place, which is told to people. held: the tokens that lie there already.

    One by which a device speaks is kept. Otherwise the token is new, and takes the place of those that nobody used.
    When what is done with it fails, all stays as it was.
    """
    owners = {token: devices_of(core, token) for token in held}
    known = next((token for token, devices in owners.items() if not all(map(is_newcomer, devices))), None)
    if known is not None:
        yield known
        return
    token, newcomer = secrets.token_urlsafe(32), f"{PREFIX}{secrets.token_hex(4)}"
    core.devices.pair(newcomer, place, None, hash_token(token), core.clock())
    try:
        yield token
    except BaseException:
        core.devices.revoke(newcomer)
        raise
    for device in (device for devices in owners.values() for device in devices):
        core.devices.revoke(device)


def may_speak(core: Core, device: str, name: str | None, model: str | None, owners: Sequence[str]) -> bool:
    """Whether a device speaks by a token of these owners: its own, or a newcomer's, which becomes its own by that."""
    if device in owners:
        return True
    [newcomer, *others] = owners
    if others or not is_newcomer(newcomer):
        return False
    with core.database.writing():
        token_hash = dict(core.devices.with_token()).get(newcomer)
        if token_hash is None:
            return False  # a copy of its folder was quicker
        core.devices.revoke(newcomer)
        core.devices.pair(device, name, model, token_hash, core.clock())
    return True


def give_name(core: Core, device: str, name: str) -> None:
    """What people call a device from now on, whatever it says itself; empty: as it says at its next contact."""
    core.store(NAMES).set(device, name)
    if name:
        core.devices.call(device, name)


def given_name(core: Core, device: str) -> str:
    return str(core.store(NAMES).get(device) or "")


def listed(core: Core) -> list[dict[str, Any]]:
    """Who may speak, newcomers with None for when they were seen."""
    return [{**one, "last_seen": None} if is_newcomer(one["id"]) else one for one in core.devices.paired()]
