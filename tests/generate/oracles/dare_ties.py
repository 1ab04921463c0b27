"""DARE-TIES."""
import numpy as np

from . import _peft, _sparse


def case(make):
    """As mergekit does: sizes of a module kept, what agrees added up."""
    return _sparse.case(make, "a random half, by sign", "dare-ties", drop=0.5, variant="mergekit")


def merge(problem):
    """mergekit's, or PEFT's on factors."""
    drop = problem.params["drop"]
    if problem.params.get("space") == "factors":
        return _peft.merge(problem, _peft.random(problem), elect=True)

    def one(name, parts):
        left = [np.where(_sparse.chance(problem, name, p) < drop, 0.0, p.delta) for p in parts]
        taus = np.stack([p.weight * _sparse.sized(x, p.delta) for p, x in zip(parts, left)])
        return np.where(_sparse.agreeing(taus), taus, 0.0).sum(axis=0)

    return _sparse.each(problem, one)
