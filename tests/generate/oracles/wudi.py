"""WUDI."""
import numpy as np

from cases import QUERY, VALUE, Adapter, Case


def case(make):
    """Overlapping inputs, drawn to the sum."""
    a, b, c = ({QUERY: make.pair(16, 14, r), VALUE: make.pair(10, 8, s)} for r, s in ((3, 4), (4, 5), (5, 3)))
    return Case("what each adapter does to its inputs", [Adapter("peft", m) for m in (a, b, c)], [1.0, 0.7, -0.5],
                method="wudi", params={"ridge": 0.2})


def merge(problem):
    """[Σ τH + μΣτ]·[ΣH + μI]⁻¹."""
    ridge = problem.params.get("ridge", 0.05)

    def one(parts):
        taus = [part.tau for part in parts]
        normed = [tau / np.linalg.norm(tau) for tau in taus]
        mu = ridge * len(taus) / np.linalg.matrix_rank(np.vstack(normed), tol=1e-6 * np.sqrt(len(taus)))
        h = [x.T @ x for x in normed]
        wanted = sum(tau @ (c + mu * np.eye(len(c))) for tau, c in zip(taus, h))
        return np.linalg.solve(sum(h) + mu * np.eye(len(h[0])), wanted.T).T

    return problem.each(one)
