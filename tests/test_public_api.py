"""The public face: every name is there, and asking for none of them costs nothing."""

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import booklore_core
from booklore_core import hookspecs, testing

PROMISED = {
    "hookimpl",
    "Item",
    "BookRef",
    "Kind",
    "Remark",
    "Facts",
    "Journal",
    "Section",
    "Store",
    "Gateway",
    "Target",
    "BatchTarget",
    "MatchingTarget",
    "SearchableTarget",
    "CheckableTarget",
    "AuditableTarget",
    "AccountTarget",
    "ProgressTarget",
    "Before",
    "TargetUnavailable",
    "BookUnmatched",
    "ItemRejected",
    "ItemFailed",
    "Superseded",
    "Action",
    "Setting",
    "API_VERSION",
    "BookOpen",
    "PageTurns",
    "BookClose",
    "Resume",
    "NetworkConnected",
    "Rating",
    "Delete",
    "Choose",
    "Confirm",
    "Ask",
    "Pick",
    "Toast",
    "GoTo",
    "Schedule",
    "Info",
    "AskReader",
    "SendFile",
}
"""What the interface promises to plugin authors."""

EVENT_HOOK = ("event", "journal", "facts", "settings")
HOOKS = {
    "register_kinds": ("settings",),
    "register_settings": (),
    "register_targets": ("settings", "store", "kinds", "beside"),
    "register_actions": ("settings", "store"),
    **dict.fromkeys(("on_book_open", "on_page_turns", "on_book_close", "on_resume"), EVENT_HOOK),
    **dict.fromkeys(("on_network_connected", "on_rating", "on_delete"), EVENT_HOOK),
    "hand_over": ("settings",),
    "reply": ("event", "journal", "facts", "targets", "settings"),
    "import_history": ("path", "journal", "facts", "settings", "progress"),
}
"""The hooks that the interface promises, with their arguments."""

HEAVY = {"pydantic", "sqlalchemy", "dataset", "requests", "pluggy", "fastapi", "uvicorn", "typer", "rich", "lxml"}


def modules_after(statement):
    """The top-level modules that a fresh interpreter has loaded after a statement."""
    program = f"import sys; {statement}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("name", booklore_core.__all__)
def test_every_exported_name_resolves(name):
    assert getattr(booklore_core, name) is not None


def test_everything_that_was_promised_is_exported():
    assert set(booklore_core.__all__) >= PROMISED
    assert {"FakeTarget", "SampleReader", "BookLoreServer"} <= set(testing.__all__)


def test_hooks_and_their_arguments_are_those_that_were_promised():
    found = {name: value for name, value in vars(hookspecs).items() if hasattr(value, "booklore_spec")}

    assert {name: tuple(inspect.signature(hook).parameters) for name, hook in found.items()} == HOOKS


def test_type_checkers_of_plugins_see_types():
    assert Path(booklore_core.__file__).with_name("py.typed").is_file()


def test_a_name_that_there_is_not_is_an_attribute_error():
    with pytest.raises(AttributeError, match="Bookworm"):
        booklore_core.Bookworm  # noqa: B018


def test_importing_the_package_loads_nothing_heavy():
    assert not modules_after("import booklore_core") & HEAVY


@pytest.mark.parametrize("name", ["Item", "Setting", "Toast", "Before"])
def test_a_name_loads_only_what_it_needs(name):
    assert not modules_after(f"from booklore_core import {name}") & HEAVY


def test_the_command_line_needs_no_heavy_module_for_its_help():
    done = modules_after("import booklore_core.storage.counts, booklore_core.storage.places")

    assert not done & (HEAVY - {"platformdirs"})


def test_a_target_is_known_by_its_shape():
    class Shelf:
        name = "shelf"
        kinds = frozenset({"rating"})

        def deliver(self, item, before):
            return None

    assert isinstance(Shelf(), booklore_core.Target)
    assert not isinstance(object(), booklore_core.Target)
