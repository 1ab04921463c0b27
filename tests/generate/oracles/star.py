"""STAR."""
import numpy as np

from cases import QUERY, VALUE, Adapter, Case
from oracles import thin_svd


def case(make):
    """Three adapters that lose their weakest directions."""
    a, b, c = ({QUERY: make.pair(16, 14, r), VALUE: make.pair(10, 14, s)} for r, s in ((4, 3), (5, 4), (3, 6)))
    return Case("strongest directions with the size of all", [Adapter("peft", m) for m in (a, b, c)], [1.0, 0.7, 0.9],
                method="star", params={"eta": 0.6})


def merge(problem):
    """Mean of truncated and rescaled deltas."""
    eta = problem.params.get("eta", 0.8)

    def one(parts):
        total = 0
        for part in parts:
            u, sigma, vt = thin_svd(part.tau)
            k = int(np.searchsorted(np.cumsum(sigma), eta * sigma.sum() * (1 - 1e-9))) + 1
            total = total + (u[:, :k] * sigma[:k]) @ vt[:k] * sigma.sum() / sigma[:k].sum()
        return total / len(parts)

    return problem.each(one)
