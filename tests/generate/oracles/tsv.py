"""TSV-M."""
import numpy as np

from cases import QUERY, VALUE, Adapter, Case
from oracles import polar, thin_svd


def case(make):
    """Three adapters of unlike ranks, one of negative weight."""
    a, b, c = ({QUERY: make.pair(16, 14, r), VALUE: make.pair(10, 14, s)} for r, s in ((3, 2), (4, 2), (2, 3)))
    return Case("singular vectors made orthogonal together", [Adapter("peft", m) for m in (a, b, c)], [1.0, 0.7, -0.5],
                method="tsv")


def merge(problem):
    """polar([U…])·diag(σ…)·polar([V…])ᵀ of the leading directions."""
    keep = problem.params.get("keep", 1.0)

    def one(parts):
        us, sigmas, vs = [], [], []
        for part in parts:
            u, sigma, vt = thin_svd(part.tau)
            k = max(1, round(keep * len(sigma)))
            us.append(u[:, :k]), sigmas.append(sigma[:k]), vs.append(vt[:k].T)
        return polar(np.hstack(us)) @ np.diag(np.concatenate(sigmas)) @ polar(np.hstack(vs)).T

    return problem.each(one)
