"""MagMax."""
import numpy as np

from cases import QUERY, VALUE, Adapter, Case


def case(make):
    """Three adapters, one of them negative."""
    a, b, c = ({QUERY: make.pair(16, 14, r), VALUE: make.pair(10, 14, s)} for r, s in ((3, 2), (4, 2), (2, 3)))
    return Case("the largest entry of three", [Adapter("peft", m) for m in (a, b, c)], [1.0, 0.8, -0.9],
                method="magmax", rank={"mode": "fixed", "value": 14})


def merge(problem):
    """The entry of the largest magnitude."""

    def one(parts):
        taus = np.stack([part.tau for part in parts])
        return np.take_along_axis(taus, np.abs(taus).argmax(axis=0)[None], axis=0)[0]

    return problem.each(one)
