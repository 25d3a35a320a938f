"""Which errors are a person's to mend: they are told in one line, without a traceback."""


class Refused(Exception):
    """The command cannot do what was asked; the text says why, and what to do."""


def is_expected(error: Exception) -> bool:
    """Whether error is a mistake or a refusal, no bug."""
    if isinstance(error, Refused):
        return True
    from booklore_core.database import DatabaseUnusable
    from booklore_core.flows import BadAnswer
    from booklore_core.secrets import SecretsUnreadable
    from booklore_core.settings import BadSetting
    from booklore_core.targets import Declined

    return isinstance(error, BadSetting | DatabaseUnusable | SecretsUnreadable | Declined | BadAnswer)


def one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
