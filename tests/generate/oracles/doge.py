"""DOGE, as a least squares problem."""
import numpy as np

from cases import QUERY, Adapter, Case


def case(make):
    """Two adapters of one module, no shared directions left out: the shift has a closed form for every row."""
    a, b = ({QUERY: make.pair(16, 14, r)} for r in (1, 1))
    return Case("a shift with which adapters are seen whole", [Adapter("peft", m) for m in (a, b)], [1.0, 0.7],
                method="doge", params={"subspace": 0, "steps": 100}, rank={"mode": "fixed", "value": 14})


def merge(problem):
    """Row by row the smallest Δ that solves the normal equations."""

    def one(parts):
        taus = [part.tau for part in parts]
        norms = [np.linalg.norm(tau) for tau in taus]
        factors = [np.mean(norms) / norm for norm in norms]
        total = sum(factor * tau for factor, tau in zip(factors, taus))
        delta = np.zeros_like(total)
        for row in range(len(total)):
            x = np.stack([tau[row] for tau in taus])
            wanted = np.einsum("jn,jn->j", x, x - total[row])
            delta[row] = np.linalg.lstsq(sum(factors) * x, wanted, rcond=None)[0]
        return total + sum(factors) * delta

    return problem.each(one)
