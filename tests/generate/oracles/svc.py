"""SVC."""
import numpy as np

from cases import QUERY, VALUE, Adapter, Case
from oracles import thin_svd


def case(make):
    """Two adapters that share one module's factors at another strength."""
    shared = make.pair(10, 14, 3)
    a, b = ({QUERY: make.pair(16, 14, r), VALUE: shared} for r in (3, 4))
    return Case("singular values brought down to the adapters' own", [Adapter("peft", m) for m in (a, b)], [1.0, 0.7],
                method="svc")


def merge(problem):
    """σ·T/Σ max(α, s)."""
    least = problem.params.get("alpha_min", 0.1)

    def one(parts):
        total = sum(part.tau for part in parts)
        u, sigma, vt = thin_svd(total)
        shown = [u.T @ part.tau for part in parts]
        s = np.array([((u.T @ total) * x).sum(1) / (x * x).sum(1) for x in shown])
        return (u * (sigma * len(parts) / np.maximum(s, least).sum(0))) @ vt

    return problem.each(one)
