"""OPCM."""
import numpy as np

from oracles import thin_svd
from oracles._scalar import three


def case(make):
    """Three adapters one after the other, one of which lacks a module."""
    return three(make, "adapters join one by one", "opcm")


def merge(problem):
    """The published recursion: project, add, divide by λ_t, for the whole file at once."""
    alpha = problem.params.get("alpha", 0.5)
    merged = {m: np.zeros_like(parts[0].delta) for m, parts in problem.modules.items()}
    norms, previous = [], 1.0
    for t in range(problem.adapters):
        taus = {m: next((part.tau for part in parts if part.adapter == t), np.zeros_like(merged[m]))
                for m, parts in problem.modules.items()}
        norms.append(np.sqrt(sum((tau**2).sum() for tau in taus.values())))
        for m, tau in taus.items():
            if merged[m].any():
                u, sigma, vt = thin_svd(merged[m])
                k = int(np.argmax(np.cumsum(sigma) / sigma.sum() > alpha))
                p = u.T @ tau @ vt.T
                mask = np.eye(len(sigma), dtype=bool)
                mask[:k, :k] = True
                tau = tau - u @ np.where(mask, p, 0) @ vt
            merged[m] = previous * merged[m] + tau
        previous = np.sqrt(sum((x**2).sum() for x in merged.values())) / np.mean(norms)
        merged = {m: x / previous for m, x in merged.items()}
    return merged
