"""Which function answers which request."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from booklore_core.testing.server.answers import Answer, Refusal, malformed, page_answer, unexpected
from booklore_core.testing.server.state import State
from booklore_core.testing.server.users import KoreaderUser, User


@dataclass
class ServerRequest:
    """One request as the routes see it; path without the query, headers by lower-case name."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes = b""
    variables: dict[str, int | str] = field(default_factory=dict)
    principal: User | None = None
    koreader: KoreaderUser | None = None

    @property
    def user(self) -> User:
        if self.principal is None:
            raise unexpected()
        return self.principal

    @property
    def account(self) -> KoreaderUser:
        if self.koreader is None:
            raise unexpected()
        return self.koreader

    def id(self, name: str) -> int:
        """A numeric variable of the path."""
        value = self.variables[name]
        return value if isinstance(value, int) else int(value)

    def json(self) -> Any:
        """The body read as JSON; a form or a missing Content-Type is no request these servers foresee: 500."""
        if "json" not in self.headers.get("content-type", ""):
            raise unexpected(415)
        try:
            value = json.loads(self.body)
        except ValueError:
            raise malformed() from None
        if value is None:
            raise malformed()
        return value

    def object(self) -> dict[str, Any]:
        value = self.json()
        if not isinstance(value, dict):
            raise malformed()
        return value

    def whole(self, name: str, default: int) -> int:
        """A number of the query; raises Refusal when it is none."""
        written = self.query.get(name, "")
        return self.parsed(name, written) if written else default

    @staticmethod
    def parsed(name: str, written: str) -> int:
        try:
            return int(written)
        except ValueError:
            raise Mismatch(name, written) from None


class Mismatch(Exception):
    """A variable or query parameter that should be a number is none."""

    def __init__(self, name: str, written: str, kind: str = "int") -> None:
        super().__init__(f"Invalid value '{written}' for parameter '{name}'. Expected type: {kind}")


class RouteHandler(Protocol):
    def __call__(self, state: State, request: ServerRequest, /) -> Answer: ...


@dataclass(frozen=True)
class Route:
    """A path pattern such as `/api/v1/books/{bookId:long}` and what answers it."""

    method: str
    pattern: str
    handler: RouteHandler

    @property
    def segments(self) -> tuple[str, ...]:
        return tuple(self.pattern.split("/"))


class Router:
    """The routes of one server. Literal segments win over variables, as in the real ones."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._by_length: dict[int, list[Route]] = {}
        for route in sorted(routes, key=lambda route: route.pattern.count("{")):
            self._by_length.setdefault(len(route.segments), []).append(route)

    def answer(self, state: State, request: ServerRequest) -> Answer:
        """The route's answer; the web page for an unknown GET, 500 or 405 for anything else unknown."""
        known_path = False
        for route, variables in self._candidates(request.path):
            known_path = True
            if route.method == _spoken(request.method):
                return _call(route, state, request, variables)
        if known_path or _spoken(request.method) != "GET":
            raise unexpected(405)
        if state.dialect.komga_says_not_implemented and request.path.startswith("/komga/api/"):
            raise Refusal(501, "This Komga endpoint is not implemented.")
        return page_answer()

    def _candidates(self, path: str) -> Iterable[tuple[Route, dict[str, str]]]:
        parts = path.split("/")
        for route in self._by_length.get(len(parts), ()):
            variables = _match(route.segments, parts)
            if variables is not None:
                yield route, variables


def _spoken(method: str) -> str:
    return "GET" if method == "HEAD" else method


def _match(segments: tuple[str, ...], parts: list[str]) -> dict[str, str] | None:
    variables = {}
    for segment, part in zip(segments, parts, strict=True):
        if segment.startswith("{"):
            if not part:
                return None
            variables[segment[1:-1]] = part
        elif segment != part:
            return None
    return variables


def _call(route: Route, state: State, request: ServerRequest, variables: dict[str, str]) -> Answer:
    try:
        request.variables = {name.split(":")[0]: _convert(name, part) for name, part in variables.items()}
        return route.handler(state, request)
    except Mismatch as mismatch:
        if state.dialect.type_mismatch_is_400:
            raise Refusal(400, str(mismatch)) from None
        raise unexpected(400) from None


def _convert(name: str, part: str) -> int | str:
    bare, _, kind = name.partition(":")
    if kind != "long":
        return part
    try:
        return int(part)
    except ValueError:
        raise Mismatch(bare, part, "long") from None


Routes = Callable[..., Iterable[Route]]
