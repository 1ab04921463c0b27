"""The TALL mask of one adapter."""
import numpy as np

from cases import QUERY, VALUE, Adapter, Case
from oracles._tall import masks


def case(make):
    """The second of two adapters, which lacks a module."""
    a = {QUERY: make.pair(16, 14, 3), VALUE: make.pair(10, 14, 2)}
    b = {QUERY: make.pair(16, 14, 4)}
    return Case("what the second adapter knows of the sum", [Adapter("peft", m) for m in (a, b)], [1.0, 0.8],
                method="tall", params={"adapter": 2, "factor": 0.6}, rank={"mode": "fixed", "value": 14})


def merge(problem):
    """The sum under that mask."""

    def one(parts):
        merged, held = masks(parts, problem.params["factor"])
        own = [mask for part, mask in zip(parts, held) if part.adapter == problem.params["adapter"] - 1]
        return np.where(own[0], merged, 0) if own else 0 * merged

    return problem.each(one)
