"""What rules with one coefficient per adapter share."""
import numpy as np

from cases import QUERY, VALUE, Adapter, Case


def three(make, title, method, weights=(1.0, 0.7, 1.6), **params):
    """A case of three adapters of unlike ranks and strengths, one of which lacks a module."""
    a, b, c = ({QUERY: make.pair(14, 12, r), VALUE: make.pair(9, 12, s)} for r, s in ((3, 2), (4, 2), (2, 3)))
    del c[VALUE]
    parts = [Adapter("peft", m) for m in (a, b, c)][: len(weights)]
    return Case(title, parts, list(weights), method=method, params=params)


def per_module(problem, coefficients):
    """Σ cᵢτᵢ, c from one module's τᵢ."""

    def one(parts):
        taus = [part.tau for part in parts]
        return sum(c * tau for c, tau in zip(coefficients(taus), taus))

    return problem.each(one)


def per_file(problem, coefficients):
    """Σ cᵢτᵢ, c from the adapters as vectors over all modules."""
    vectors = [[] for _ in range(problem.adapters)]
    for parts in problem.modules.values():
        there = {part.adapter: part.tau for part in parts}
        for i, vector in enumerate(vectors):
            vector.append(there.get(i, np.zeros_like(parts[0].delta)).ravel())
    c = coefficients([np.concatenate(vector) for vector in vectors])
    return problem.each(lambda parts: sum(c[part.adapter] * part.tau for part in parts))


def cosine(a, b):
    """Of two arrays."""
    return float(np.vdot(a, b) / np.linalg.norm(a) / np.linalg.norm(b))
