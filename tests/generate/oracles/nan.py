"""NAN: shares inverse to the norms."""
import numpy as np

from oracles._scalar import per_module, three


def case(make):
    """Three adapters, or two where the method takes no more."""
    return three(make, "shares inverse to the norms", "nan")


def merge(problem):
    """See above."""
    def rule(taus):
        inverse = np.array([1 / np.linalg.norm(tau) for tau in taus])
        return inverse / inverse.sum()

    return per_module(problem, rule)
