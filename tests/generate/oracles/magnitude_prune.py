"""Magnitude pruning."""
import numpy as np

from . import _peft, _sparse


def case(make):
    """The largest third of every row."""
    return _sparse.case(make, "the largest three tenths of a row", "magnitude-prune", density=0.3, scope="row")


def merge(problem):
    """Σ of the largest of every row, or PEFT's on factors."""
    if problem.params.get("space") == "factors":
        return _peft.merge(problem, _peft.largest(problem), elect=False)

    def rows(tau):
        places = np.argsort(np.argsort(-np.abs(tau), axis=1), axis=1)
        return np.where(places < round(problem.params["density"] * tau.shape[1]), tau, 0.0)

    return problem.each(lambda parts: sum(rows(part.tau) for part in parts))
