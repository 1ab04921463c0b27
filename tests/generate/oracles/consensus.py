"""Consensus merging."""
import numpy as np

from cases import QUERY, VALUE, Adapter, Case
from oracles._tall import masks


def case(make):
    """Three adapters, of which one module is only one's."""
    a = {QUERY: make.pair(16, 14, 3), VALUE: make.pair(10, 14, 2)}
    b, c = ({QUERY: make.pair(16, 14, r)} for r in (4, 2))
    return Case("the sum where two of three masks hold", [Adapter("peft", m) for m in (a, b, c)], [1.0, 0.7, -0.5],
                method="consensus", params={"factor": 0.45}, rank={"mode": "fixed", "value": 14})


def merge(problem):
    """The sum where at least k masks hold, k being no more than the adapters that there are."""

    def one(parts):
        merged, held = masks(parts, problem.params["factor"])
        return np.where(held.sum(axis=0) >= min(2, len(parts)), merged, 0)

    return problem.each(one)
