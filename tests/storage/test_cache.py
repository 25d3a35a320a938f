"""A plugin's folder for what can be fetched again: bounded, and apart from every other plugin's."""

import os

import pytest

from booklore_core.storage import store as storage


@pytest.fixture
def core(open_core, monkeypatch):
    monkeypatch.setattr(storage, "CACHE_SIZE", 1000)
    return open_core()


def put(cache, name, size, at):
    (cache / name).write_bytes(b"x" * size)
    os.utime(cache / name, (at, at))


def test_what_is_put_there_stays_for_the_next_process(open_core):
    (open_core().store("shop").cache / "a").write_bytes(b"x")

    assert (open_core().store("shop").cache / "a").read_bytes() == b"x"


def test_each_plugin_has_its_own(core):
    (core.store("shop").cache / "a").write_bytes(b"x")

    assert list(core.store("market").cache.iterdir()) == []


def test_the_longest_unused_goes_when_there_is_too_much(core):
    cache = core.store("shop").cache
    for at, name in enumerate(("old", "older", "new")):
        put(cache, name, 400, at)
    os.utime(cache / "old")

    kept = {file.name for file in core.store("shop").cache.iterdir()}

    assert kept == {"old", "new"}


def test_what_fits_stays(core):
    cache = core.store("shop").cache
    put(cache, "a", 500, 1)
    put(cache, "b", 500, 2)

    assert {file.name for file in core.store("shop").cache.iterdir()} == {"a", "b"}


def test_what_is_larger_than_all_room_goes_alone(core):
    cache = core.store("shop").cache
    put(cache, "huge", 1001, 2)
    put(cache, "small", 10, 1)

    assert {file.name for file in core.store("shop").cache.iterdir()} <= {"small"}
