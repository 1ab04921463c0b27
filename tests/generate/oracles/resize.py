"""Resize."""
import numpy as np

from cases import QUERY, VALUE, Adapter, Case
from oracles import thin_svd


def case(make):
    """The first directions that hold 80 % of the norm, by kohya's rule."""
    a = {QUERY: make.pair(16, 14, 4), VALUE: make.pair(10, 14, 5)}
    return Case("one adapter cut by share of the norm", [Adapter("peft", a)], [0.7], method="resize",
                params={"rule": "fro", "value": 0.8})


def merge(problem):
    """The leading triples, for the rule sv_fro."""
    share = problem.params["value"] ** 2

    def one(parts):
        u, sigma, vt = thin_svd(parts[0].tau)
        k = int(np.searchsorted(np.cumsum(sigma**2) / (sigma**2).sum(), share)) + 1
        return u[:, :k] * sigma[:k] @ vt[:k]

    return problem.each(one)
