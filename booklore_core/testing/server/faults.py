"""What can be made to go wrong, how often and for which requests."""

from __future__ import annotations

from dataclasses import dataclass

from booklore_core.testing.server.answers import DATA_CONFLICT, WEB_PAGE, Answer, Refusal

FAULTS = {
    "close_before": "the connection is closed before anything is done",
    "close_after": "the request is carried out, then the connection is closed without an answer",
    "half_body": "the request is carried out, half of the answer is sent, then the connection is closed",
    "delay:SECONDS": "the request is carried out at once and answered late",
    "delay_before:SECONDS": "the request waits before it is carried out",
    "late:SECONDS": "the connection is closed; the request is carried out so much later by the server's clock",
    "late": "the connection is closed; the request is carried out when the test says so",
    "status:CODE": "nothing is done; an application error of that status, as in status:500 or status:429",
    "status:401_empty": "nothing is done; the empty 401 of a bad token",
    "status:502_html": "nothing is done; a proxy's error page",
    "html_200": "nothing is done; the web application's page with status 200",
    "sync_disabled": "nothing is done; the application's 401 for an account whose sync is off; no login is told so",
    "refuse": "nothing is done; 500 An unexpected error occurred.",
    "conflict": "nothing is done; 400 A data conflict occurred, as for one of two that come at once",
    "commit_then_CODE": "the request is carried out and answered as status:CODE, or html_200 for commit_then_html_200",
}
COMMIT_THEN = "commit_then_"
CUT = ("close_before", "close_after", "half_body", "late")
TIMED = ("delay:", "delay_before:", "late:")
_MESSAGES = {
    429: "Too many failed login attempts. Please try again later.",
    500: "An unexpected error occurred.",
    503: "Service unavailable.",
}
_GATEWAY_PAGE = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\r\n"


@dataclass
class Fault:
    """One thing that goes wrong: for requests that match, after `after` of them, `times` times (None: always)."""

    name: str
    match: str
    times: int | None = 1
    after: int = 0

    def __post_init__(self) -> None:
        if self.name.startswith(TIMED):
            float(self.name.partition(":")[2])
        elif self.name not in CUT:
            replacement(self.name)

    @property
    def is_over(self) -> bool:
        return self.times is not None and self.times <= 0

    @property
    def commits_first(self) -> bool:
        return self.name in ("close_after", "half_body") or self.name.startswith(("delay", COMMIT_THEN))

    @property
    def seconds_before(self) -> float:
        return float(self.name.partition(":")[2]) if self.name.startswith("delay_before:") else 0.0

    @property
    def seconds_after(self) -> float:
        return float(self.name.partition(":")[2]) if self.name.startswith("delay:") else 0.0

    @property
    def seconds_late(self) -> float | None:
        """How long after its connection is closed the request is carried out; infinite: until told; None: not late."""
        if self.name == "late":
            return float("inf")
        return float(self.name.partition(":")[2]) if self.name.startswith("late:") else None

    @property
    def replaces_answer(self) -> bool:
        return self.name not in CUT and not self.name.startswith(TIMED)

    def matches(self, method: str, path: str) -> bool:
        """Whether this fires for the request; counts it if so."""
        wanted_method, _, prefix = self.match.partition(" ")
        fits = path == prefix[:-1] if prefix.endswith("$") else path.startswith(prefix)
        is_impossible = self.name == "sync_disabled" and path.startswith("/api/v1/auth/")
        if self.is_over or wanted_method not in ("*", method) or not fits or is_impossible:
            return False
        if self.after > 0:
            self.after -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True


def replacement(name: str) -> Answer | Refusal:
    """What the client gets instead; raises ValueError for a fault that does not exist."""
    bare = name.removeprefix(COMMIT_THEN)
    if bare == "html_200":
        return Answer(200, WEB_PAGE, "text/html")
    if bare == "sync_disabled":
        return Refusal(401, "Sync is disabled for this user")
    if bare == "conflict":
        return Refusal(400, DATA_CONFLICT)
    if bare == "refuse":
        return Refusal(500, _MESSAGES[500])
    code = bare.removeprefix("status:")
    if code == "401_empty":
        return Refusal(401, shape="empty")
    if code == "502_html":
        return Answer(502, _GATEWAY_PAGE, "text/html")
    if code.isdigit():
        return Refusal(int(code), _MESSAGES.get(int(code), "A conflict occurred."))
    raise ValueError(f"no fault is called {name!r}; there are {', '.join(FAULTS)}")
