"""Which time a session accounts for, whoever made it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

BEGIN_THE_LAST_PAGE = ("lua",)
"""Sources whose sessions end with the second in which their last page begins, while they count it (lua-plugin-behaviour
§10 F6); one that has as many seconds as it counts ends with that page."""

TimeSpan = tuple[float, float]
"""Unix seconds, the second one not included; it may be infinite."""


def span_of(session: Mapping[str, Any]) -> TimeSpan | None:
    """None for one that was taken out, or that another feature made in a way of its own."""
    try:
        start, end = (datetime.fromisoformat(session[name]).timestamp() for name in ("start", "end"))
        if session.get("source") in BEGIN_THE_LAST_PAGE:
            end = max(end + (end - start > session["duration"]), start + session["duration"])
    except (KeyError, TypeError, ValueError):
        return None
    return start, end
