"""DO-Merging."""
import numpy as np

from oracles._scalar import three


def case(make):
    """Lengths and directions averaged apart."""
    return three(make, "lengths and directions of columns, averaged apart", "do-merging")


def merge(problem):
    """mean(m) ∘ mean(τ/m)."""

    def one(parts):
        lengths = [np.linalg.norm(part.tau, axis=0) for part in parts]
        return np.mean(lengths, axis=0) * np.mean([part.tau / m for part, m in zip(parts, lengths)], axis=0)

    return problem.each(one)
