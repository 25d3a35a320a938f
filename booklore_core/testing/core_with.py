"""A core that has the plugins it is given and no others, for their tests."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from booklore_core.core import Core
from booklore_core.storage.places import Places
from booklore_core.targets import Target
from booklore_core.testing.reader import MORNING
from booklore_core.testing.targets import FakePlugin


@contextmanager
def core_with(
    home: Path,
    plugins: Mapping[str, Any],
    targets: Sequence[Target] = (),
    settings: Mapping[str, Any] | None = None,
    now: datetime = MORNING + timedelta(hours=12),
) -> Iterator[Core]:
    """A core in a folder that may be yet to be made, on a clock that stands.

    plugins: name → module. targets: taken as they are. settings: `{"diary.folder": "notes"}`.
    Raises AssertionError, in the core's own words, when a plugin does not work, also at the end.
    """
    core = Core(Places.from_environment({"BOOKLORE_HOME": str(home)}), lambda: now, {}, entry_points=())
    try:
        for name, module in {**plugins, **{f"{one.name}_plugin": FakePlugin([one]) for one in targets}}.items():
            core.plugins.register(name, module)
        for name, value in (settings or {}).items():
            core.settings.set(name, value)
        core.refresh()
        insist(core)
        yield core
        insist(core)
    finally:
        core.close()


def insist(core: Core) -> None:
    wrong = {name: plugin.error for name, plugin in core.plugins.plugins.items() if plugin.error}
    assert not wrong, "; ".join(f"plugin {name} {error}" for name, error in wrong.items())
