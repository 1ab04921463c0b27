"""FroM: shares by a power of the norms."""
import numpy as np

from oracles._scalar import per_module, three


def case(make):
    """Three adapters, or two where the method takes no more."""
    return three(make, "shares by a power of the norms", "from", k=1.5)


def merge(problem):
    """See above."""
    def rule(taus):
        powers = np.array([np.linalg.norm(tau) for tau in taus]) ** problem.params["k"]
        return powers / powers.sum()

    return per_module(problem, rule)
