"""Times that a book was read, from its first page to its last: what opens and ends them. Source: contract 9.2."""

from __future__ import annotations

from typing import Any

from booklore_core.testing.orbit.orbit_state import Fields, OrbitBook, OrbitState, OrbitUser, day_of, iso

FINISHED, FALL = 98, 10
COMPLETED, LATEST = "completed", 10**10
NO_SOURCE = {"externalProvider": None, "externalId": None}


def attempts_of(state: OrbitState, user: OrbitUser, book: OrbitBook) -> list[Fields]:
    """The latest first."""
    return [one for one in reversed(state.attempts) if (one["user"], one["book"]) == (user.id, book.id)]


def open_attempt(state: OrbitState, user: OrbitUser, book: OrbitBook) -> Fields | None:
    return next((one for one in attempts_of(state, user, book) if one["ended"] is None), None)


def begin(state: OrbitState, user: OrbitUser, book: OrbitBook, origin: str, day: str | None) -> Fields:
    """The attempt that is under way, or a new one."""
    known = open_attempt(state, user, book)
    if known is None:
        number, now = next(state.attempt_ids), state.now()
        known = {"id": number, "user": user.id, "book": book.id, "started": day, "ended": None, "origin": origin}
        known |= {"made": now, "changed": now}
        state.attempts.append(known)
    return known


def complete(state: OrbitState, user: OrbitUser, book: OrbitBook, origin: str, day: str, started: str | None) -> None:
    begin(state, user, book, origin, started).update(ended=day, changed=state.now())


def list_attempts(state: OrbitState, user: OrbitUser, book: OrbitBook) -> Fields:
    items = [attempt_json(state, one) for one in attempts_of(state, user, book)]
    return {"items": items, "page": 1, "pageSize": 20, "total": len(items)}


def attempt_json(state: OrbitState, row: Fields) -> Fields:
    """With its sessions; equal ones count once."""
    sessions = [one for one in state.sessions.get((row["user"], row["book"]), ()) if one.get("attempt") == row["id"]]
    own = {(one["start"], one["end"], one["duration"]): one for one in sessions}.values()
    told = {"id": row["id"], "bookId": row["book"], "startedOn": row["started"], "endedOn": row["ended"]}
    told |= {"outcome": COMPLETED if row["ended"] else None, "origin": row["origin"], **NO_SOURCE}
    told |= {"totalSessions": len(own), "totalSeconds": sum(one["duration"] for one in own)}
    return {**told, "createdAt": iso(row["made"]), "updatedAt": iso(row["changed"])}


def follow(
    state: OrbitState, user: OrbitUser, book: OrbitBook, percent: float, before: float | None = None,
    at: float | None = None, origin: str = "koreader",
) -> None:  # fmt: skip
    """What the status becomes when the reader is here. before: where the device was. at: when, seconds since 1970."""
    row, now = state.state_of(user, book), state.now()
    wanted = status_at(row, percent, before)
    if wanted == row["status"]:
        return
    day = day_of(now if at is None or at > LATEST else at)
    if wanted == "read":
        complete(state, user, book, origin, day, day)
    else:
        begin(state, user, book, origin, day)
    row.update(status=wanted, statusAt=now, is_finished=row["is_finished"] or wanted == "read")


def status_at(row: Fields, percent: float, before: float | None) -> Any:
    status = row["status"]
    if percent >= FINISHED:
        return "read"
    if percent <= 0:
        return status
    if status == "read":
        return "rereading" if before is not None and before - percent >= FALL else "read"
    if status == "rereading" or (row["is_finished"] and status in ("abandoned", "unread")):
        return status
    return "rereading" if row["is_finished"] else "reading"


def set_by_hand(state: OrbitState, user: OrbitUser, book: OrbitBook, status: str) -> None:
    """A status that was chosen: `read` ends the attempt under way, or stands for one of which nothing is known."""
    row, now = state.state_of(user, book), state.now()
    if status == "read" and row["status"] != "read":
        complete(state, user, book, "manual", day_of(now), None)
    if status == "reading" and row["status"] != "reading":
        begin(state, user, book, "manual", day_of(now))
    row["is_finished"] = row["is_finished"] or status == "read"
