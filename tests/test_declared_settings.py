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
