"""The right to deliver to a target: one run at a time, across processes."""

import os
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta

from booklore_core.storage.database import Database

Clock = Callable[[], datetime]

LEASE = 60.0
"""Seconds after a run's last sign of life at which another run may take over."""

ABSURD = timedelta(minutes=10)
"""By so much two computers' clocks may differ."""

TAKE_LEASE = """
INSERT INTO leases (target, owner, expires_at) VALUES (:target, :owner, :expires_at)
ON CONFLICT (target) DO UPDATE SET owner = excluded.owner, expires_at = excluded.expires_at
WHERE leases.owner = excluded.owner OR leases.expires_at <= :now OR leases.expires_at > :absurd
"""
"""A lease far in the future was taken before the clock was set back; it would bar everybody until then."""


class LeaseLost(Exception):
    """Another run took over: this one was silent for too long and must not send anything more."""

    reason = "another sync is running, or was cut off less than a minute ago"


class Lease:
    """The right to deliver to a target, across processes."""

    def __init__(self, database: Database, target: str, clock: Clock) -> None:
        self._database, self._table, self._clock = database, database.table("leases"), clock
        self._mine = {"target": target, "owner": f"{os.getpid()}-{uuid.uuid4()}"}
        self._renewed = clock()

    def take(self) -> bool:
        """Whether the lease could be had."""
        self._renewed = now = self._clock()
        limits = {"now": now.timestamp(), "absurd": expiry(now + ABSURD)}
        return self._database.run(TAKE_LEASE, **self._mine, **limits, expires_at=expiry(now)) > 0

    def renew(self) -> None:
        """A sign of life. Raises LeaseLost."""
        now = self._clock()
        if self._table.update({**self._mine, "expires_at": expiry(now)}, list(self._mine)) == 0:
            raise LeaseLost(self._mine["target"])
        self._renewed = now

    def holds(self) -> bool:
        """Whether nobody else can have taken over since the last sign of life, without asking the database: this
        computer may have slept in between."""
        return self._renewed <= self._clock() < self._renewed + timedelta(seconds=LEASE)

    def drop(self) -> None:
        self._table.delete(**self._mine)


def expiry(now: datetime) -> float:
    return (now + timedelta(seconds=LEASE)).timestamp()
