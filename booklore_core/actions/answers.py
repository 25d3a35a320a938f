"""Whether an answer fits its question, whichever face it was given at."""

import re
from collections.abc import Sequence
from typing import Any

from booklore_core.flows import Choose, Confirm, Pick, Question, in_range, range_text

WHOLE = re.compile(r"[-+]?[0-9]{1,18}")


class BadAnswer(ValueError):
    """The answer does not fit the question; the text says what does."""


def check_answer(question: Question, answer: Any) -> Any:
    """answer in the question's own type. Raises BadAnswer."""
    if answer is None:
        return False if isinstance(question, Confirm) else None
    if isinstance(question, Confirm):
        fits, expected = isinstance(answer, bool), "true or false"
    elif isinstance(question, Choose):
        fits, expected = is_index(answer, question.options), f"an index from 0 to {len(question.options) - 1}"
    elif isinstance(question, Pick):
        fits = isinstance(answer, list) and all(is_index(index, question.options) for index in answer)
        expected = "a list of indexes of the options"
    elif question.low is None and question.high is None:
        fits, expected = isinstance(answer, str | int) and not isinstance(answer, bool), "a text"
        answer = str(answer)
    else:
        answer = int(answer) if WHOLE.fullmatch(str(answer).strip()) else None
        fits = answer is not None and in_range(answer, question.low, question.high)
        expected = f"a whole number {range_text(question.low, question.high)}"
    if not fits:
        raise BadAnswer(f"answer: expected {expected}")
    return answer


def is_index(value: Any, options: Sequence[str]) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(options)
