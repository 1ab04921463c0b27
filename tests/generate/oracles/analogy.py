"""Analogy: a + b − c."""
from oracles._scalar import per_file, three


def case(make):
    """Three adapters, or two where the method takes no more."""
    return three(make, "a + b − c", "analogy")


def merge(problem):
    """See above."""
    return per_file(problem, lambda taus: [1, 1, -1])
