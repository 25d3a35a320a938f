"""Health, logins, the caller's own account and the KOReader account."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from booklore_core.testing.server.answers import (
    Answer,
    Refusal,
    conflict,
    empty_answer,
    invalid,
    json_answer,
    local_text,
    unexpected,
)
from booklore_core.testing.server.dialects import Dialect
from booklore_core.testing.server.fields import text
from booklore_core.testing.server.routing import Route, ServerRequest
from booklore_core.testing.server.state import State, refuse_unless
from booklore_core.testing.server.tokens import Pair
from booklore_core.testing.server.users import KoreaderUser, User, folded

CALLER = "127.0.0.1"


def account_routes(dialect: Dialect) -> Iterable[Route]:
    yield Route("GET", "/api/v1/healthcheck", health)
    yield Route("GET", "/api/v1/public-settings", public_settings)
    yield Route("POST", "/api/v1/auth/login", login)
    yield Route("POST", "/api/v1/auth/refresh", refresh)
    yield Route("POST", "/api/v1/auth/register", register)
    yield Route("GET", "/api/v1/users/me", own_account)
    yield Route("GET", "/api/v1/version", version)
    yield Route("GET", "/api/v1/koreader-users/me", own_koreader_account)
    yield Route("PUT", "/api/v1/koreader-users/me", put_koreader_account)
    yield Route("PATCH", "/api/v1/koreader-users/me/sync", switch_sync)
    yield Route("PATCH", "/api/v1/koreader-users/me/sync-progress-with-booklore", switch_web_reader)
    if dialect.web_progress_reaches_device:
        yield Route("PATCH", "/api/v1/koreader-users/me/sync-progress-with-grimmory", switch_web_reader)


def health(state: State, request: ServerRequest) -> Answer:
    now = local_text(state.now() + state.zone_hours * 3600)
    data = {"status": "UP", "message": "Application is running smoothly.", "timestamp": now}
    data["version"] = state.dialect.version
    return json_answer({"data": data, "message": "Pong", "status": 200, "timestamp": now})


def version(state: State, request: ServerRequest) -> Answer:
    return json_answer({"current": state.dialect.version, "latest": state.dialect.version})


def public_settings(state: State, request: ServerRequest) -> Answer:
    settings = {"oidcEnabled": state.single_sign_on_only, "remoteAuthEnabled": False}
    return json_answer(settings | {"oidcProviderDetails": None, "oidcForceOnlyMode": state.single_sign_on_only})


def login(state: State, request: ServerRequest) -> Answer:
    body = request.object()
    username, password = text(body, "username") or "", text(body, "password") or ""
    blank = [name for name, value in (("username", username), ("password", password)) if not value.strip()]
    if blank:
        raise invalid(*(f"{name}: {name.capitalize()} must not be blank" for name in blank))
    keys = (f"address {CALLER}", f"name {folded(username)}")
    state.failed_logins.refuse_locked(*keys)
    user = state.user_named(username)
    if state.single_sign_on_only and not (user and user.is_admin):
        raise Refusal(403, "Local login is disabled. Use OIDC to sign in.")
    if user is None or user.password != password:
        state.failed_logins.count(*keys)
        raise _refused_credentials(state)
    pair = state.tokens.issue(user)
    state.failed_logins.forget(*keys)
    is_default: bool | str = False if state.dialect.login_tells_expiry else "false"
    return json_answer(_tokens(state, pair) | {"isDefaultPassword": is_default})


def refresh(state: State, request: ServerRequest) -> Answer:
    token = text(request.object(), "refreshToken") or ""
    if not token.strip():
        raise invalid("refreshToken: Refresh token must not be blank")
    state.failed_refreshes.refuse_locked(CALLER)
    owner = state.tokens.owner_of_refresh(token)
    if owner is None:
        state.failed_refreshes.count(CALLER)
        raise _refused_credentials(state)
    return json_answer(_tokens(state, state.tokens.rotate(token, state.users[owner])))


def _refused_credentials(state: State) -> Refusal:
    return Refusal(state.dialect.refused_credentials_status, "Invalid credentials")


def _tokens(state: State, pair: Pair) -> dict[str, Any]:
    written: dict[str, Any] = {"accessToken": pair.access, "refreshToken": pair.refresh}
    if state.dialect.login_tells_expiry:
        written["expires"] = state.dialect.access_token_seconds
    return written


def register(state: State, request: ServerRequest) -> Answer:
    """An admin makes an account; it sees the selected libraries and may do nothing special."""
    refuse_unless(request.user, "admin", state.dialect)
    body = request.object()
    libraries = body.get("selectedLibraries") or ()
    state.add_user(text(body, "username") or "", text(body, "password") or "", libraries, ())
    return empty_answer(204)


def own_account(state: State, request: ServerRequest) -> Answer:
    user = request.user
    shown = sorted(user.libraries) if state.dialect.admin_has_libraries or not user.is_admin else []
    permissions = {
        "admin": user.is_admin,
        "canDownload": user.may("download"),
        "canDeleteBook": user.may("delete"),
        "canSyncKoReader": user.may("sync_koreader"),
        "canEditMetadata": user.may("edit_metadata"),
        "demoUser": False,
    }
    return json_answer(
        {
            "id": user.id,
            "username": user.username,
            "name": user.username.capitalize(),
            "email": f"{user.username}@b.example",
            "provisioningMethod": "LOCAL",
            "assignedLibraries": [_library(state, library_id) for library_id in shown],
            "permissions": permissions,
            "defaultPassword": False,
        }
    )


def _library(state: State, library_id: int) -> dict[str, Any]:
    name = next((book.library_name for book in state.books.values() if book.library_id == library_id), "Empty")
    return {"id": library_id, "name": name, "icon": "book", "watch": False}


def own_koreader_account(state: State, request: ServerRequest) -> Answer:
    refuse_unless(request.user, "sync_koreader", state.dialect)
    return json_answer(_koreader_object(state, _koreader_account(state, request.user)))


def put_koreader_account(state: State, request: ServerRequest) -> Answer:
    refuse_unless(request.user, "sync_koreader", state.dialect)
    body = request.object()
    username, password = text(body, "username"), text(body, "password")
    if not username or not password:
        raise Refusal(400, "Username and password must not be empty")
    owner = state.koreader_named(username)
    if owner is not None and owner.user_id != request.user.id:
        raise conflict()
    return json_answer(_koreader_object(state, state.put_koreader(request.user, username, password)))


def switch_sync(state: State, request: ServerRequest) -> Answer:
    refuse_unless(request.user, "sync_koreader", state.dialect)
    enabled = _enabled(request)
    _koreader_account(state, request.user).sync = enabled
    return empty_answer(204)


def switch_web_reader(state: State, request: ServerRequest) -> Answer:
    refuse_unless(request.user, "sync_koreader", state.dialect)
    enabled = _enabled(request)
    _koreader_account(state, request.user).web_reader = enabled
    return empty_answer(204)


def _enabled(request: ServerRequest) -> bool:
    written = request.query.get("enabled", "").lower()
    if written not in ("true", "false"):
        raise unexpected(400)
    return written == "true"


def _koreader_account(state: State, user: User) -> KoreaderUser:
    if user.id not in state.koreader:
        raise Refusal(404, f"Koreader user not found for BookLore user ID: {user.id}")
    return state.koreader[user.id]


def _koreader_object(state: State, account: KoreaderUser) -> dict[str, Any]:
    return {
        "id": account.id,
        "username": account.username,
        "password": account.password,
        "passwordMD5": account.key,
        "syncEnabled": account.sync,
        state.dialect.web_reader_switch: account.web_reader,
    }
