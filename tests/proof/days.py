"""Days of reading that every proof may live through."""

from __future__ import annotations

from datetime import timedelta

from notebook import IN_BOOK, Notebook
from scenario import REVIEWS, TWO, Diary, Scenario, lines_of, scenario_of

from booklore_core.testing import MORNING


def full_day(destination: str = IN_BOOK) -> Scenario:
    """Every kind of stretch, on two devices, handed over late, mixed up and twice."""
    kobo = Diary(destination=destination)
    phone = Diary("phone-02", MORNING + timedelta(minutes=7), destination=destination)
    early = [kobo.read("Dune"), kobo.nap("Dune"), kobo.run_dry("Emma"), kobo.wake("Dune")]
    late = [kobo.checkpoint("Emma"), kobo.leaf("Dune"), kobo.finish()]
    marks = [kobo.mark("Dune", *TWO, Notebook.mark_page), kobo.mark("Dune", Notebook.note, Notebook.remove)]
    last = [kobo.forget("Emma"), kobo.rate("Dune", 4), kobo.connect(), kobo.finish(), kobo.delete(), *marks]
    last += [kobo.review("Dune", REVIEWS[0]), kobo.review("Dune", REVIEWS[1]), kobo.review("Emma", REVIEWS[0])]
    last += [kobo.review("Emma", None), kobo.put_aside(), kobo.take_up(), kobo.bring_back(), kobo.delete()]
    other = [phone.read("Emma"), phone.mark("Dune", *TWO), phone.rate("Dune", 2), phone.finish(), phone.put_aside()]
    other += [phone.review("Dune", REVIEWS[2]), phone.review("Emma", REVIEWS[2])]
    first = lines_of([*early, *last, *other])
    return scenario_of(kobo, phone, handovers=[first, [*reversed(lines_of(late)), *lines_of(early)]])


def short_day(destination: str = IN_BOOK) -> Scenario:
    """As much of it as a crash at every single step affords: two books, a suspend, a dead battery, late lines, and one
    thing of every kind."""
    kobo = Diary(destination=destination)
    early = [kobo.wake("Dune"), kobo.run_dry("Emma"), kobo.finish(), kobo.delete()]
    early += [kobo.mark("Dune", *TWO, Notebook.mark_page, stars=4), kobo.review("Dune", REVIEWS[0])]
    late = kobo.mark("Dune", Notebook.note)
    return scenario_of(kobo, handovers=[lines_of(early), [*reversed(late.lines)]])
