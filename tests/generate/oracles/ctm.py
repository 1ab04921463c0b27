"""Compress-then-Merge."""
import numpy as np

from cases import QUERY, VALUE, Adapter, Case, fixed
from oracles._inner import ties


def case(make):
    """Three adapters into three directions."""
    a, b, c = ({QUERY: make.pair(16, 14, r), VALUE: make.pair(10, 14, s)} for r, s in ((3, 2), (4, 2), (2, 3)))
    return Case("a space of rank three, found by turns", [Adapter("peft", m) for m in (a, b, c)], [1.0, 0.7, -0.5],
                method="ctm", rank=fixed(3), params={"density": 0.4, "beta": 0.25})


def merge(problem):
    """TIES in the space that four turns of higher-order orthogonal iteration give, or fewer."""
    r, beta = 3, problem.params["beta"]

    def leading(blocks):
        return np.linalg.svd(np.hstack(blocks), full_matrices=False)[0][:, :r]

    def one(parts):
        taus = [part.tau for part in parts]
        norms = [np.linalg.norm(tau) for tau in taus]
        hats = [tau / n * (beta * n + (1 - beta) * np.mean(norms)) for tau, n in zip(taus, norms)]
        whole, before = sum((hat**2).sum() for hat in hats), np.inf
        u, v = leading(hats), leading([hat.T for hat in hats])
        for _ in range(4):
            u = leading([hat @ v for hat in hats])
            v = leading([hat.T @ u for hat in hats])
            left = 1 - sum(((u.T @ hat @ v) ** 2).sum() for hat in hats) / whole
            if abs(before - left) < 1e-6:
                break
            before = left
        return u @ ties([u.T @ tau @ v for tau in taus], problem.params["density"]) @ v.T

    return problem.each(one)
