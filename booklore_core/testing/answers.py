"""Runs an action without a person: the answers are given beforehand."""

from collections.abc import Iterable
from typing import Any

from booklore_core.actions.answers import BadAnswer, check_answer
from booklore_core.flows import Flow, Result


def answer_all(flow: Flow, answers: Iterable[Any]) -> Result:
    """Runs a flow to its end with the given answers. Raises BadAnswer, also when there are too few."""
    given, answer = iter(answers), None
    while True:
        try:
            question = flow.send(answer)
        except StopIteration as end:
            result: Result = end.value
            return result
        answer = next(given, BadAnswer)
        if answer is BadAnswer:
            raise BadAnswer(f"no answer left for: {question.text}")
        answer = check_answer(question, answer)
