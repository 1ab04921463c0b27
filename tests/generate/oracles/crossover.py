"""Crossover."""
from cases import QUERY, VALUE, Adapter, Case


def case(make):
    """Without spread, where chance does not matter: the mean of those that have the module."""
    a, b = {QUERY: make.pair(16, 14, 3), VALUE: make.pair(10, 14, 2)}, {QUERY: make.pair(16, 14, 4)}
    return Case("a crossover that is the mean", [Adapter("peft", m) for m in (a, b)], [1.0, 0.7], method="crossover",
                params={"spread": 0})


def merge(problem):
    """The mean."""
    return problem.each(lambda parts: sum(part.tau for part in parts) / len(parts))
