"""Least squares: every adapter is found again at its own strength."""
import numpy as np

from oracles._scalar import per_file, three


def case(make):
    """Three adapters, or two where the method takes no more."""
    return three(make, "every adapter at its own strength", "least-squares")


def merge(problem):
    """See above."""
    def rule(taus):
        gram = np.array([[np.vdot(a, b) for b in taus] for a in taus])
        return np.linalg.solve(gram, np.diag(gram))

    return per_file(problem, rule)
