"""What is known of devices: what they told, when they were last seen, and whether they may speak."""

import pytest


@pytest.fixture
def devices(open_core):
    return open_core().devices


def test_what_a_line_does_not_say_stays_as_it_was(devices, clock):
    devices.see([("kobo", "Libra", "Kobo_io", "2026.03")], clock())
    devices.see([("kobo", None, "Kobo_monza", None)], clock.forward(hours=1))

    known = devices.find("kobo")

    assert (known["name"], known["model"]) == ("Libra", "Kobo_monza")
    assert known["last_seen"] == "2026-11-20T21:00:00Z"


def test_many_devices_are_noted_at_once(devices, clock):
    devices.see([(one, None, None, None) for one in ["kobo", "kindle", "kobo"]], clock())
    devices.see([(one, None, None, None) for one in []], clock())

    assert devices.find("kindle")["last_seen"] and devices.find("kobo")["last_seen"]
    assert devices.find("boox") is None


def test_a_device_is_paired_until_it_is_revoked(devices, clock):
    devices.see([(one, None, None, None) for one in ["kobo", "kindle"]], clock())
    devices.pair("kobo", "Libra", None, "hash", clock())

    assert devices.with_token() == [("kobo", "hash")]
    assert [one["id"] for one in devices.paired()] == ["kobo"]
    assert devices.revoke("kobo") and not devices.revoke("kobo") and not devices.revoke("nobody")
    assert devices.paired() == [] and devices.find("kobo")["name"] == "Libra"


def test_the_last_one_seen_comes_first_with_what_waits_on_it(devices, clock):
    for name in ("kobo", "kindle"):
        devices.pair(name, None, None, name, clock())
    devices.contact("kobo", clock.forward(hours=1), name="Libra", model="Kobo_io", shim="1.0", waiting=7)
    devices.contact("kobo", clock())

    shown = [(one["id"], one["waiting"], one["name"]) for one in devices.paired()]

    assert shown == [("kobo", 7, "Libra"), ("kindle", 0, None)]
