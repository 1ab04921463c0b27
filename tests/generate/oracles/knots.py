"""KnOTS."""
import numpy as np

from cases import QUERY, VALUE, Adapter, Case
from oracles import thin_svd
from oracles._inner import ties


def case(make):
    """Three adapters of unlike ranks, four entries of ten."""
    a, b, c = ({QUERY: make.pair(16, 14, r), VALUE: make.pair(10, 14, s)} for r, s in ((3, 2), (4, 2), (2, 3)))
    return Case("signs elected in shared directions", [Adapter("peft", m) for m in (a, b, c)], [1.0, 0.7, -0.5],
                method="knots", params={"density": 0.4})


def merge(problem):
    """TIES of the deltas seen from the left singular vectors of all of them."""

    def one(parts):
        u, _, _ = thin_svd(np.hstack([part.tau for part in parts]))
        return u @ ties([u.T @ part.tau for part in parts], problem.params["density"])

    return problem.each(one)
