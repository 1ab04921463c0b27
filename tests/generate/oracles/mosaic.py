"""Mosaic."""
import numpy as np

from cases import QUERY, VALUE, Adapter, Case


def case(make):
    """Four units of two adapters of weights 3 : 1, the largest of each: chance plays no part."""
    a, b = ({QUERY: make.pair(16, 14, r), VALUE: make.pair(10, 14, s)} for r, s in ((5, 4), (4, 3)))
    return Case("three units of one and one of the other", [Adapter("peft", m) for m in (a, b)], [1.2, -0.4],
                method="mosaic", params={"units": 4, "rescale": True}, rank={"mode": "fixed", "value": 14})


def merge(problem):
    """Three and one, as strong as the whole."""

    def one(parts):
        total = 0
        for part, count in zip(parts, (3, 1)):
            units = [np.outer(b, a) for b, a in zip(part.up.T, part.down)]
            units.sort(key=np.linalg.norm, reverse=True)
            total = total + part.weight * len(units) / count * sum(units[:count])
        return total

    return problem.each(one)
