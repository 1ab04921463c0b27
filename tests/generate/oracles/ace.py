"""ACE for adapters alone."""
import numpy as np

from cases import QUERY, VALUE, Adapter, Case


def case(make):
    """Centred covariances, once of deltas with few rows."""
    a, b, c = ({QUERY: make.pair(16, 14, r), VALUE: make.pair(4, 9, s)} for r, s in ((3, 2), (4, 4), (5, 3)))
    return Case("adapters weighed by their rows' covariances", [Adapter("peft", m) for m in (a, b, c)],
                [1.0, 0.7, -0.5], method="ace", params={"ridge": 0.1})


def merge(problem):
    """[Σ τ(C + εI)]·[Σ(C + εI)]⁻¹."""
    ridge, balance = problem.params.get("ridge", 0.01), problem.params.get("balance", "auto")

    def one(parts):
        taus = [part.tau for part in parts]
        logs = np.log([(tau**2).sum() for tau in taus])
        c = [np.cov(tau.T, bias=True) * len(tau) for tau in taus]
        if balance == "always" or (balance == "auto" and logs.var() > 0.3 * logs.mean() ** 2):
            c = [x / np.trace(x) for x in c]
        rank = np.linalg.matrix_rank(np.vstack([tau / np.linalg.norm(tau) for tau in taus]), tol=1e-6)
        eye = ridge * np.mean([np.trace(x) for x in c]) / rank * np.eye(len(c[0]))
        wanted = sum(tau @ (x + eye) for tau, x in zip(taus, c))
        return np.linalg.solve(sum(x + eye for x in c), wanted.T).T

    return problem.each(one)
