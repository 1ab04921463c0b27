"""MetaGPT: shares by squared norms over the whole model."""
import numpy as np

from oracles._scalar import per_file, three


def case(make):
    """Three adapters, or two where the method takes no more."""
    return three(make, "shares by squared norms of the whole file", "metagpt")


def merge(problem):
    """See above."""
    def rule(taus):
        squares = np.array([np.vdot(tau, tau) for tau in taus])
        return squares / squares.sum()

    return per_file(problem, rule)
