"""DARE."""
import numpy as np

from . import _peft, _sparse


def case(make):
    """Four of ten entries dropped, made up for on average."""
    return _sparse.case(make, "a random six tenths, added up", "dare", drop=0.4)


def merge(problem):
    """Σ w·ΔW∘m/(1 − p), or PEFT's on factors."""
    drop = problem.params["drop"]
    if problem.params.get("space") == "factors":
        return _peft.merge(problem, _peft.random(problem), elect=False)

    def one(name, parts):
        return sum(np.where(_sparse.chance(problem, name, p) < drop, 0.0, p.tau) / (1 - drop) for p in parts)

    return _sparse.each(problem, one)
