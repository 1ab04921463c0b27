"""PICO."""
import numpy as np

from cases import QUERY, VALUE, Adapter, Case


def case(make):
    """Three adapters, shared output directions turned down."""
    a, b, c = ({QUERY: make.pair(16, 14, r), VALUE: make.pair(6, 14, s)} for r, s in ((3, 2), (4, 5), (2, 4)))
    return Case("shared output directions turned down", [Adapter("peft", m) for m in (a, b, c)], [1.0, 0.7, 0.5],
                method="pico")


def merge(problem):
    """The calibrated sum at the adapters' mean norm."""
    assert not problem.params

    def one(parts):
        taus = [part.tau for part in parts]
        u, sigma, _ = np.linalg.svd(np.hstack(taus), full_matrices=False)
        p = sigma**2 / (sigma**2).sum()
        a = 1 / (1 + (len(taus) - 1) * p)
        merged = sum(tau + (u * (a - 1)) @ (u.T @ tau) for tau in taus)
        return merged * np.mean([np.linalg.norm(tau) for tau in taus]) / np.linalg.norm(merged)

    return problem.each(one)
