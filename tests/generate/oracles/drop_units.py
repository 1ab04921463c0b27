"""Drop units."""
import numpy as np

from cases import QUERY, VALUE, Adapter, Case


def case(make):
    """Units below 0.9 of the strongest."""
    a = {QUERY: make.pair(16, 14, 4), VALUE: make.pair(10, 14, 5)}
    return Case("one adapter without its weaker units", [Adapter("peft", a)], [-0.7], method="drop-units",
                params={"share": 0.9})


def merge(problem):
    """The sum of the units that are strong enough."""

    def one(parts):
        part = parts[0]
        units = [np.outer(b, a) for b, a in zip(part.up.T, part.down)]
        norms = np.array([np.linalg.norm(unit) for unit in units])
        return part.weight * sum(unit for unit, norm in zip(units, norms) if norm >= problem.params["share"] * norms.max())

    return problem.each(one)
