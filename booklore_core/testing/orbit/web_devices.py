"""The KOReader account and its devices, as its owner sees them in a browser. Source: contract 3.1, 11, 12.5."""

from __future__ import annotations

import hashlib
from typing import Any

from booklore_core.testing.orbit.catalogue import VERSION
from booklore_core.testing.orbit.orbit_state import (
    Fields,
    OrbitBook,
    OrbitRefusal,
    OrbitState,
    OrbitUser,
    check_body,
    iso,
)
from booklore_core.testing.orbit.rules import Expected, truth
from booklore_core.testing.orbit.web_marks import own_rows

NO_DEVICE, TAKEN = "KOReader device not found", "Username already taken"
PATTERNS = dict.fromkeys(("fileNamingPattern", "seriesFileNamingPattern", "standaloneFileNamingPattern"))
SHORT = (("NAME must be longer than or equal to 6 characters", lambda value: len(str(value)) >= 6),)
MADE = "2026-08-18T00:00:00.000Z"
SUCCESS = {"success": True}


def last_places(state: OrbitState, user: OrbitUser) -> dict[tuple[str, str], tuple[Fields, OrbitBook]]:
    """Of each device, the place that it told last, and the book; the latest first."""
    told = [
        (about, row, state.books[book])
        for (owner, book), rows in state.places.items()
        if owner == user.id and book in state.books
        for about, row in rows.items()
    ]
    told.sort(key=lambda one: -one[1]["written"])
    last: dict[tuple[str, str], tuple[Fields, OrbitBook]] = {}
    for about, row, book in told:
        last.setdefault(about, (row, book))
    return last


def list_devices(state: OrbitState, user: OrbitUser) -> list[Fields]:
    """Those that have told a place."""
    return [
        {
            "device": name, "deviceId": number, "lastSyncAt": iso(row.get("at") or 0), "lastBookTitle": book.title,
            "retiredAt": retired_at(state, user, number), **PATTERNS,
        }
        for (name, number), (row, book) in last_places(state, user).items()
    ]  # fmt: skip


def retired_at(state: OrbitState, user: OrbitUser, number: str) -> str | None:
    at = state.retired.get((user.id, number))
    return None if at is None else iso(at)


def get_status(state: OrbitState, user: OrbitUser) -> Fields:
    devices = list_devices(state, user)
    books = {book for owner, book in state.places if owner == user.id}
    told: Fields = {"credentials": credentials(user), "devices": devices, "totalSyncedBooks": len(books)}
    told |= {"lastSyncAt": devices[0]["lastSyncAt"] if devices else None, "sweeps": sweeps(state, user)}
    is_old = any(one["updateAvailable"] for one in told["sweeps"])
    told |= {"latestPluginVersion": VERSION["pluginVersion"], "pluginUpdateAvailable": is_old}
    return {**told, "pluginTotals": totals(state, user)}


def sweeps(state: OrbitState, user: OrbitUser) -> list[Fields]:
    return [
        {
            "deviceId": number, "deviceModel": told["deviceModel"], "pluginVersion": told["pluginVersion"],
            "latestPluginVersion": VERSION["pluginVersion"], "updateAvailable": is_older(told["pluginVersion"]),
            "requiresManualUpdate": is_older(told["pluginVersion"]), "lastSweepAt": told["lastSweepAt"],
            "lastSweepBooksMatched": told["booksMatched"], "lastSweepPageStats": told["pageStatsUploaded"],
            "lastSweepAnnotations": told["annotationsUpserted"],
            "retiredAt": retired_at(state, user, number), **PATTERNS,
        }
        for (owner, number), told in state.devices.items()
        if owner == user.id
    ]  # fmt: skip


def is_older(version: str) -> bool:
    return version.split(".") < str(VERSION["pluginVersion"]).split(".")


def totals(state: OrbitState, user: OrbitUser) -> Fields:
    events = {key: rows for key, rows in state.events.items() if key[0] == user.id}
    marks = own_rows(state, user)
    live = [one for one in marks if not one["is_deleted"]]
    lost = sum(one["status"] == "failed" or one["place"] != "told" for one in live)
    known = {book for _, book, _ in events} | {book for owner, book in state.places if owner == user.id}
    return {
        "matchedBooks": len(known), "pageStatEvents": sum(map(len, events.values())),
        "annotations": sum(one["origin"] == "koreader" for one in live),
        "trashedAnnotations": len(marks) - len(live), "pendingDeletes": 0, "failedPositions": lost,
        "unmatchedBooks": sum(owner == user.id for owner, _ in state.unmatched),
    }  # fmt: skip


def retire(state: OrbitState, user: OrbitUser, number: str, body: Any) -> Fields:
    told = check_body(body, retired=truth())
    if not is_known(state, user, number):
        raise OrbitRefusal(404, NO_DEVICE)
    state.retired.pop((user.id, number), None)
    if told["retired"]:
        state.retired[user.id, number] = state.now()
    return SUCCESS


def remove(state: OrbitState, user: OrbitUser, number: str) -> Fields:
    """Its places go, and what its sessions were made of; the sessions stay, until another event is told of one."""
    if not is_known(state, user, number):
        raise OrbitRefusal(404, NO_DEVICE)
    for key in [one for one in state.events if one[0] == user.id and one[2] == number]:
        del state.events[key]
    for (owner, _), rows in state.places.items():
        for about in [one for one in rows if owner == user.id and one[1] == number]:
            del rows[about]
    state.devices.pop((user.id, number), None)
    return SUCCESS


def is_known(state: OrbitState, user: OrbitUser, number: str) -> bool:
    has_events = any(key[0] == user.id and key[2] == number for key in state.events)
    return has_events or (user.id, number) in state.devices or any(one[1] == number for one in last_places(state, user))


def credentials(user: OrbitUser) -> Fields:
    return {"username": user.reader, "syncEnabled": user.sync, "createdAt": MADE}


def make_credentials(state: OrbitState, user: OrbitUser, body: Any) -> Fields:
    """There is one account for each user, and all here have theirs."""
    raise OrbitRefusal(409, "KOReader credentials already exist")


def change_credentials(state: OrbitState, user: OrbitUser, body: Any) -> Fields:
    told = check_body(
        body, username=Expected((), True), password=Expected(SHORT, True), syncEnabled=truth(is_optional=True)
    )
    name, password = told.get("username"), told.get("password")
    if any(one.reader == name for one in state.users if one is not user):
        raise OrbitRefusal(409, TAKEN)
    user.reader = name or user.reader
    user.key = md5_of(password) if password else user.key
    user.sync = told.get("syncEnabled", user.sync)
    return SUCCESS


def test_connection(state: OrbitState, user: OrbitUser, body: Any) -> Fields:
    if (body.get("username"), md5_of(body.get("password") or "")) != (user.reader, user.key):
        raise OrbitRefusal(401, "Invalid credentials")
    return {**SUCCESS, "username": user.reader, "serverUrl": "/api/v1/koreader"}


def md5_of(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
