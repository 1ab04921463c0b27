"""SCE."""
import numpy as np

from . import _sparse


def case(make):
    """Three tenths of the entries."""
    return _sparse.case(make, "where adapters differ most, by energy", "sce", select=0.3)


def merge(problem):
    """Select, calculate, erase."""

    def one(parts):
        taus = np.stack([part.tau for part in parts])
        variance = taus.var(axis=0)
        least = np.sort(variance.ravel())[::-1][round(problem.params["select"] * variance.size) - 1]
        taus = np.where(variance >= least, taus, 0.0)
        energies = (taus**2).mean(axis=(1, 2), keepdims=True)
        counted = energies * _sparse.agreeing(taus)
        total = counted.sum(axis=0)
        return (counted * taus).sum(axis=0) / np.where(total > 0, total, 1.0)

    return problem.each(one)
