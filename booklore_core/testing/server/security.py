"""Who is asking, and who is turned away before a route is looked for. Source: server-contract.md 2.3, 2.4, 2.6."""

from __future__ import annotations

from booklore_core.testing.server.answers import Refusal, unexpected
from booklore_core.testing.server.routing import ServerRequest
from booklore_core.testing.server.state import State
from booklore_core.testing.server.users import KoreaderUser, User

PUBLIC = ("/api/v1/healthcheck", "/api/v1/public-settings", "/api/v1/auth/login", "/api/v1/auth/refresh")
REFRESH = "/api/v1/auth/refresh"
LOGINS = ("/api/v1/auth/login", REFRESH)
SESSIONS = "/api/v1/reading-sessions"


class DatabaseAway(Exception):
    """The request needs the database, which is away; what it gets instead, after the pool has waited in vain."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(str(refusal))
        self.refusal = refusal


def identify(state: State, request: ServerRequest) -> None:
    """Write the caller into the request; raises Refusal for who may not pass and DatabaseAway when nobody can say."""
    if "//" in request.path:
        raise Refusal(400, shape="boot")
    bearer = _bearer(request)
    if state.dialect.bearer_filter_is_global and bearer is not None and request.path != REFRESH:
        request.principal = _owner(state, bearer)
        if request.principal is None:
            raise Refusal(401, shape="empty")
    if request.path.startswith("/api/koreader/"):
        _identify_device(state, request)
    elif _is_public(request.path):
        _refuse_login_without_database(state, request)
    elif request.principal is None:
        _identify_reader(state, request, bearer)


def _identify_device(state: State, request: ServerRequest) -> None:
    request.koreader = _device_account(state, request)
    if request.koreader is None:
        raise Refusal(state.dialect.refusal_status, shape="boot")
    if request.principal is not None:
        raise Refusal(401, "User not authenticated")


def _identify_reader(state: State, request: ServerRequest, bearer: str | None) -> None:
    if bearer is not None and not state.dialect.bearer_filter_is_global:
        request.principal = _owner(state, bearer)
    if request.principal is None and state.dialect.takes_md5_for_sessions and request.path.startswith(SESSIONS):
        account = _device_account(state, request)
        request.principal = state.users[account.user_id] if account else None
    if request.principal is None:
        raise Refusal(state.dialect.refusal_status, shape="boot")


def _bearer(request: ServerRequest) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme == "Bearer" else None


def _owner(state: State, bearer: str) -> User | None:
    user_id = state.tokens.bearer(bearer)
    if user_id is None:
        return None
    if state.database_away:
        empty = Refusal(401, shape="empty")
        raise DatabaseAway(empty if state.dialect.bearer_filter_is_global else Refusal(401, shape="boot"))
    return state.users[user_id]


def _device_account(state: State, request: ServerRequest) -> KoreaderUser | None:
    name, key = request.headers.get("x-auth-user"), request.headers.get("x-auth-key")
    if name is None or key is None:
        return None
    if state.database_away:
        raise DatabaseAway(Refusal(500, shape="boot"))
    account = state.koreader_named(name)
    return account if account is not None and account.accepts(key) else None


def _is_public(path: str) -> bool:
    return not path.startswith("/api/") or path.rstrip("/") in PUBLIC


def _refuse_login_without_database(state: State, request: ServerRequest) -> None:
    if state.database_away and request.path in LOGINS:
        raise DatabaseAway(unexpected())


def credentials_sent(request: ServerRequest) -> str:
    """What kind of credentials the request carries: `none`, or of `md5`, `bearer`, `basic` those present, with +."""
    scheme = request.headers.get("authorization", "").partition(" ")[0].lower()
    kinds = ["md5"] if "x-auth-user" in request.headers else []
    kinds += [scheme] if scheme in ("bearer", "basic") else []
    return "+".join(kinds) or "none"
