"""Iso-CTS."""
import numpy as np

from cases import QUERY, VALUE, Adapter, Case
from oracles import polar, thin_svd


def case(make):
    """Common and own directions, half flattened."""
    a, b, c = ({QUERY: make.pair(16, 14, r), VALUE: make.pair(12, 14, s)} for r, s in ((3, 2), (4, 2), (2, 3)))
    return Case("common and own directions", [Adapter("peft", m) for m in (a, b, c)], [1.0, 0.7, 0.8],
                method="iso-cts", params={"common": 0.5, "own": 1, "beta": 0.5})


def merge(problem):
    """polar(U*)·diag(blended)·polar(V*)ᵀ."""
    share, own = problem.params.get("common", 0.8), problem.params.get("own", 0)
    beta = problem.params.get("beta", 1.0)

    def one(parts):
        u, sigma, vt = thin_svd(sum(part.tau for part in parts))
        k = int(share * len(sigma) + 0.5)
        count = own or (len(sigma) - k) // len(parts)
        common = u[:, :k]
        us, sigmas, vs = [common], [sigma[:k]], [vt[:k].T]
        for part in parts:
            eu, es, ev = thin_svd(part.tau - common @ (common.T @ part.tau))
            us.append(eu[:, :count]), sigmas.append(es[:count]), vs.append(ev[:count].T)
        sigma = np.concatenate(sigmas)
        return polar(np.hstack(us)) @ np.diag((1 - beta) * sigma + beta * sigma.mean()) @ polar(np.hstack(vs)).T

    return problem.each(one)
