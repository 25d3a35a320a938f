"""What a person is asked before it is taken in: facts that a feature is not sure of."""

from booklore_core.actions.own import SYNC_AND_CACHE, action, counted
from booklore_core.core import Core
from booklore_core.flows import Choose, Flow, Request, Result
from booklore_core.kinds import quantity

ANSWERS = YES, NO = "Yes", "No"


@action(
    lambda core: counted("Answer Questions...", len(core.questions())),
    "What you are asked before it is synced.", order=6, menu=SYNC_AND_CACHE,
    enabled=lambda core: bool(core.questions()),
)  # fmt: skip
def answer_questions(core: Core, request: Request) -> Flow:
    """Asks each question: yes takes in what it is about, no drops that for good, cancelled lets it wait. args: none."""
    counts = {YES: 0, NO: 0}
    for question in core.questions():
        chosen = yield Choose(question, ANSWERS, cancel="Later")
        if chosen is not None:
            agrees = ANSWERS[chosen] == YES
            counts[ANSWERS[chosen]] += core.outbox.answer(question, agrees, core.clock())
    left = len(core.questions())
    told = [f"{quantity(counts[YES], 'change')} will be synced"] if counts[YES] else []
    told += [f"{quantity(counts[NO], 'change')} dropped"] if counts[NO] else []
    told += [f"{quantity(left, 'question')} still {'waits' if left == 1 else 'wait'}"] if left else []
    data = {"taken": counts[YES], "dropped": counts[NO], "waiting": left}
    return Result(", ".join(told) or "No question waits", data=data)
