"""SLERP between two adapters."""
import numpy as np

from oracles._scalar import cosine, per_module, three


def case(make):
    """Three adapters, or two where the method takes no more."""
    return three(make, "a third of the way along the arc", "slerp", weights=(1.0, 0.7), t=1 / 3)


def merge(problem):
    """See above."""
    def rule(taus):
        angle, t = np.arccos(cosine(*taus)), problem.params["t"]
        return np.sin((1 - t) * angle) / np.sin(angle), np.sin(t * angle) / np.sin(angle)

    return per_module(problem, rule)
