"""Gram–Schmidt."""
import numpy as np

from oracles._scalar import three


def case(make):
    """The first is kept, of the others what is at right angles to it."""
    return three(make, "each without what earlier ones share with it", "gram-schmidt")


def merge(problem):
    """R of a QR of the vectors: M = Q·diag(R)."""

    def one(parts):
        q, r = np.linalg.qr(np.stack([part.tau.ravel() for part in parts], axis=1))
        return (q @ np.diag(r)).reshape(parts[0].tau.shape)

    return problem.each(one)
