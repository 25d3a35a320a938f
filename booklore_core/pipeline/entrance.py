"""The gateways of this process: one for each target."""

from typing import Any

from booklore_core.guard.deadline import Watch
from booklore_core.pipeline.gateway import Gateway, MatchOf
from booklore_core.targets import Target


class Doors:
    """Makes gateways, one for as long as a plugin gives the same target. Calls that were given up are known to all of
    one target, also after it was exchanged."""

    def __init__(self, match_of: MatchOf = lambda md5, target: None) -> None:
        self._match_of = match_of
        self._lingering: dict[str, list[Watch[Any]]] = {}
        self._known: dict[tuple[str, str], Gateway] = {}

    def __call__(self, target: Target, plugin: str) -> Gateway:
        known = self._known.get((plugin, str(target.name)))
        if known is None or not known.leads_to(target, plugin):
            known = self._known[plugin, str(target.name)] = Gateway(target, plugin, self._lingering, self._match_of)
        return known
