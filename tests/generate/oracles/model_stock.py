"""Model Stock: (t/T)·Στᵢ with t from the mean cosine."""
import numpy as np

from oracles._scalar import cosine, per_module, three


def case(make):
    """Three adapters, or two where the method takes no more."""
    return three(make, "the mean, pulled to the base", "model-stock", weights=(1.0, 0.7))


def merge(problem):
    """See above."""
    def rule(taus):
        count = len(taus)
        mean = max(0, np.mean([cosine(taus[i], taus[j]) for i in range(count) for j in range(i)])) if count > 1 else 1
        return [mean / (1 + (count - 1) * mean)] * count

    return per_module(problem, rule)
