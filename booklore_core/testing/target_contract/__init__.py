"""What every target has to keep, as a pytest suite that any author points at a target.

A target in memory, or one that writes files::

    from booklore_core.testing.target_contract import TargetContract

    class TestDiary(TargetContract):
        def make_target(self, store):
            return Diary(self.folder / "diary.txt")

        def held(self):
            return (self.folder / "diary.txt").read_text().splitlines()

A target that speaks HTTP, to a server of the kit that takes everything (or to one of your own, see `remote_url`)::

    from booklore_core.testing.target_contract import HttpTargetContract

    class TestHook(HttpTargetContract):
        def make_target(self, url, store):
            return Hook(url)

Every test runs the target in a real core, on a database and a clock of its own. What does not apply is skipped and says
why: `pytest -rs` lists it. Needs pytest.
"""

from booklore_core.testing.target_contract.contract import TargetContract
from booklore_core.testing.target_contract.http_contract import HttpTargetContract, Notebook
from booklore_core.testing.target_contract.sample_facts import BOOKS, sample_body

__all__ = ["BOOKS", "HttpTargetContract", "Notebook", "TargetContract", "sample_body"]
