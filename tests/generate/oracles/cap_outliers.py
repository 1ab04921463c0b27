"""Cap outliers: norms above median + k·MAD are brought down to it."""
import numpy as np

from oracles._scalar import per_module, three


def case(make):
    """Three adapters, or two where the method takes no more."""
    return three(make, "a strong adapter capped", "cap-outliers", weights=(1.0, 0.7, 5.0), k=1.0)


def merge(problem):
    """See above."""
    def rule(taus):
        norms = np.array([np.linalg.norm(tau) for tau in taus])
        most = np.median(norms) + problem.params["k"] * np.median(np.abs(norms - np.median(norms)))
        return np.minimum(1, most / norms)

    return per_module(problem, rule)
