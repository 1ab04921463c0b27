"""What methods that mask entries share."""
import numpy as np

from cases import QUERY, VALUE, Adapter, Case

from . import _philox


def case(make, title, method, weights=(1.0, 0.7, -0.5), **params):
    """Three adapters of unlike ranks, all directions kept."""
    a, b, c = ({QUERY: make.pair(16, 14, r), VALUE: make.pair(10, 14, s)} for r, s in ((3, 2), (4, 2), (2, 3)))
    return Case(title, [Adapter("peft", m) for m in (a, b, c)], list(weights), method=method, params=params, seed=7,
                rank={"mode": "fixed", "value": 14})


def chance(problem, name, part):
    """A number in [0, 1) for every entry."""
    return _philox.uniform(problem.seed, name, part.adapter, part.delta.shape)


def sized(after, before):
    """`after` with the Σ|x| of `before`."""
    return after * np.abs(before).sum() / np.abs(after).sum()


def each(problem, merge):
    """A method that looks at one module's name and parts at a time."""
    return {name: merge(name, parts) for name, parts in problem.modules.items()}


def agreeing(taus):
    """Where each of the stacked τ ≠ 0 has the sign of their sum."""
    return (taus != 0) & (np.sign(taus) == np.sign(taus.sum(axis=0)))
