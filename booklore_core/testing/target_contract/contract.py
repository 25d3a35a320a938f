"""All tests that a target has to pass."""

from booklore_core.testing.target_contract.fact_tests import FactTests
from booklore_core.testing.target_contract.fault_tests import FaultTests
from booklore_core.testing.target_contract.part_tests import PartTests


class TargetContract(FactTests, FaultTests, PartTests):
    """Derive a class from it whose name begins with `Test`, with `make_target` and `held`; see `Bench` for the rest."""
