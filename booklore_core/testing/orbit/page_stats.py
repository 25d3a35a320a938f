"""Page events, and the sessions that the server makes of them. Source: contract 5."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from booklore_core.testing.orbit.orbit_state import (
    INT4,
    Fields,
    OrbitBook,
    OrbitRefusal,
    OrbitState,
    OrbitUser,
    check_body,
    internal,
    of_each_book,
)
from booklore_core.testing.orbit.rules import BOOK_HASH, DEVICE, listed, whole

GAP, SHORTEST, MOST_EVENTS = 1800, 10, 500
EVENT = {
    "page": whole(0),
    "startTime": whole(1),
    "durationSeconds": whole(0, 86400),
    "totalPages": whole(1),
}


def post_page_stats(state: OrbitState, user: OrbitUser, body: object) -> Fields:
    told = check_body(body, **DEVICE, books=listed(1, 50, {"hash": BOOK_HASH, "events": listed(1, None, EVENT)}))
    if sum(len(book["events"]) for book in told["books"]) > MOST_EVENTS:
        raise OrbitRefusal(400, f"Too many page stat events in one request (max {MOST_EVENTS})")
    device = told["deviceId"]
    return of_each_book(
        state, user, told["books"], lambda book, one: take_events(state, user, book, device, one["events"])
    )


def take_events(state: OrbitState, user: OrbitUser, book: OrbitBook, device: str, events: list[Fields]) -> Fields:
    """The first under an identity stays, whoever sees it; what follows from new ones is derived anew, from what the
    request sees beside them."""
    if any(one["page"] > INT4 or one["totalPages"] > INT4 or one["startTime"] > 9 * 10**9 for one in events):
        raise internal()
    kept = state.events.setdefault((user.id, book.id, device), {})
    fresh, first = [], state.last_event + 1
    for event in events:
        identity = event["page"], event["startTime"]
        if identity not in kept:
            kept[identity] = {**event, "number": state.number_event()}
            fresh.append(event["startTime"])
    if fresh:
        seen = [one for one in kept.values() if one["number"] < state.seen.events or one["number"] >= first]
        derive(state, user, book, device, seen, fresh)
    told = {"accepted": len(fresh), "duplicates": len(events) - len(fresh)}
    return {**told, "watermark": max(one["startTime"] for one in events)}


def derive(
    state: OrbitState, user: OrbitUser, book: OrbitBook, device: str, seen: Iterable[Fields], fresh: Collection[int]
) -> None:
    """All that lies between the first and the last new event, what nothing new came to as well. Sessions of devices
    whose ids begin alike take each other's place."""
    start = f"kor:{device[:8]}:{book.id}:"
    clusters = list(clustered(seen))
    touched = [one for one in clusters if one[0]["startTime"] <= max(fresh) and end_of(one) >= min(fresh)]
    low, high = min(one[0]["startTime"] for one in touched), max(map(end_of, touched))
    made = {f"{start}{one[0]['startTime']}": session_of(one) for one in touched}
    made = {key: one for key, one in made.items() if one["duration"] >= SHORTEST}
    rows = state.sessions.setdefault((user.id, book.id), [])
    own = [one for one in rows if one["key"].startswith(start)]
    stale = {one["key"] for one in own if one["start"] <= high and one["end"] >= low and one["key"] not in made}
    rows[:] = [one for one in rows if one["key"] not in stale]
    known = {one["key"]: one for one in own if one["key"] not in stale}
    for key, session in made.items():
        number = next(state.session_ids)
        if key in known:
            known[key].update(session)
        else:
            rows.append({"id": number, "key": key, "source": "koreader", **session})


def clustered(events: Iterable[Fields]) -> Iterator[list[Fields]]:
    """Events in their order, parted where more than half an hour lies after the furthest end."""
    cluster: list[Fields] = []
    furthest = 0
    for event in sorted(events, key=lambda one: (one["startTime"], one["page"])):
        if cluster and event["startTime"] - furthest > GAP:
            yield cluster
            cluster = []
        furthest = max(furthest if cluster else 0, event["startTime"] + event["durationSeconds"])
        cluster.append(event)
    if cluster:
        yield cluster


def end_of(cluster: list[Fields]) -> int:
    return int(max(one["startTime"] + one["durationSeconds"] for one in cluster))


def session_of(cluster: list[Fields]) -> Fields:
    first, last, end = cluster[0], cluster[-1], end_of(cluster)
    begun, read = percent(first), percent(last)
    active = min(sum(one["durationSeconds"] for one in cluster), end - first["startTime"])
    return {
        "start": first["startTime"], "end": end, "duration": active,
        "at": round(min(100.0, read), 2), "delta": round(min(100.0, read) - min(100.0, begun), 2),
    }  # fmt: skip


def percent(event: Fields) -> float:
    return float(100 * event["page"] / event["totalPages"])
