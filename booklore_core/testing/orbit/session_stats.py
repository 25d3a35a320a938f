"""A book's sessions as a browser lists them, and what it makes of them. Source: contract 5."""

from __future__ import annotations

from collections import defaultdict

from booklore_core.testing.orbit.orbit_state import Fields, OrbitBook, OrbitState, OrbitUser, day_of, iso

DAY = 86_400


def list_sessions(state: OrbitState, user: OrbitUser, book: OrbitBook, query: dict[str, str]) -> Fields:
    rows = sorted(state.sessions.get((user.id, book.id), ()), key=lambda one: (one["start"], one["id"]))
    size, page = int(query.get("pageSize", "20")), int(query.get("page", "1"))
    ordered = rows if query.get("sortDir") == "asc" else rows[::-1]
    items = [session_json(book, one) for one in ordered[(page - 1) * size : page * size]]
    return {"items": items, "total": len(rows), "page": page, "pageSize": size, "stats": stats_of(rows)}


def session_json(book: OrbitBook, row: Fields) -> Fields:
    told = {"id": row["id"], "startedAt": iso(row["start"]), "endedAt": iso(row["end"])}
    told |= {"durationSeconds": row["duration"], "progressDelta": row["delta"], "endProgress": row["at"]}
    return {**told, "format": book.format, "source": row["source"]}


def stats_of(rows: list[Fields]) -> Fields:
    total, paced = sum(one["duration"] for one in rows), [one for one in rows if (one["delta"] or 0) > 0]
    ended = {day_of(one["end"]): one for one in sorted(rows, key=lambda one: one["end"])}
    names = {"web": "bookorbit"}
    sources = {names.get(one["source"], one["source"]) for one in rows}
    buckets = [[one for one in rows if names.get(one["source"], one["source"]) == source] for source in sources]
    buckets.sort(key=lambda of: -sum(one["duration"] for one in of))
    return {
        "totalSessions": len(rows), "totalSeconds": total,
        "avgDurationSeconds": round(total / len(rows)) if rows else 0,
        "firstSessionAt": iso(rows[0]["start"]) if rows else None,
        "lastSessionAt": iso(rows[-1]["start"]) if rows else None,
        "dailySummary": [
            {"day": day, "totalMinutes": round(seconds / 60, 1)} for day, seconds in sorted(seconds_a_day(rows).items())
        ],
        "paceProgressDelta": sum(one["delta"] for one in paced),
        "paceDurationSeconds": sum(one["duration"] for one in paced),
        "progressSummary": [{"day": day, "endProgress": one["at"]} for day, one in ended.items()],
        "bySource": [bucket_json(of, names) for of in buckets],
    }  # fmt: skip


def bucket_json(of: list[Fields], names: dict[str, str]) -> Fields:
    source = of[0]["source"]
    total = sum(one["duration"] for one in of)
    return {"bucket": names.get(source, source), "totalSeconds": total, "totalSessions": len(of)}


def seconds_a_day(rows: list[Fields]) -> dict[str, float]:
    """Each session's time, spread evenly over all that it lasted: what is after midnight is the next day's."""
    days: dict[str, float] = defaultdict(float)
    for row in rows:
        start, end = row["start"], max(row["end"], row["start"] + 1)
        at = start
        while at < end:
            midnight = (at // DAY + 1) * DAY
            days[day_of(at)] += row["duration"] * (min(midnight, end) - at) / (end - start)
            at = midnight
    return days
