"""Errors that are answers: each with its HTTP status, on the page as for an e-reader."""

from booklore_core.actions.answers import BadAnswer
from booklore_core.bridge.dialogs import NoSuchQuestion
from booklore_core.bridge.workers import Busy
from booklore_core.settings import BadSetting
from booklore_core.storage.database import DatabaseUnusable
from booklore_core.storage.secrets import SecretsUnreadable

STATUS = {
    BadAnswer: 422,
    BadSetting: 422,
    NoSuchQuestion: 404,
    Busy: 503,
    DatabaseUnusable: 503,
    SecretsUnreadable: 503,
}
"""Expected errors; their texts name what is wrong and hold no secret."""


def status_of(error: Exception) -> int:
    """error: of one of these classes, or of one below it."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
