"""What the reader in a browser leaves: sessions of its own, and its place. Source: contract 5, 6.1."""

from __future__ import annotations

import re
from datetime import datetime

from booklore_core.testing.orbit.attempts import begin, follow
from booklore_core.testing.orbit.orbit_state import (
    Fields,
    OrbitBook,
    OrbitRefusal,
    OrbitState,
    OrbitUser,
    check_body,
    day_of,
    iso,
)
from booklore_core.testing.orbit.page_stats import SHORTEST
from booklore_core.testing.orbit.rules import anything, text

OPTIONAL = ("progressDelta", "endProgress")
NOWHERE = ("positionSeconds", "koboLocationSource", "koboLocationType", "koboLocationValue")
CHAPTER = re.compile(r"epubcfi\(/6/(\d+)!.*")


def file_of(state: OrbitState, user: OrbitUser, number: str) -> OrbitBook:
    if not number.isdigit() or int(number) not in state.books:
        raise OrbitRefusal(404, f"No file with id {number}")
    return state.book_for(user, number)


def post_web_session(state: OrbitState, user: OrbitUser, book: OrbitBook, body: object) -> None:
    """One under an id that is known changes nothing, and one of seconds is none."""
    more = dict.fromkeys(("startedAt", "endedAt", "durationSeconds", *OPTIONAL), anything())
    told = check_body(body, sessionId=text(64), **more)
    start, end = (datetime.fromisoformat(told[name]).timestamp() for name in ("startedAt", "endedAt"))
    if end < start:
        raise OrbitRefusal(400, "endedAt must be greater than or equal to startedAt")
    duration = min(told["durationSeconds"], int(end - start))
    if duration < SHORTEST:
        return
    number, rows = next(state.session_ids), state.sessions.setdefault((user.id, book.id), [])
    if told["sessionId"] not in {one["key"] for one in rows}:
        row = {"id": number, "key": told["sessionId"], "source": "web", "start": int(start), "end": int(end)}
        row |= {"duration": duration, "delta": told.get("progressDelta"), "at": told.get("endProgress")}
        follow(state, user, book, told.get("endProgress") or 0, at=start, origin="bookorbit")
        rows.append({**row, "attempt": begin(state, user, book, "bookorbit", day_of(start))["id"]})


def post_manual_session(state: OrbitState, user: OrbitUser, book: OrbitBook, body: Fields) -> Fields:
    """Nothing tells two of them apart."""
    start, duration = datetime.fromisoformat(body["startedAt"]).timestamp(), 60 * body["durationMinutes"]
    row = {"id": next(state.session_ids), "key": "", "source": "manual", "start": int(start), "duration": duration}
    row |= {"end": int(start) + duration, "delta": None, "at": None}
    row["attempt"] = begin(state, user, book, "manual", day_of(start))["id"]
    state.sessions.setdefault((user.id, book.id), []).append(row)
    told = {"id": row["id"], "startedAt": iso(row["start"]), "endedAt": iso(row["end"]), "durationSeconds": duration}
    return {**told, "progressDelta": None, "endProgress": None, "format": book.format, "source": "manual"}


def get_web_progress(state: OrbitState, user: OrbitUser, book: OrbitBook) -> Fields:
    shared = state.shared.get((user.id, book.id)) or {}
    place, at, read = shared.get("place"), iso(shared.get("at") or 0), iso(shared.get("read") or 0)
    page = int(place) if place and place.isdigit() else None
    told = {"bookFileId": book.id, "userId": user.id, "percentage": shared.get("percent"), "cfi": shared.get("cfi")}
    told |= {**dict.fromkeys(NOWHERE), "koboContentSourceProgressPercent": None, "pageNumber": page}
    return {**told, "koreaderProgress": place, "updatedAt": at, "lastReadAt": read}


def post_web_progress(state: OrbitState, user: OrbitUser, book: OrbitBook, body: Fields) -> None:
    """Devices are told the chapter of it."""
    chapter = CHAPTER.fullmatch(body.get("cfi") or "")
    place = f"/body/DocFragment[{int(chapter[1]) // 2}]/body" if chapter else None
    told = {"percent": body["percentage"], "place": place, "cfi": body.get("cfi"), "at": state.now(), "is_web": True}
    state.shared[user.id, book.id] = {**told, "read": told["at"], "written": next(state.written)}
    follow(state, user, book, body["percentage"], origin="bookorbit")
