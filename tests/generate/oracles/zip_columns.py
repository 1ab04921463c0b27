"""Column-wise sharing."""
import numpy as np

from oracles._scalar import three


def case(make):
    """Columns that are alike are shared."""
    return three(make, "columns shared as far as they are alike", "zip-columns")


def merge(problem):
    """Coefficients from the cosines of unit columns."""

    def one(parts):
        taus = np.stack([part.tau for part in parts])
        unit = taus / np.linalg.norm(taus, axis=1, keepdims=True)
        cosines = np.einsum("irj,krj->ikj", unit, unit).clip(0)
        # The cosine of an adapter with itself is the 1 of the formula.
        return (taus / cosines.sum(1)[:, None]).sum(0)

    return problem.each(one)
