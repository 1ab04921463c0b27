"""DELLA."""
import numpy as np

from . import _sparse


def case(make):
    """From three to nine of ten, by place in the row."""
    return _sparse.case(make, "entries by chance and size, by sign", "della", density=0.6, epsilon=0.3)


def merge(problem):
    """MagPrune, elect, mean of what agrees."""
    density, epsilon = problem.params["density"], problem.params["epsilon"]

    def one(name, parts):
        taus = []
        for part in parts:
            ranks = np.argsort(np.argsort(np.abs(part.delta), axis=1), axis=1)
            stays = density - epsilon + 2 * epsilon * ranks / (part.delta.shape[1] - 1)
            taus.append(np.where(_sparse.chance(problem, name, part) < stays, part.tau / stays, 0.0))
        taus = np.stack(taus)
        agrees = _sparse.agreeing(taus)
        return np.where(agrees, taus, 0.0).sum(axis=0) / np.maximum(agrees.sum(axis=0), 1)

    return _sparse.each(problem, one)
