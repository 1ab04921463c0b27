"""Core space."""
import numpy as np

from cases import QUERY, VALUE, Adapter, Case
from oracles import thin_svd
from oracles._inner import ties


def case(make):
    """Two adapters of unlike ranks with their factors as stored."""
    a, b = ({QUERY: make.pair(16, 14, r), VALUE: make.pair(10, 14, s)} for r, s in ((3, 2), (4, 3)))
    return Case("signs elected between singular vectors of the factors", [Adapter("peft", m) for m in (a, b)],
                [1.0, -0.7], method="core", params={"density": 0.6, "gauge": "stored"})


def merge(problem):
    """TIES of the deltas between the bases of ups and downs as stored."""

    def one(parts):
        u, _, _ = thin_svd(np.hstack([part.weight * part.up for part in parts]))
        _, _, vt = thin_svd(np.vstack([part.down for part in parts]))
        return u @ ties([u.T @ part.tau @ vt.T for part in parts], problem.params["density"]) @ vt

    return problem.each(one)
