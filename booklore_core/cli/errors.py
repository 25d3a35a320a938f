"""Which errors are a person's to mend: they are told in one line, without a traceback."""

import sys

EXPECTED = {
    "booklore_core.bridge.install": "CannotInstall",
    "booklore_core.bridge.serve": "CannotListen",
    "booklore_core.storage.database": "DatabaseUnusable",
    "booklore_core.actions.answers": "BadAnswer",
    "booklore_core.storage.secrets": "SecretsUnreadable",
    "booklore_core.settings": "BadSetting",
    "booklore_core.targets": "Declined",
}
"""By module: an error of a module that was never loaded cannot have been raised."""


class Refused(Exception):
    """The command cannot do what was asked; the text says why, and what to do."""


class Stopped(Exception):
    """A person ended the command with Ctrl-C; the text says what was done until then."""

    CODE = 130
    """What shells expect of a program that SIGINT has ended."""


def is_expected(error: BaseException) -> bool:
    """Whether error is a mistake or a refusal, no bug."""
    loaded = [getattr(sys.modules[module], name) for module, name in EXPECTED.items() if module in sys.modules]
    return isinstance(error, (Refused, *loaded))


def error_in_one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
