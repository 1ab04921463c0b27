"""Norm-equalise: Σ (t/‖τᵢ‖)^γ·τᵢ, t the median norm."""
import numpy as np

from oracles._scalar import per_file, three


def case(make):
    """Three adapters, or two where the method takes no more."""
    return three(make, "unlike strengths evened out, half the way", "norm-equalise", gamma=0.5)


def merge(problem):
    """See above."""
    def rule(taus):
        norms = [np.linalg.norm(tau) for tau in taus]
        return [(np.median(norms) / n) ** problem.params["gamma"] for n in norms]

    return per_file(problem, rule)
