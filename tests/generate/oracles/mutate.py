"""Mutate."""
from cases import QUERY, VALUE, Adapter, Case


def case(make):
    """Without any change, where chance does not matter: the sum."""
    a, b = {QUERY: make.pair(16, 14, 3), VALUE: make.pair(10, 14, 2)}, {QUERY: make.pair(16, 14, 4)}
    return Case("a mutation that is the sum", [Adapter("peft", m) for m in (a, b)], [1.0, 0.7], method="mutate",
                params={"amount": 0})


def merge(problem):
    """The sum."""
    return problem.each(lambda parts: sum(part.tau for part in parts))
