"""Own coefficients."""
import numpy as np

from cases import QUERY, VALUE, Adapter, Case

GIVEN = {"1": {"*": 0.5, "*self_attn*v_proj": [1, 0, -2]}, "2": 0.25}


def case(make):
    """A number for one module, a number per unit for the other."""
    a, b = ({QUERY: make.pair(16, 14, r), VALUE: make.pair(10, 14, s)} for r, s in ((2, 3), (4, 2)))
    return Case("coefficients per module and unit", [Adapter("peft", m) for m in (a, b)], [1.0, 0.7],
                method="coefficients", params={"coefficients": GIVEN})


def merge(problem):
    """What GIVEN says."""

    def one(module, parts):
        first = np.array([1, 0, -2]) if module == VALUE else 0.5
        given = {0: first, 1: 0.25}
        return sum(part.weight * (part.up * given[part.adapter]) @ part.down for part in parts)

    return {module: one(module, parts) for module, parts in problem.modules.items()}
