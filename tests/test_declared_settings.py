"""What a setting is declared to be: what cannot be one is refused before anybody asks for its value."""

import pytest

from booklore_core import Setting
from booklore_core.settings import BadSetting

BAD_SETTINGS = [
    (("a b", int, 1, "A"), {}, "name"),
    ((None, int, 1, "A"), {}, "name"),
    (("a\n", int, 1, "A"), {}, "name"),
    (("a", list, [], "A"), {}, "type"),
    (("a", "int", 1, "A"), {}, "type"),
    (("enabled", str, "no", "Whether it works"), {}, "type"),
    (("a", int, "nope", "A"), {}, "default"),
    (("a", int, "5", "A"), {}, "default"),
    (("a", int, 1.5, "A"), {}, "default"),
    (("a", int, True, "A"), {}, "default"),
    (("a", bool, 1, "A"), {}, "default"),
    (("a", str, None, "A"), {}, "default"),
    (("a", float, float("nan"), "A"), {}, "default"),
    (("a", int, 5, "A"), {"high": 4}, "default"),
    (("a", int, 5, "A"), {"low": "1"}, "low"),
    (("a", str, "c", "A"), {"choices": ("a", "b")}, "default"),
    (("a", str, "a", "A"), {"choices": "abc"}, "choices"),
    (("a", int, 1, "A"), {"choices": (1, 2)}, "choices"),
    (("a", str, "", None), {}, "help"),
    (("a", str, "", "A\x1b[31m"), {}, "help"),
    (("a", str, "", "A"), {"label": None}, "label"),
    (("a", str, "", "A"), {"menu": "Preferences"}, "menu"),
    (("a", str, "", "A"), {"forgets": "password"}, "forgets"),
    (("a", str, "", "A"), {"secret": "yes"}, "secret"),
    (("a", str, "a", "A"), {"choices": ("a", "b"), "warns": "b"}, "warns"),
]


@pytest.mark.parametrize(("values", "more", "field"), BAD_SETTINGS)
def test_what_cannot_be_a_setting_is_refused_when_it_is_declared(values, more, field):
    with pytest.raises(ValueError, match=f"^setting .*{field}: expected"):
        Setting(*values, **more)


def test_a_whole_number_is_a_default_of_a_setting_for_numbers():
    assert Setting("share", float, 1, "A fraction", low=0, high=1).default == 1


def test_an_address_that_is_none_gives_way_to_none_that_was_stored_before(open_core):
    """What should go to the one that was meant does not go to another one."""
    settings = open_core(BOOKLORE_STALL__URL="there").settings
    settings.declare("stall", [Setting("url", str, "", "Where to", forgets=("token",), fits=lambda url: int(url or 0))])
    settings.set("stall.url", "1")

    value = settings.value("stall.url")

    assert (value.value, value.source) == ("", "default")
    assert value.faults[0].text.startswith("stall.url (env): invalid literal")
    with pytest.raises(BadSetting, match=r"stall\.url: invalid literal"):
        settings.set("stall.url", "there")


@pytest.mark.parametrize("error", [KeyError("shape"), AttributeError("shape"), RecursionError()], ids=repr)
def test_a_rule_that_breaks_costs_nobody_else_anything(open_core, error):
    def fits(value):
        if value:
            raise error

    settings = open_core(BOOKLORE_STALL__NAME="ann").settings
    settings.declare("stall", [Setting("name", str, "", "Whose", fits=fits)])

    assert [fault.name for fault in settings.faults()] == ["stall.name"]
    assert (settings["stall.name"], settings["sync.enabled"]) == ("", True)
    with pytest.raises(BadSetting, match=r"stall\.name: "):
        settings.set("stall.name", "bob")


def test_a_rule_does_not_give_a_secret_away(open_core):
    def fits(value):
        if value:
            raise ValueError(f"{value} is too short")

    settings = open_core(BOOKLORE_STALL__TOKEN="s3cret").settings
    settings.declare("stall", [Setting("token", str, "", "Opens it", secret=True, fits=fits)])

    (fault,) = settings.faults()
    with pytest.raises(BadSetting) as refused:
        settings.set("stall.token", "s3cret")

    assert "s3cret" not in fault.text + str(refused.value)
    assert (refused.value.__cause__, refused.value.__suppress_context__) == (None, True)  # nor in a traceback
