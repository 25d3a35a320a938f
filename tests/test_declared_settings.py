"""What a setting is declared to be: what cannot be one is refused before anybody asks for its value."""

import pytest

from booklore_core import Setting

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
